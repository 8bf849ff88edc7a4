//! collect-details: useful details besides the profile.

use super::module::{LegacyNames, StepInfo, StepModule, choice};
use crate::form::Field;
use serde::Deserialize;

#[derive(Debug, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct CollectDetails {
    /// The languages to choose from; empty where the form does not ask for one.
    languages: Vec<String>,
}

pub(super) const INFO: StepInfo = StepInfo {
    accepts_skipped: true,
    legacy: Some(LegacyNames { flag: "details_complete", step: "ADDITIONAL_INFO" }),
    ..StepInfo::of::<CollectDetails>("collect-details")
};

impl StepModule for CollectDetails {
    fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::text("emergency_contact", "Emergency contact", 120).personal(),
            Field::text("referral_code", "Referral code", 40).optional(),
        ];
        if !self.languages.is_empty() {
            fields.push(Field::of("language", "Language", choice(self.languages.iter().cloned())));
        }
        fields
    }
}
