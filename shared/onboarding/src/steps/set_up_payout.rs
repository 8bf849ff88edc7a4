//! set-up-payout: the account that earnings go to.

use super::{Finding, Module, Vendor};
use crate::{codes, form::Field, ports::VendorKind};
use serde::Deserialize;

pub(super) struct SetUpPayout;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// What an account number looks like: a regular expression.
    account: String,
}

impl Module for SetUpPayout {
    const NAME: &'static str = "set-up-payout";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![
            Field::text("account_holder", "Holder of the account", 120).personal(),
            Field::matching("account_number", "Number of the account", 40, &settings.account).personal(),
        ]
    }

    fn finds(_: &Settings) -> Vec<Finding> {
        vec![Finding::of("payout_ready", [true])]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Payout, refused: codes::PAYOUT_REFUSED, correctable: true })
    }
}
