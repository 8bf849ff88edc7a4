//! upload-document: a document that the applicant's client uploads and a vendor verifies. Occurs once for each document.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput, VendorUse};
use crate::{
    form::{Field, Kind},
    vendor::VendorKind,
};
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadDocument {
    /// The document: `insurance`.
    document: String,
    /// Its title on screens.
    title: String,
}

pub(super) const INFO: StepInfo = StepInfo {
    accepts_skipped: true,
    vendor: Some(VendorUse { kind: VendorKind::Document, refused: DOCUMENT_REFUSED, correctable: true }),
    legacy: Some(LegacyNames { flag: "documents_uploaded", step: "DOCUMENTS" }),
    ..StepInfo::of::<UploadDocument>("upload-document")
};

/// The document can't be read, or is not the one that was asked for.
pub const DOCUMENT_REFUSED: ErrorCode = ErrorCode::permanent("Document.Refused", "Upload a better picture of the document.");

impl StepModule for UploadDocument {
    fn fields(&self) -> Vec<Field> {
        vec![Field::of(format!("{}_object", self.document), &self.title, Kind::Document).personal()]
    }

    fn outputs(&self) -> Vec<StepOutput> {
        vec![StepOutput::of(format!("{}_verified", self.document), [true])]
    }
}
