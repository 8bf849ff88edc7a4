//! Finds applicants whose steps stopped halfway, and has them advanced.

use carryout_checkout::ports::StuckOrders;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{applicant::Applicant, ports::Nudges};
use carryout_workflow::{Clock, StoreError};
use serde_json::{Value, json};

/// Applicants of one sweep, at most.
const AT_MOST: usize = 400;

/// Sends a message for each applicant past their deadline.
pub async fn handle(
    applicants: &impl StuckOrders<Subject = Applicant>,
    nudges: &impl Nudges,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let failed = |error: StoreError| TaskError::new(error.code().name, error);
    let due = applicants.stuck(clock.now(), AT_MOST).await.map_err(failed)?;
    for applicant in &due {
        nudges.nudge(&applicant.id, &applicant.correlation_id).await.map_err(failed)?;
    }
    metrics.emit(&[Metric::count("ApplicantsSwept", due.len() as u64)]);
    Ok(json!({ "applicants": due.len() }))
}
