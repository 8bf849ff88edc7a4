//! join-waitlist: waits until the market has capacity. An operator admits applicants.

use super::module::{StepInfo, StepModule, review};
use crate::applicant::{Applicant, Collected};
use carryout_workflow::{Outcome, Progress};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinWaitlist {}

pub(super) const INFO: StepInfo = StepInfo { accepts_skipped: true, ..StepInfo::of::<JoinWaitlist>("join-waitlist") };

impl StepModule for JoinWaitlist {
    fn decide(&self, _: &Applicant) -> Outcome<Collected> {
        let response = Some(review("waits for capacity in the market"));
        Outcome::Waiting(Progress { reference: None, response, note: Collected::default() })
    }
}
