//! activate-account: ends every workflow. The marketplace gets a new courier or merchant.

use super::{Module, Vendor};
use crate::{codes, ports::VendorKind};
use serde::Deserialize;

pub(super) struct ActivateAccount;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {}

impl Module for ActivateAccount {
    const NAME: &'static str = "activate-account";
    const CLOSES: bool = true;
    type Settings = Settings;

    fn needs(_: &Settings) -> Vec<&'static str> {
        vec!["legal_name", "email"]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Activation, refused: codes::ACTIVATION_REFUSED, correctable: false })
    }
}
