//! activate-account: ends every workflow. The marketplace gets a new courier or merchant.

use super::{Module, Vendor};
use crate::{
    applicant::{Collected, KEEP_ACTIVE_SECONDS},
    codes,
    ports::VendorKind,
};
use serde::Deserialize;

pub(super) struct ActivateAccount;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {}

impl Module for ActivateAccount {
    const NAME: &'static str = "activate-account";
    type Settings = Settings;

    fn needs(_: &Settings) -> Vec<&'static str> {
        vec!["legal_name", "email"]
    }

    fn vendor(_: &Settings) -> Option<Vendor> {
        Some(Vendor { kind: VendorKind::Activation, refused: codes::ACTIVATION_REFUSED, correctable: false })
    }

    fn completion(now: i64) -> Collected {
        Collected { activated_until: Some(now / 1_000 + KEEP_ACTIVE_SECONDS), ..Collected::default() }
    }
}
