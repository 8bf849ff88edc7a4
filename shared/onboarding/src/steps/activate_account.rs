//! activate-account: ends every workflow. The marketplace gets a new courier or merchant.

use super::module::{StepInfo, StepModule, VendorUse};
use crate::vendor::VendorKind;
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActivateAccount {}

pub(super) const INFO: StepInfo = StepInfo {
    closes: true,
    vendor: Some(VendorUse { kind: VendorKind::Activation, refused: ACTIVATION_REFUSED, correctable: false }),
    ..StepInfo::of::<ActivateAccount>("activate-account")
};

/// The marketplace refused the account.
pub const ACTIVATION_REFUSED: ErrorCode = ErrorCode::permanent("Activation.Refused", "Ask support to look at the account.");

impl StepModule for ActivateAccount {
    fn needs(&self) -> Vec<&'static str> {
        vec!["legal_name", "email"]
    }
}
