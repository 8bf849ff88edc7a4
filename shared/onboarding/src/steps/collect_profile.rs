//! collect-profile: who somebody is, or which business.

use super::Module;
use crate::form::{Field, Kind, WrongField};
use jiff::{Unit, civil::Date};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) struct CollectProfile;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Whether a business is asked for, too.
    business: bool,
    /// Years.
    least_age: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { business: false, least_age: 18 }
    }
}

impl Module for CollectProfile {
    const NAME: &'static str = "collect-profile";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        let mut fields = vec![
            Field::text("legal_name", "Full legal name", 120).personal(),
            Field::of("birth_date", "Date of birth", Kind::Date).personal(),
            Field::matching("email", "E-mail address", 254, r"[^@\s]+@[^@\s]+\.[^@\s]+").personal(),
            Field::matching("phone", "Telephone number with country code", 20, r"\+[0-9][0-9 ()-]{5,}").personal(),
        ];
        if settings.business {
            fields.push(Field::text("business_name", "Name of the business", 120).personal());
            fields.push(Field::text("business_number", "Registration number of the business", 40).personal());
        }
        fields
    }

    fn check(settings: &Settings, answers: &Map<String, Value>, today: Date) -> Result<(), WrongField> {
        let born: Option<Date> = answers.get("birth_date").and_then(Value::as_str).and_then(|date| date.parse().ok());
        let age = born.and_then(|born| born.until((Unit::Year, today)).ok()).map(|span| i32::from(span.get_years()));
        match age {
            Some(age) if age >= settings.least_age && age <= 120 => Ok(()),
            _ => Err(WrongField::new("birth_date", format!("must be that of somebody of at least {} years", settings.least_age))),
        }
    }
}
