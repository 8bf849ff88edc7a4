//! check-risk: risk and compliance, by the vendor and the market's rules.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput, VendorUse};
use crate::vendor::VendorKind;
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct CheckRisk {
    /// Whether the market's rules cover the address.
    address: bool,
}

pub(super) const INFO: StepInfo = StepInfo {
    vendor: Some(VendorUse { kind: VendorKind::Risk, refused: RISK_REFUSED, correctable: false }),
    legacy: Some(LegacyNames { flag: "risk_cleared", step: "RISK" }),
    ..StepInfo::of::<CheckRisk>("check-risk")
};

/// The risk is too high.
pub const RISK_REFUSED: ErrorCode = ErrorCode::permanent("Risk.Refused", "Ask support for a review.");

impl StepModule for CheckRisk {
    fn needs(&self) -> Vec<&'static str> {
        let mut needs = vec!["legal_name", "email", "phone"];
        if self.address {
            needs.extend(["address_line", "address_region"]);
        }
        needs
    }

    fn outputs(&self) -> Vec<StepOutput> {
        vec![StepOutput::of("risk_level", ["low", "medium"])]
    }
}
