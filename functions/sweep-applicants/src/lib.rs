//! Finds applicants whose steps stopped halfway, and requests that they are advanced.

use carryout_checkout::ports::StuckOrders;
use carryout_environment::{Clock, StorageError};
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{
    Onboarding, Ports,
    applicant::Applicant,
    ports::{AdvanceQueue, Applicants},
};
use serde_json::{Value, json};

/// The maximum number of applicants in one sweep.
const AT_MOST: usize = 400;

/// The delay until an applicant who still does not move is swept again: the time for which the queue retries. Milliseconds.
const SWEPT_AGAIN_AFTER_MS: i64 = 10 * 60 * 1_000;

/// The function.
pub struct SweepApplicants<S, P: Ports> {
    /// The index of applicants whose sweep is due.
    pub stuck: S,
    /// The service.
    pub onboarding: Onboarding<P>,
    /// The metrics.
    pub metrics: Metrics,
}

impl<S, P> SweepApplicants<S, P>
where
    S: StuckOrders<Subject = Applicant>,
    P: Ports<Applicants: Applicants, Queue: AdvanceQueue, Clock: Clock>,
{
    /// Requests that each applicant whose sweep is due is advanced.
    ///
    /// # Errors
    ///
    /// If storage or the queue failed: the next sweep continues.
    pub async fn handle(&self) -> Result<Value, TaskError> {
        let failed = |error: StorageError| TaskError::new(error.code().name, error);
        let Onboarding { applicants, queue, clock, .. } = &self.onboarding;
        let due = self.stuck.stuck(clock.now(), AT_MOST).await.map_err(failed)?;
        for applicant in &due {
            // The queue retries a message by itself; another message is due only when it has given up.
            let later = Some(clock.now() + SWEPT_AGAIN_AFTER_MS);
            applicants.rest(&applicant.id, applicant.version, later).await.map_err(failed)?;
            queue.request(&applicant.id, &applicant.correlation_id).await.map_err(failed)?;
        }
        self.metrics.emit(&[Metric::count("ApplicantsSwept", due.len() as u64)]);
        Ok(json!({ "applicants": due.len() }))
    }
}
