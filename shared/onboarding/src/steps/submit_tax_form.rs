//! submit-tax-form: the tax number, on the form of the country.

use super::Module;
use crate::form::{Field, Kind};
use serde::Deserialize;

pub(super) struct SubmitTaxForm;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The form: `W-9`.
    form: String,
    /// What a tax number looks like: a regular expression.
    number: String,
}

impl Module for SubmitTaxForm {
    const NAME: &'static str = "submit-tax-form";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![
            Field::matching("tax_number", format!("Tax number ({})", settings.form), 20, &settings.number).personal(),
            Field::of("tax_certified", format!("I certify that the {} is right", settings.form), Kind::Consent),
        ]
    }
}
