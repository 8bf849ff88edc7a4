//! upload-document: a picture of a document, put into a bucket by the applicant's own client, and verified by a vendor. Occurs once
//! for each document.

use super::{Finding, Module, Vendor};
use crate::{
    codes,
    form::{Field, Kind},
    ports::VendorKind,
};
use serde::Deserialize;

pub(super) struct UploadDocument;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Which document: `insurance`.
    document: String,
    /// What it is called on a screen.
    title: String,
}

impl Module for UploadDocument {
    const NAME: &'static str = "upload-document";
    const ACCEPTS_SKIPPED: bool = true;
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![Field::of(format!("{}_object", settings.document), &settings.title, Kind::Document).personal()]
    }

    fn finds(settings: &Settings) -> Vec<Finding> {
        vec![Finding::of(format!("{}_verified", settings.document), [true])]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Document, refused: codes::DOCUMENT_REFUSED, correctable: true })
    }
}
