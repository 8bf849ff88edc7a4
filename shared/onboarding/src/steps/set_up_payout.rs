//! set-up-payout: the account that earnings are paid to.

use super::module::{LegacyNames, StepInfo, StepModule, StepOutput, VendorUse};
use crate::{form::Field, vendor::VendorKind};
use carryout_environment::ErrorCode;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUpPayout {
    /// The format of an account number: a regular expression.
    account: String,
}

pub(super) const INFO: StepInfo = StepInfo {
    vendor: Some(VendorUse { kind: VendorKind::Payout, refused: PAYOUT_REFUSED, correctable: true }),
    legacy: Some(LegacyNames { flag: "payout_complete", step: "PAYMENT" }),
    ..StepInfo::of::<SetUpPayout>("set-up-payout")
};

/// The account can't be paid.
pub const PAYOUT_REFUSED: ErrorCode = ErrorCode::permanent("Payout.Refused", "Correct the bank account.");

impl StepModule for SetUpPayout {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::text("account_holder", "Account holder", 120).personal(),
            Field::matching("account_number", "Account number", 40, &self.account).personal(),
        ]
    }

    fn outputs(&self) -> Vec<StepOutput> {
        vec![StepOutput::of("payout_ready", [true])]
    }
}
