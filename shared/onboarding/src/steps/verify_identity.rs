//! verify-identity: whether somebody is who they say. The vendor answers later, by a callback or when it is asked; where it
//! stays silent, a person looks.

use super::{Finding, Module, Vendor, choice};
use crate::{codes, form::Field, ports::VendorKind};
use serde::Deserialize;

pub(super) struct VerifyIdentity;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// The documents to choose from.
    documents: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { documents: ["passport", "driver-licence", "national-id"].map(str::to_owned).to_vec() }
    }
}

impl Module for VerifyIdentity {
    const NAME: &'static str = "verify-identity";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![
            Field::of("identity_document", "Document", choice(settings.documents.iter().cloned())),
            Field::text("identity_number", "Number of the document", 40).personal(),
        ]
    }

    fn needs(_: &Settings) -> Vec<&'static str> {
        vec!["legal_name", "birth_date"]
    }

    fn finds(_: &Settings) -> Vec<Finding> {
        vec![Finding::of("identity_verified", [true])]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Identity, refused: codes::IDENTITY_REFUSED, correctable: false })
    }
}
