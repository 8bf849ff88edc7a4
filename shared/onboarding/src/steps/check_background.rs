//! check-background: a background check, which takes days.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput, VendorUse};
use crate::{
    form::{Field, Kind},
    vendor::VendorKind,
};
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckBackground {}

pub(super) const INFO: StepInfo = StepInfo {
    vendor: Some(VendorUse { kind: VendorKind::Background, refused: BACKGROUND_REFUSED, correctable: false }),
    legacy: Some(LegacyNames { flag: "background_cleared", step: "BACKGROUND" }),
    ..StepInfo::of::<CheckBackground>("check-background")
};

/// The background check was not passed.
pub const BACKGROUND_REFUSED: ErrorCode = ErrorCode::permanent("Background.Refused", "Ask support for a review.");

impl StepModule for CheckBackground {
    fn fields(&self) -> Vec<Field> {
        vec![Field::of("background_consent", "I agree to a background check", Kind::Consent)]
    }

    fn needs(&self) -> Vec<&'static str> {
        vec!["legal_name", "birth_date", "address_line"]
    }

    fn outputs(&self) -> Vec<StepOutput> {
        vec![StepOutput::of("background_clear", [true])]
    }
}
