//! join-waitlist: waits until the market has room. An operator lets people in.

use super::{Module, review};
use crate::applicant::{Applicant, Collected};
use carryout_workflow::{Outcome, Progress};
use serde::Deserialize;

pub(super) struct JoinWaitlist;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {}

impl Module for JoinWaitlist {
    const NAME: &'static str = "join-waitlist";
    const ACCEPTS_SKIPPED: bool = true;
    type Settings = Settings;

    fn decide(_: &Settings, _: &Applicant) -> Outcome<Collected> {
        Outcome::Waiting(Progress {
            reference: None,
            response: Some(review("waits for room in the market")),
            note: Collected::default(),
        })
    }
}
