//! Finds applicants whose steps stopped halfway, and has them advanced.

use carryout_checkout::ports::StuckOrders;
use carryout_environment::{Clock, StorageError};
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{
    applicant::Applicant,
    ports::{Applicants, Nudges},
};
use serde_json::{Value, json};

/// Applicants of one sweep, at most.
const AT_MOST: usize = 400;

/// When somebody who still does not move is looked after again: as long as the queue tries. Milliseconds.
const NUDGED_AGAIN_AFTER_MS: i64 = 10 * 60 * 1_000;

/// Sends a message for each applicant past their deadline.
pub async fn handle(
    (applicants, rest): (&impl StuckOrders<Subject = Applicant>, &impl Applicants),
    nudges: &impl Nudges,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let failed = |error: StorageError| TaskError::new(error.code().name, error);
    let due = applicants.stuck(clock.now(), AT_MOST).await.map_err(failed)?;
    for applicant in &due {
        // Whoever gets the message is tried again by the queue; only when that has given up there is another message.
        let later = Some(clock.now() + NUDGED_AGAIN_AFTER_MS);
        rest.rest(&applicant.id, applicant.version, later).await.map_err(failed)?;
        nudges.nudge(&applicant.id, &applicant.correlation_id).await.map_err(failed)?;
    }
    metrics.emit(&[Metric::count("ApplicantsSwept", due.len() as u64)]);
    Ok(json!({ "applicants": due.len() }))
}
