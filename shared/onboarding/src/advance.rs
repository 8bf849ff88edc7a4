//! Runs what can run without the applicant: steps without a form, attempts that ended halfway, waits that did not begin.

use crate::{
    applicant::Applicant,
    execution::{StepAttempt, StepError},
    markets::MarketSource,
    ports::{Applicants, Awaited, Vault, Vendors, Waits},
    progress::{Next, progress_of},
    service::{Onboarding, Ports},
    steps::is_in_review,
};
use carryout_environment::{Clock, HasErrorCode as _, StorageError};
use carryout_workflow::{FormStep, StepEntry, StepSpec as _, StepState, Subject as _, run::RunError};
use std::collections::{BTreeMap, BTreeSet};

/// The delay between polls, where the workflow does not set it. Seconds.
const POLL_AFTER_SECONDS: u32 = 24 * 60 * 60;
/// The delay until a wait expires, where the workflow does not set it. Seconds.
const EXPIRE_AFTER_SECONDS: u32 = 14 * POLL_AFTER_SECONDS;
/// The delay after the last poll at which the sweeper looks at an applicant who still waits. Milliseconds.
const SWEEP_MARGIN_MS: i64 = 60 * 60 * 1_000;

/// A request to advance an applicant.
#[derive(Debug, Clone, Copy)]
pub struct Advance<'a> {
    /// The applicant's id.
    pub id: &'a str,
    /// When claims on steps end by themselves: the deadline of this call. Milliseconds since the Unix epoch.
    pub lease_until: i64,
}

/// Why an applicant could not be advanced. Try again later.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// A step failed in a way that may pass by itself.
    #[error("step {step}: {error}")]
    Step {
        /// The step.
        step: String,
        /// The failure.
        #[source]
        error: RunError<StepError>,
    },
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Vendors: Vendors, Vault: Vault, Waits: Waits, Markets: MarketSource, Clock: Clock>,
{
    /// Advances an applicant as far as possible and returns them as they are then; `None` if the id is unknown.
    ///
    /// Safe to call at any time, concurrently too. A step whose vendor is unreachable does not hold up the other steps of its stage;
    /// its error is returned after they have run.
    ///
    /// # Errors
    ///
    /// See [`AdvanceError`]: the sweeper repeats the call.
    pub async fn advance(&self, request: Advance<'_>) -> Result<Option<Applicant>, AdvanceError> {
        let (markets, now) = (self.current_markets().await?, self.now());
        let mut failed = BTreeSet::new();
        let mut first_error = None;
        // Every turn completes, closes or leaves waiting at least one step.
        let mut turns = 0;
        loop {
            let Some(applicant) = self.applicants.applicant(request.id).await? else { return Ok(None) };
            if applicant.is_closed() {
                return Ok(Some(applicant));
            }
            let progress = progress_of(markets.of(&applicant).map_err(StorageError::from)?, &applicant);
            let mut has_run = false;
            for (next, entry) in with_entries(&progress.next, &applicant) {
                let step = next.spec.entry_name();
                if !next.runs_by_itself(entry) || failed.contains(step) {
                    continue;
                }
                match self.run_alone(next, &applicant, now, request.lease_until).await {
                    Ok(()) => has_run = true,
                    Err(error) => {
                        failed.insert(step.to_owned());
                        first_error.get_or_insert(AdvanceError::Step { step: step.to_owned(), error });
                    }
                }
            }
            turns += 1;
            if has_run && turns <= applicant.steps.0.len() {
                continue;
            }
            let rest_until = self.begin_waits(&progress.next, &applicant, now).await?;
            if let Some(error) = first_error {
                return Err(error);
            }
            self.applicants.rest(request.id, applicant.version, rest_until).await?;
            return Ok(Some(applicant));
        }
    }

    /// Runs a step that needs nothing from the applicant. A definite refusal is a result: it is recorded, and waits for an operator.
    async fn run_alone(
        &self,
        next: &Next<'_>,
        applicant: &Applicant,
        now: i64,
        lease_until: i64,
    ) -> Result<(), RunError<StepError>> {
        let (spec, step, data) = (next.spec, &next.step, &BTreeMap::new());
        match self.run_step(StepAttempt { spec, step, applicant, data, callback_api: None, now, lease_until }).await {
            Ok(_) | Err(RunError::Refused(_)) => Ok(()),
            Err(RunError::Step(error)) if !error.code().class.may_retry() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Begins the waits for vendors' answers, and returns until when the sweeper has nothing to do; `None` where nothing is awaited.
    async fn begin_waits(&self, next: &[Next<'_>], applicant: &Applicant, now: i64) -> Result<Option<i64>, StorageError> {
        let mut until = None;
        for (next, entry) in with_entries(next, applicant) {
            // A step without a vendor, or in review, waits for an operator, who needs no polls.
            if entry.state == StepState::Waiting && next.step.vendor.is_some() && !is_in_review(entry) {
                let awaited = awaited(applicant, next.spec, entry.key_version);
                self.waits.begin(&awaited).await?;
                let patience = i64::from(awaited.reminder_seconds) * i64::from(awaited.reminders) * 1_000;
                until = until.max(Some(entry.sent_at.unwrap_or(now) + patience + SWEEP_MARGIN_MS));
            }
        }
        Ok(until.map(|until| until.max(now + SWEEP_MARGIN_MS)))
    }
}

fn with_entries<'a>(next: &'a [Next<'a>], applicant: &'a Applicant) -> impl Iterator<Item = (&'a Next<'a>, &'a StepEntry)> {
    next.iter().filter_map(|next| Some((next, applicant.steps.entry(next.spec.entry_name())?)))
}

fn awaited(applicant: &Applicant, spec: &FormStep, key_version: u32) -> Awaited {
    let expiry = spec.wait.as_ref().map_or(EXPIRE_AFTER_SECONDS, |wait| wait.timeout_seconds);
    let reminder = spec.wait.as_ref().map_or(POLL_AFTER_SECONDS, |wait| wait.reminder_seconds.unwrap_or(wait.timeout_seconds));
    Awaited {
        id: applicant.id.clone(),
        step: spec.entry_name().to_owned(),
        key_version,
        reminder_seconds: reminder,
        reminders: expiry.div_ceil(reminder),
        correlation_id: applicant.correlation_id.clone(),
    }
}
