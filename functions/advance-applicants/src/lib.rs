//! Runs the steps that need nothing from their applicant, begins waits, mirrors progress to and from the older system, and removes the
//! documents of erased applicants.

use carryout_aws::AdvanceRequest;
use carryout_environment::{Clock, StorageError};
use carryout_lambda::{
    batch::{BatchItemError, Message},
    lease_until,
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{
    Onboarding, Ports,
    advance::{Advance, AdvanceError},
    applicant::{Applicant, ApplicantStatus},
    legacy::{LegacySystem, Merged},
    markets::MarketSource,
    ports::{Applicants, Documents, Vault, Vendors, Waits},
};
use carryout_workflow::StepState;

/// The function.
pub struct AdvanceApplicants<P: Ports> {
    /// The service.
    pub onboarding: Onboarding<P>,
    /// The metrics.
    pub metrics: Metrics,
}

impl<P> AdvanceApplicants<P>
where
    P: Ports<
            Applicants: Applicants,
            Vendors: Vendors,
            Vault: Vault,
            Documents: Documents,
            Waits: Waits,
            Legacy: LegacySystem,
            Markets: MarketSource,
            Clock: Clock,
        >,
{
    /// Advances the applicant in `message`. `deadline_ms` is the end of the invocation, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// If the queue should deliver the message again.
    pub async fn handle(&self, message: &Message, deadline_ms: i64) -> Result<(), BatchItemError> {
        let AdvanceRequest { applicant_id } = message.json()?;
        let lease_until = lease_until(deadline_ms, self.onboarding.clock.now());
        // An outage of the older system must not block onboarding.
        let mirrored = self.onboarding.mirror(&applicant_id).await;
        let advanced = self.onboarding.advance(Advance { id: &applicant_id, lease_until }).await;
        let Some(applicant) = advanced.map_err(not_advanced)? else { return Ok(()) };
        let mirrored = match mirrored {
            Ok(before) => {
                let both = |after: Merged| Merged { adopted: before.adopted + after.adopted, conflicts: after.conflicts };
                self.onboarding.mirror(&applicant_id).await.map(both)
            }
            Err(error) => Err(error),
        };
        self.onboarding.remove_documents(&applicant).await.map_err(failed)?;
        self.measure(&applicant);
        tracing::info!(applicant.id = %applicant.id, status = ?applicant.status, "advanced");
        let Merged { adopted, conflicts } = mirrored.map_err(failed)?;
        if adopted + conflicts > 0 {
            let counted = [("LegacyStepsAdopted", adopted), ("LegacyConflicts", conflicts)];
            self.metrics.emit(&counted.map(|(name, count)| Metric::count(name, count as u64)));
        }
        Ok(())
    }

    fn measure(&self, applicant: &Applicant) {
        let in_state = |state| applicant.steps.0.values().filter(|entry| entry.state == state).count() as u64;
        let of_market = self.metrics.with("market", applicant.market()).with("version", applicant.workflow_version);
        of_market.emit(&[
            Metric::count("ApplicantsActivated", u64::from(applicant.status == ApplicantStatus::Active)),
            Metric::count("ApplicantStepsWaiting", in_state(StepState::Waiting)),
            Metric::count("ApplicantStepsFailed", in_state(StepState::Failed)),
        ]);
    }
}

fn failed(error: StorageError) -> BatchItemError {
    BatchItemError::new(error.code().name, error.to_string())
}

fn not_advanced(error: AdvanceError) -> BatchItemError {
    match error {
        AdvanceError::Storage(error) => failed(error),
        AdvanceError::Step { error, .. } => {
            let failure = error.failure();
            BatchItemError::new(failure.code, failure.message)
        }
    }
}
