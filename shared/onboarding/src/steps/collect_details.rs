//! collect-details: what is good to know besides the profile.

use super::{Module, choice};
use crate::form::Field;
use serde::Deserialize;

pub(super) struct CollectDetails;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// The languages to choose from; none where it is not asked.
    languages: Vec<String>,
}

impl Module for CollectDetails {
    const NAME: &'static str = "collect-details";
    const ACCEPTS_SKIPPED: bool = true;
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        let mut fields = vec![
            Field::text("emergency_contact", "Whom to call in an emergency", 120).personal(),
            Field::text("referral_code", "Who brought you here", 40).optional(),
        ];
        if !settings.languages.is_empty() {
            fields.push(Field::of("language", "Language", choice(settings.languages.iter().cloned())));
        }
        fields
    }
}
