//! Runs the steps that need nothing from their applicant, begins waits, mirrors progress to and from the system before this one, and
//! removes what erased applicants have uploaded.

use carryout_aws::AdvanceRequest;
use carryout_environment::StorageError;
use carryout_lambda::{
    batch::{BatchItemError, Message},
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{
    advance::{AdvanceError, advance},
    applicant::ApplicantStatus,
    legacy::{LegacySystem, Merged, mirror},
    ports::{Applicants, Documents, MarketSource, Vault, Vendors, Waits},
    privacy::forget,
    steps::Ports,
};
use carryout_workflow::StepState;

/// Advances the applicant in `message`. `now` and `lease_until` are in milliseconds since the Unix epoch.
pub async fn handle<A: Applicants, V: Vendors, K: Vault>(
    ports: Ports<'_, A, V, K>,
    (waits, legacy, markets, documents): (&impl Waits, &impl LegacySystem, &impl MarketSource, &impl Documents),
    metrics: &Metrics,
    message: &Message,
    (now, lease_until): (i64, i64),
) -> Result<(), BatchItemError> {
    let AdvanceRequest { applicant_id } = message.json()?;
    let failed = |error: StorageError| BatchItemError::new(error.code().name, error.to_string());
    let markets = markets.markets().await.map_err(failed)?;
    let exchange = || mirror(ports.applicants, legacy, &markets, &applicant_id, now);
    // A system before this one that is away holds nobody up here.
    let mut exchanged = exchange().await;
    let advanced = advance(ports, waits, &markets, &applicant_id, now, lease_until).await;
    let applicant = advanced.map_err(|error| match error {
        AdvanceError::Storage(error) => failed(error),
        AdvanceError::Step { error, .. } => {
            let failure = error.failure();
            BatchItemError::new(failure.code, failure.message)
        }
    })?;
    let Some(applicant) = applicant else { return Ok(()) };
    if let Ok(before) = exchanged {
        let both = |after: Merged| Merged { adopted: before.adopted + after.adopted, conflicts: after.conflicts };
        exchanged = exchange().await.map(both);
    }
    forget(ports.applicants, documents, &applicant, now).await.map_err(failed)?;
    let in_state = |state| applicant.steps.0.values().filter(|entry| entry.state == state).count() as u64;
    let of_market = metrics.with("market", applicant.market()).with("version", applicant.workflow_version);
    of_market.emit(&[
        Metric::count("ApplicantsActivated", u64::from(applicant.status == ApplicantStatus::Active)),
        Metric::count("ApplicantStepsWaiting", in_state(StepState::Waiting)),
        Metric::count("ApplicantStepsFailed", in_state(StepState::Failed)),
    ]);
    tracing::info!(applicant.id = %applicant.id, status = ?applicant.status, "advanced");
    let Merged { adopted, conflicts } = exchanged.map_err(failed)?;
    if adopted + conflicts > 0 {
        let counted = [("LegacyStepsAdopted", adopted), ("LegacyConflicts", conflicts)];
        metrics.emit(&counted.map(|(name, count)| Metric::count(name, count as u64)));
    }
    Ok(())
}
