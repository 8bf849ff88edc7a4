//! validate-address: the address of the applicant. Where the workflow asks for it, a vendor checks that it exists and is served.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput, VendorUse, choice};
use crate::{form::Field, vendor::VendorKind};
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidateAddress {
    /// The regions to choose from.
    regions: Vec<String>,
    /// The format of a postal code: a regular expression.
    postal_code: String,
    /// Whether a vendor validates the address against the service area.
    #[serde(default)]
    service_area: bool,
}

pub(super) const INFO: StepInfo = StepInfo {
    vendor: Some(VendorUse { kind: VendorKind::Address, refused: ADDRESS_REFUSED, correctable: true }),
    legacy: Some(LegacyNames { flag: "validation_complete", step: "ADDRESS" }),
    ..StepInfo::of::<ValidateAddress>("validate-address")
};

/// The address does not exist, or is outside the service area.
pub const ADDRESS_REFUSED: ErrorCode = ErrorCode::permanent("Address.Refused", "Correct the address.");

impl StepModule for ValidateAddress {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::text("address_line", "Street and number", 120).personal(),
            Field::text("address_city", "City", 80),
            Field::of("address_region", "Region", choice(self.regions.iter().cloned())),
            Field::matching("address_postal_code", "Postal code", 12, &self.postal_code).personal(),
        ]
    }

    fn outputs(&self) -> Vec<StepOutput> {
        if self.service_area { vec![StepOutput::of("service_area", ["core", "edge"])] } else { Vec::new() }
    }

    fn calls_vendor(&self) -> bool {
        self.service_area
    }
}
