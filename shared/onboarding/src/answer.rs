//! Records a vendor's answer that comes later.

use crate::{
    applicant::Applicant,
    markets::MarketSource,
    ports::{AdvanceQueue, Applicants, Change, Waits},
    service::{Onboarding, Ports, conflict},
    steps::{self, Conclusion, ConfiguredStep},
    vendor::{VendorAnswer, VendorCallback, parse_request_key},
};
use carryout_environment::{Clock, StorageError};
use carryout_workflow::{Refused, StepState};

/// The result of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// The answer is recorded.
    Recorded,
    /// The same answer was recorded before.
    Repeated,
    /// Another answer was recorded before; that one counts.
    Contradicts,
    /// The attempt is over, or the application closed.
    TooLate,
    /// There is no request under this key.
    Unknown,
}

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Queue: AdvanceQueue, Waits: Waits, Markets: MarketSource, Clock: Clock>,
{
    /// Records an answer in its step's entry, ends the wait for it, and requests that the applicant is advanced. Safe to repeat.
    ///
    /// # Errors
    ///
    /// If it could not be recorded: the vendor should send it again.
    pub async fn answer(&self, callback: &VendorCallback) -> Result<Answered, StorageError> {
        let Some((id, step, key_version)) = parse_request_key(&callback.key) else { return Ok(Answered::Unknown) };
        let Some(applicant) = self.applicants.applicant(id).await? else { return Ok(Answered::Unknown) };
        let markets = self.current_markets().await?;
        let Some(spec) = markets.of(&applicant)?.step(step) else { return Ok(Answered::Unknown) };
        let Ok(configured) = steps::configure(spec) else { return Ok(Answered::Unknown) };
        if callback.answer == VendorAnswer::Pending || configured.vendor.is_none() {
            return Ok(Answered::Repeated);
        }
        let change = change_for(&configured, &callback.answer, step, key_version, self.now());
        let (applicant, answered) = match self.applicants.change(id, &change).await {
            Ok(applicant) => (applicant, Answered::Recorded),
            Err(Refused::ConditionFailed(applicant)) => match answered_before(&applicant, &change) {
                Answered::Repeated => (*applicant, Answered::Repeated),
                other => return Ok(other),
            },
            Err(Refused::NotFound | Refused::Other) => return Ok(Answered::Unknown),
            Err(Refused::Conflict) => return Err(conflict()),
            Err(Refused::Storage(error)) => return Err(error),
        };
        if let Some(token) = applicant.steps.entry(step).and_then(|entry| entry.task_token.as_deref()) {
            self.waits.end(token).await?;
        }
        self.queue.request(id, &applicant.correlation_id).await?;
        Ok(answered)
    }
}

/// The change of a step's entry that an answer means, at `at` in milliseconds since the Unix epoch.
pub(crate) fn change_for(configured: &ConfiguredStep, answer: &VendorAnswer, step: &str, key_version: u32, at: i64) -> Change {
    let change =
        Change { from: &[StepState::Running, StepState::Waiting], ..Change::waiting(step, key_version, StepState::Done, at) };
    match configured.conclude(answer) {
        Conclusion::Approved(outputs) => Change { response: Some(outputs), activated_until: configured.kept_until(at), ..change },
        Conclusion::Refused(failure) => Change { to: StepState::Failed, next_key: true, failure: Some(failure), ..change },
        Conclusion::CorrectionRequested(failure) => {
            Change { to: StepState::Pending, next_key: true, failure: Some(failure), ..change }
        }
        Conclusion::Waiting(response) => Change { to: StepState::Waiting, response: Some(response), ..change },
    }
}

/// How an answer relates to the one that an entry has recorded before.
fn answered_before(applicant: &Applicant, change: &Change) -> Answered {
    let Some(entry) = applicant.steps.entry(&change.step) else { return Answered::Unknown };
    let is_spent = entry.key_version > change.key_version;
    let agrees = match change.to {
        StepState::Done => entry.state == StepState::Done && entry.key_version == change.key_version,
        StepState::Failed | StepState::Pending => {
            is_spent
                && entry.failure.as_ref().map(|failure| &failure.code) == change.failure.as_ref().map(|failure| &failure.code)
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
