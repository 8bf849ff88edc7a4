//! verify-identity: proof of identity. The vendor answers later, by a callback or when it is polled; if it stays silent, an operator
//! reviews the step.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput, VendorUse, choice};
use crate::{form::Field, vendor::VendorKind};
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct VerifyIdentity {
    /// The documents to choose from.
    documents: Vec<String>,
}

pub(super) const INFO: StepInfo = StepInfo {
    vendor: Some(VendorUse { kind: VendorKind::Identity, refused: IDENTITY_REFUSED, correctable: false }),
    legacy: Some(LegacyNames { flag: "identity_verified", step: "IDV" }),
    ..StepInfo::of::<VerifyIdentity>("verify-identity")
};

/// The identity could not be verified.
pub const IDENTITY_REFUSED: ErrorCode = ErrorCode::permanent("Identity.Refused", "Ask support for a review.");

impl Default for VerifyIdentity {
    fn default() -> Self {
        Self { documents: ["passport", "driver-licence", "national-id"].map(str::to_owned).to_vec() }
    }
}

impl StepModule for VerifyIdentity {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::of("identity_document", "Document", choice(self.documents.iter().cloned())),
            Field::text("identity_number", "Document number", 40).personal(),
        ]
    }

    fn needs(&self) -> Vec<&'static str> {
        vec!["legal_name", "birth_date"]
    }

    fn outputs(&self) -> Vec<StepOutput> {
        vec![StepOutput::of("identity_verified", [true])]
    }
}
