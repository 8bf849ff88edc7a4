//! check-risk: risk and compliance, as the vendor and the market's rules see it.

use super::{Finding, Module, Vendor};
use crate::{codes, ports::VendorKind};
use serde::Deserialize;

pub(super) struct CheckRisk;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Whether the market's rules hold for the address.
    address: bool,
}

impl Module for CheckRisk {
    const NAME: &'static str = "check-risk";
    type Settings = Settings;

    fn needs(settings: &Settings) -> Vec<&'static str> {
        let mut needs = vec!["legal_name", "email", "phone"];
        if settings.address {
            needs.extend(["address_line", "address_region"]);
        }
        needs
    }

    fn finds(_: &Settings) -> Vec<Finding> {
        vec![Finding::of("risk_level", ["low", "medium"])]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Risk, refused: codes::RISK_REFUSED, correctable: false })
    }
}
