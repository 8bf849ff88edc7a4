//! collect-profile: the person, or the business, that applies.

use super::module::{LegacyNames, StepInfo, StepModule};
use crate::form::{Field, Kind, WrongField};
use jiff::{Unit, civil::Date};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CollectProfile {
    /// Whether the form asks for a business, too.
    business: bool,
    /// The minimum age. Years.
    least_age: i32,
}

pub(super) const INFO: StepInfo = StepInfo {
    legacy: Some(LegacyNames { flag: "profile_complete", step: "PROFILE" }),
    ..StepInfo::of::<CollectProfile>("collect-profile")
};

/// The maximum age: a date of birth before is a typing error. Years.
const GREATEST_AGE: i32 = 120;

impl Default for CollectProfile {
    fn default() -> Self {
        Self { business: false, least_age: 18 }
    }
}

impl StepModule for CollectProfile {
    fn fields(&self) -> Vec<Field> {
        let mut fields = vec![
            Field::text("legal_name", "Full legal name", 120).personal(),
            Field::of("birth_date", "Date of birth", Kind::Date).personal(),
            Field::matching("email", "Email address", 254, r"[^@\s]+@[^@\s]+\.[^@\s]+").personal(),
            Field::matching("phone", "Telephone number with country code", 20, r"\+[0-9][0-9 ()-]{5,}").personal(),
        ];
        if self.business {
            fields.push(Field::text("business_name", "Name of the business", 120).personal());
            fields.push(Field::text("business_number", "Registration number of the business", 40).personal());
        }
        fields
    }

    fn check(&self, answers: &Map<String, Value>, today: Date) -> Result<(), WrongField> {
        let born: Option<Date> = answers.get("birth_date").and_then(Value::as_str).and_then(|date| date.parse().ok());
        let age = born.and_then(|born| born.until((Unit::Year, today)).ok()).map(|span| i32::from(span.get_years()));
        if age.is_some_and(|age| (self.least_age..=GREATEST_AGE).contains(&age)) {
            return Ok(());
        }
        Err(WrongField::new("birth_date", format!("must be that of a person of at least {} years", self.least_age)))
    }
}
