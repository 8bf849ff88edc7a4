//! register-vehicle: the vehicle of a courier.

use super::module::{LegacyNames, StepInfo, StepModule, choice};
use crate::form::{Field, WrongField};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RegisterVehicle {
    /// The vehicles to choose from.
    types: Vec<String>,
}

pub(super) const INFO: StepInfo = StepInfo {
    legacy: Some(LegacyNames { flag: "vehicle_complete", step: "VEHICLE" }),
    ..StepInfo::of::<RegisterVehicle>("register-vehicle")
};

/// Vehicles that have a licence plate.
const MOTORIZED: [&str; 2] = ["car", "motorbike"];

impl Default for RegisterVehicle {
    fn default() -> Self {
        Self { types: ["car", "motorbike", "bicycle", "foot"].map(str::to_owned).to_vec() }
    }
}

impl StepModule for RegisterVehicle {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::of("vehicle_type", "Vehicle", choice(self.types.iter().cloned())),
            Field::text("vehicle_plate", "Licence plate", 16).personal().optional(),
        ]
    }

    fn check(&self, answers: &Map<String, Value>, _: Date) -> Result<(), WrongField> {
        let motorized = answers.get("vehicle_type").and_then(Value::as_str).is_some_and(|kind| MOTORIZED.contains(&kind));
        if motorized && !answers.contains_key("vehicle_plate") {
            return Err(WrongField::new("vehicle_plate", "is missing; a motor vehicle has one"));
        }
        Ok(())
    }
}
