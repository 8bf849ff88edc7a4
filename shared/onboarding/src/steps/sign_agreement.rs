//! sign-agreement: consent to one edition of one agreement.

use super::module::{LegacyNames, StepInfo, StepModule, choice};
use crate::form::{Field, Kind};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignAgreement {
    /// The agreement: `courier_terms`.
    agreement: String,
    /// Its edition, which the applicant must have read.
    edition: String,
}

pub(super) const INFO: StepInfo = StepInfo {
    legacy: Some(LegacyNames { flag: "agreement_signed", step: "AGREEMENT" }),
    ..StepInfo::of::<SignAgreement>("sign-agreement")
};

impl StepModule for SignAgreement {
    fn fields(&self) -> Vec<Field> {
        let Self { agreement, edition } = self;
        vec![
            Field::of(format!("{agreement}_edition"), "The edition that I have read", choice([edition])),
            Field::of(format!("{agreement}_agreed"), "I agree", Kind::Consent),
        ]
    }
}
