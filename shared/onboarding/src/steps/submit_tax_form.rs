//! submit-tax-form: the tax number, on the form of the country.

use super::module::{LegacyNames, StepInfo, StepModule};
use crate::form::{Field, Kind};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubmitTaxForm {
    /// The name of the form: `W-9`.
    form: String,
    /// The format of a tax number: a regular expression.
    number: String,
}

pub(super) const INFO: StepInfo = StepInfo {
    legacy: Some(LegacyNames { flag: "tax_complete", step: "TAX" }),
    ..StepInfo::of::<SubmitTaxForm>("submit-tax-form")
};

impl StepModule for SubmitTaxForm {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::matching("tax_number", format!("Tax number ({})", self.form), 20, &self.number).personal(),
            Field::of("tax_certified", format!("I certify that the {} is correct", self.form), Kind::Consent),
        ]
    }
}
