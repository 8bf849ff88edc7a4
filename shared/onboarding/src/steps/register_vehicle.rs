//! register-vehicle: what a courier comes with.

use super::{Module, choice};
use crate::form::{Field, WrongField};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) struct RegisterVehicle;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// What may be chosen.
    types: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { types: ["car", "motorbike", "bicycle", "foot"].map(str::to_owned).to_vec() }
    }
}

/// What needs a plate.
const MOTORIZED: [&str; 2] = ["car", "motorbike"];

impl Module for RegisterVehicle {
    const NAME: &'static str = "register-vehicle";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![
            Field::of("vehicle_type", "Vehicle", choice(settings.types.iter().cloned())),
            Field::text("vehicle_plate", "Licence plate", 16).personal().optional(),
        ]
    }

    fn check(_: &Settings, answers: &Map<String, Value>, _: jiff::civil::Date) -> Result<(), WrongField> {
        let motorized = answers.get("vehicle_type").and_then(Value::as_str).is_some_and(|kind| MOTORIZED.contains(&kind));
        if motorized && !answers.contains_key("vehicle_plate") {
            return Err(WrongField::new("vehicle_plate", "is missing; a vehicle with a motor has one"));
        }
        Ok(())
    }
}
