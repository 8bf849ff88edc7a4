//! validate-address: where somebody lives or sells; whether that exists, and is served, where the workflow wants to know.

use super::{Finding, Module, Vendor, choice};
use crate::{codes, form::Field, ports::VendorKind};
use serde::Deserialize;

pub(super) struct ValidateAddress;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The regions to choose from.
    regions: Vec<String>,
    /// What a postal code looks like: a regular expression.
    postal_code: String,
    /// Whether the address is validated, and held against the service area.
    #[serde(default)]
    service_area: bool,
}

impl Module for ValidateAddress {
    const NAME: &'static str = "validate-address";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![
            Field::text("address_line", "Street and number", 120).personal(),
            Field::text("address_city", "City", 80),
            Field::of("address_region", "Region", choice(settings.regions.iter().cloned())),
            Field::matching("address_postal_code", "Postal code", 12, &settings.postal_code).personal(),
        ]
    }

    fn finds(settings: &Settings) -> Vec<Finding> {
        if settings.service_area { vec![Finding::of("service_area", ["core", "edge"])] } else { Vec::new() }
    }

    fn vendor(settings: &Settings) -> Option<Vendor> {
        let vendor = Vendor { kind: VendorKind::Address, refused: codes::ADDRESS_REFUSED, correctable: true };
        settings.service_area.then_some(vendor)
    }
}
