//! Long waits: a generic state machine registers where an answer ends the wait, looks in between whether the vendor has answered,
//! and when it stays silent has a person look.

use crate::{
    answer::change_of,
    applicant::Applicant,
    codes,
    markets::Markets,
    ports::{Applicants, Awaited, Change, Nudges, VendorError, Vendors},
    steps::{self, review},
};
use carryout_environment::StorageError;
use carryout_workflow::{Refused, StepState, compile_wait};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the waiting machine.
pub const WAIT_MACHINE: &str = "onboarding-wait";

/// The waiting machine. `await-vendor` is its function.
pub fn wait_machine() -> Value {
    let retryable = [codes::VENDOR_UNAVAILABLE.name, codes::VENDOR_NO_ANSWER.name];
    compile_wait("await-vendor", "Waits for a vendor's answer, looks after it, and has a person look at a silence.", &retryable)
}

/// What the waiting machine asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// A look: ask the vendor.
    Remind,
    /// The silence has lasted too long: ask once more, then have a person look.
    Expire,
}

/// Whether somebody still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillWaiting {
    /// Whether the step still waits for its vendor.
    pub waiting: bool,
}

/// Why a look failed. Try again.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The vendor was not heard.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Whether a step still waits for the answer that this wait is for.
pub fn waits(applicant: &Applicant, awaited: &Awaited) -> bool {
    applicant.steps.entry(&awaited.step).is_some_and(|entry| {
        entry.state == StepState::Waiting
            && entry.key_version == awaited.key_version
            && entry.response.as_ref().is_none_or(|response| response.get("review").is_none())
    }) && !carryout_workflow::Subject::is_closed(applicant)
}

/// Looks after a wait at one of its moments. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
///
/// See [`WaitError`].
pub async fn look(
    applicants: &impl Applicants,
    vendors: &impl Vendors,
    nudges: &impl Nudges,
    markets: &Markets,
    awaited: &Awaited,
    moment: Moment,
    now: i64,
) -> Result<StillWaiting, WaitError> {
    let ended = Ok(StillWaiting { waiting: false });
    let Some(applicant) = applicants.applicant(&awaited.id).await? else { return ended };
    let workflow = markets.of(&applicant).map_err(|missing| StorageError::Corrupt(missing.to_string()))?;
    let spec = workflow.step(&awaited.step).filter(|_| waits(&applicant, awaited));
    let Some((spec, description)) = spec.and_then(|spec| Some((spec, steps::describe(spec).ok()?))) else { return ended };
    let Some(kind) = description.vendor else { return ended };
    let key = format!("{}/{}/{}", awaited.id, awaited.step, awaited.key_version);
    let found = match vendors.find(kind, &key).await {
        // A vendor that is down at the end is silent, too.
        Err(_) if moment == Moment::Expire => None,
        found => found?,
    };
    let change = match (found, moment) {
        (Some(answer), _) if answer != crate::ports::VendorAnswer::Pending => {
            change_of(&description, &awaited.step, awaited.key_version, &answer, now)
        }
        (_, Moment::Remind) => return Ok(StillWaiting { waiting: true }),
        (_, Moment::Expire) => {
            let silence = spec.wait.as_ref().map_or("the vendor stays silent", |wait| wait.message.as_str());
            Change {
                step: awaited.step.clone(),
                key_version: awaited.key_version,
                from: &[StepState::Waiting],
                to: StepState::Waiting,
                next_key: false,
                failure: None,
                response: Some(review(silence)),
                activated_until: None,
                audit: None,
                at: now,
            }
        }
    };
    match applicants.change(&awaited.id, &change).await {
        Ok(_) => {
            nudges.nudge(&awaited.id, &awaited.correlation_id).await?;
            Ok(StillWaiting { waiting: false })
        }
        // Somebody else has answered, or closed the application.
        Err(Refused::ConditionFailed(_) | Refused::NotFound | Refused::Other) => ended,
        Err(Refused::Conflict) => Err(StorageError::Unavailable("somebody else writes this applicant".to_owned()).into()),
        Err(Refused::Storage(error)) => Err(error.into()),
    }
}
