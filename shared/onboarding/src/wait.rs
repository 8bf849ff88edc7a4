//! Long waits: a generic state machine registers the task token that ends the wait, polls the vendor in between, and when the vendor
//! stays silent puts the step before an operator.

use crate::{
    answer::change_for,
    applicant::Applicant,
    codes,
    markets::MarketSource,
    ports::{AdvanceQueue, Applicants, Awaited, Change, Vendors, Waits},
    service::{Onboarding, Ports, conflict},
    steps::{self, is_in_review, review},
    vendor::{VendorAnswer, VendorError, request_key},
};
use carryout_environment::{Clock, StorageError};
use carryout_workflow::{Refused, StepState, Subject as _, compile_wait};
use serde_json::Value;

/// The name of the waiting machine.
pub const WAIT_MACHINE: &str = "onboarding-wait";

/// The definition of the waiting machine. `await-vendor` is its function.
pub fn wait_machine() -> Value {
    let retryable = [codes::VENDOR_UNAVAILABLE.name, codes::VENDOR_NO_ANSWER.name];
    compile_wait("await-vendor", "Waits for a vendor's answer, polls for it, and puts a silence before an operator.", &retryable)
}

/// The reasons of the waiting machine to look at a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A poll: ask the vendor.
    Remind,
    /// The silence has lasted too long: ask once more, then put the step before an operator.
    Expire,
}

/// Why looking at a wait failed. Try again.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The vendor could not be asked.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl<P: Ports<Applicants: Applicants, Waits: Waits>> Onboarding<P> {
    /// Records the task token that ends a wait; a wait whose answer has come already ends at once.
    ///
    /// # Errors
    ///
    /// If storage failed, or the wait could not be ended: try again.
    pub async fn register_wait(&self, awaited: &Awaited, task_token: &str) -> Result<(), StorageError> {
        if !self.applicants.register(awaited, task_token).await? {
            self.waits.end(task_token).await?;
        }
        Ok(())
    }
}

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Vendors: Vendors, Queue: AdvanceQueue, Markets: MarketSource, Clock: Clock>,
{
    /// Looks at a wait, and returns whether the step still waits for its vendor.
    ///
    /// # Errors
    ///
    /// See [`WaitError`].
    pub async fn look(&self, awaited: &Awaited, look: Look) -> Result<bool, WaitError> {
        let Some(applicant) = self.applicants.applicant(&awaited.id).await? else { return Ok(false) };
        let markets = self.current_markets().await?;
        let workflow = markets.of(&applicant).map_err(StorageError::from)?;
        let Some(spec) = workflow.step(&awaited.step).filter(|_| is_waiting(&applicant, awaited)) else { return Ok(false) };
        let Ok(configured) = steps::configure(spec) else { return Ok(false) };
        let Some(vendor) = configured.vendor else { return Ok(false) };
        let key = request_key(&awaited.id, &awaited.step, awaited.key_version);
        let found = match self.vendors.find(vendor.kind, &key).await {
            // A vendor that is down at the end counts as silent.
            Err(_) if look == Look::Expire => None,
            found => found?,
        };
        let (step, key_version, now) = (awaited.step.as_str(), awaited.key_version, self.now());
        let change = match (found, look) {
            (Some(answer), _) if answer != VendorAnswer::Pending => change_for(&configured, &answer, step, key_version, now),
            (_, Look::Remind) => return Ok(true),
            (_, Look::Expire) => {
                let silence = spec.wait.as_ref().map_or("the vendor stays silent", |wait| wait.message.as_str());
                Change { response: Some(review(silence)), ..Change::waiting(step, key_version, StepState::Waiting, now) }
            }
        };
        match self.applicants.change(&awaited.id, &change).await {
            Ok(_) => {
                self.queue.request(&awaited.id, &awaited.correlation_id).await?;
                Ok(false)
            }
            // An answer came meanwhile, or the application was closed.
            Err(Refused::ConditionFailed(_) | Refused::NotFound | Refused::Other) => Ok(false),
            Err(Refused::Conflict) => Err(conflict().into()),
            Err(Refused::Storage(error)) => Err(error.into()),
        }
    }
}

/// Whether a step still waits for the answer that this wait is for.
fn is_waiting(applicant: &Applicant, awaited: &Awaited) -> bool {
    let entry = applicant.steps.entry(&awaited.step);
    let waits = entry.is_some_and(|entry| {
        entry.state == StepState::Waiting && entry.key_version == awaited.key_version && !is_in_review(entry)
    });
    waits && !applicant.is_closed()
}
