//! check-background: a background check, which takes days.

use super::{Finding, Module, Vendor};
use crate::{
    codes,
    form::{Field, Kind},
    ports::VendorKind,
};
use serde::Deserialize;

pub(super) struct CheckBackground;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {}

impl Module for CheckBackground {
    const NAME: &'static str = "check-background";
    type Settings = Settings;

    fn fields(_: &Settings) -> Vec<Field> {
        vec![Field::of("background_consent", "I agree to a background check", Kind::Consent)]
    }

    fn needs(_: &Settings) -> Vec<&'static str> {
        vec!["legal_name", "birth_date", "address_line"]
    }

    fn finds(_: &Settings) -> Vec<Finding> {
        vec![Finding::of("background_clear", [true])]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Background, refused: codes::BACKGROUND_REFUSED, correctable: false })
    }
}
