//! A vendor answers later.

use crate::{
    applicant::Applicant,
    markets::Markets,
    ports::{Applicants, Change, Nudges, VendorAnswer, VendorCallback, Waits},
    steps::{self, Conclusion, Description},
};
use carryout_environment::StorageError;
use carryout_workflow::{Refused, StepState};

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is recorded.
    Recorded,
    /// The same was recorded before.
    Repeated,
    /// Another answer was recorded before; that one counts.
    Contradicts,
    /// It is about an attempt that is over, or an application that is closed.
    TooLate,
    /// Nobody asked under this key.
    Unknown,
}

/// The parts of a request's key: the applicant, the step's entry, the key version.
pub fn parts_of(key: &str) -> Option<(&str, &str, u32)> {
    let (rest, version) = key.rsplit_once('/')?;
    let (id, step) = rest.rsplit_once('/')?;
    Some((id, step, version.parse().ok()?))
}

/// Records an answer in its step's entry, ends the wait for it, and has the applicant advanced. Safe to repeat. `now` is in
/// milliseconds since the Unix epoch.
///
/// # Errors
///
/// Where it could not be recorded: the vendor should send it again.
pub async fn answer(
    applicants: &impl Applicants,
    nudges: &impl Nudges,
    waits: &impl Waits,
    markets: &Markets,
    callback: &VendorCallback,
    now: i64,
) -> Result<Answered, StorageError> {
    let Some((id, step, key_version)) = parts_of(&callback.key) else { return Ok(Answered::Unknown) };
    let Some(applicant) = applicants.applicant(id).await? else { return Ok(Answered::Unknown) };
    let workflow = markets.of(&applicant).map_err(|missing| StorageError::Corrupt(missing.to_string()))?;
    let Some(spec) = workflow.step(step) else { return Ok(Answered::Unknown) };
    let Ok(description) = steps::describe(spec) else { return Ok(Answered::Unknown) };
    if callback.answer == VendorAnswer::Pending || description.vendor.is_none() {
        return Ok(Answered::Repeated);
    }
    let change = change_of(&description, step, key_version, &callback.answer, now);
    let (applicant, answered) = match applicants.change(id, &change).await {
        Ok(applicant) => (applicant, Answered::Recorded),
        Err(Refused::ConditionFailed(applicant)) => {
            let answered = answered_before(&applicant, &change);
            if answered != Answered::Repeated {
                return Ok(answered);
            }
            (*applicant, answered)
        }
        Err(Refused::NotFound | Refused::Other) => return Ok(Answered::Unknown),
        Err(Refused::Conflict) => return Err(StorageError::Unavailable("somebody else writes this applicant".to_owned())),
        Err(Refused::Storage(error)) => return Err(error),
    };
    if let Some(token) = applicant.steps.entry(step).and_then(|entry| entry.task_token.as_deref()) {
        waits.end(token).await?;
    }
    nudges.nudge(id, &applicant.correlation_id).await?;
    Ok(answered)
}

/// What an answer writes.
pub(crate) fn change_of(description: &Description, step: &str, key_version: u32, answer: &VendorAnswer, at: i64) -> Change {
    let change = Change {
        step: step.to_owned(),
        key_version,
        from: &[StepState::Running, StepState::Waiting],
        to: StepState::Done,
        next_key: false,
        failure: None,
        response: None,
        activated_until: None,
        audit: None,
        at,
    };
    match description.conclude(answer) {
        Conclusion::Approved(findings) => {
            Change { response: Some(findings), activated_until: description.kept_until(at), ..change }
        }
        Conclusion::Refused(failure) => Change { to: StepState::Failed, next_key: true, failure: Some(failure), ..change },
        Conclusion::Returned(failure) => Change { to: StepState::Pending, next_key: true, failure: Some(failure), ..change },
        Conclusion::Waits(response) => Change { to: StepState::Waiting, response: Some(response), ..change },
    }
}

/// What an answer means to an entry that did not take it.
fn answered_before(applicant: &Applicant, change: &Change) -> Answered {
    let Some(entry) = applicant.steps.entry(&change.step) else { return Answered::Unknown };
    let spent = entry.key_version > change.key_version;
    let agrees = match change.to {
        StepState::Done => entry.state == StepState::Done && entry.key_version == change.key_version,
        StepState::Failed | StepState::Pending => {
            spent && entry.failure.as_ref().map(|failure| &failure.code) == change.failure.as_ref().map(|failure| &failure.code)
        }
        StepState::Waiting | StepState::Running | StepState::Skipped => true,
    };
    let is_answered = match entry.state {
        StepState::Done => entry.key_version == change.key_version,
        // A refusal spends its key.
        StepState::Failed => entry.key_version == change.key_version + 1,
        StepState::Pending | StepState::Running | StepState::Waiting | StepState::Skipped => false,
    };
    match (agrees, is_answered) {
        (true, _) => Answered::Repeated,
        (false, true) => Answered::Contradicts,
        (false, false) => Answered::TooLate,
    }
}
