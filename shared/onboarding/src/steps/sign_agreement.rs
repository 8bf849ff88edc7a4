//! sign-agreement: agrees to one version of one text.

use super::{Module, choice};
use crate::form::{Field, Kind};
use serde::Deserialize;

pub(super) struct SignAgreement;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Which agreement: `courier_terms`.
    agreement: String,
    /// Its version, which the applicant must have seen.
    edition: String,
}

impl Module for SignAgreement {
    const NAME: &'static str = "sign-agreement";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        let Settings { agreement, edition } = settings;
        vec![
            Field::of(format!("{agreement}_edition"), "The edition that I have read", choice([edition])),
            Field::of(format!("{agreement}_agreed"), "I agree", Kind::Consent),
        ]
    }
}
