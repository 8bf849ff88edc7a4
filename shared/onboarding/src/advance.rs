//! Runs what can run without the applicant: steps without a form, attempts that ended halfway, waits that were not begun.

use crate::{
    applicant::Applicant,
    markets::Markets,
    ports::{Applicants, Awaited, Vault, Vendors, Waits},
    progress::progress_of,
    steps::{self, Ports, StepError},
};
use carryout_environment::StorageError;
use carryout_workflow::{StepSpec, StepState, Subject as _, run::RunError};

/// Seconds between looks at what takes long, where the workflow does not say.
const LOOK_AFTER_SECONDS: u32 = 24 * 60 * 60;
/// Seconds until a silence counts, where the workflow does not say.
const SILENCE_AFTER_SECONDS: u32 = 14 * LOOK_AFTER_SECONDS;
/// How long after the last look somebody looks at an applicant who still waits. Milliseconds.
const SWEEP_MARGIN_MS: i64 = 60 * 60 * 1_000;

/// Why an applicant could not be advanced. Try again later.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// A step did not go well, and may by itself.
    #[error("step {step}: {error}")]
    Step {
        /// The step.
        step: String,
        /// Why.
        #[source]
        error: RunError<StepError>,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Advances an applicant as far as can be, and gives them as they stand then; `None` where there is none of this id.
///
/// Safe to call at any time, by several at once. `now` and `lease_until` are in milliseconds since the Unix epoch.
///
/// # Errors
///
/// See [`AdvanceError`]: somebody looks after the applicant again by themselves.
pub async fn advance<A: Applicants, V: Vendors, K: Vault>(
    ports: Ports<'_, A, V, K>,
    waits: &impl Waits,
    markets: &Markets,
    id: &str,
    now: i64,
    lease_until: i64,
) -> Result<Option<Applicant>, AdvanceError> {
    // Every turn completes, closes or leaves waiting at least one step.
    let mut turns = 0;
    let mut failed: Vec<(String, AdvanceError)> = Vec::new();
    loop {
        let Some(applicant) = ports.applicants.applicant(id).await? else { return Ok(None) };
        if applicant.is_closed() {
            return Ok(Some(applicant));
        }
        let workflow = markets.of(&applicant).map_err(|missing| StorageError::Corrupt(missing.to_string()))?;
        let progress = progress_of(workflow, &applicant);
        let mut ran = false;
        for next in &progress.next {
            let Some(entry) = applicant.steps.entry(next.spec.entry_name()) else { continue };
            let has_failed = failed.iter().any(|(step, _)| step == next.spec.entry_name());
            if next.runs_by_itself(entry) && !has_failed {
                match steps::process(ports, next.spec, &applicant, &Default::default(), now, lease_until).await {
                    // A refusal is written down, and waits for an operator.
                    Ok(_) | Err(RunError::Refused(_)) => ran = true,
                    Err(RunError::Step(error)) if !carryout_environment::HasErrorCode::code(&error).class.may_retry() => {
                        ran = true
                    }
                    // Its neighbours go on without it.
                    Err(error) => {
                        let step = next.spec.entry_name().to_owned();
                        failed.push((step.clone(), AdvanceError::Step { step, error }));
                    }
                }
            }
        }
        turns += 1;
        if ran && turns <= applicant.steps.0.len() {
            continue;
        }
        let mut until = None;
        for next in &progress.next {
            let Some(entry) = applicant.steps.entry(next.spec.entry_name()) else { continue };
            // Without a vendor somebody is waited for who needs no reminder: an operator.
            if entry.state == StepState::Waiting && next.description.vendor.is_some() && !in_review(&applicant, next.spec) {
                let awaited = awaited(&applicant, next.spec, entry.key_version);
                waits.begin(&awaited).await?;
                let patience = i64::from(awaited.reminder_seconds) * i64::from(awaited.reminders) * 1_000;
                until = until.max(Some(entry.sent_at.unwrap_or(now) + patience + SWEEP_MARGIN_MS));
            }
        }
        if let Some((_, first)) = failed.into_iter().next() {
            return Err(first);
        }
        ports.applicants.rest(id, applicant.version, until.map(|until| until.max(now + SWEEP_MARGIN_MS))).await?;
        return Ok(Some(applicant));
    }
}

/// Whether a step waits for a person.
pub(crate) fn in_review(applicant: &Applicant, spec: &StepSpec) -> bool {
    let response = applicant.steps.entry(spec.entry_name()).and_then(|entry| entry.response.as_ref());
    response.is_some_and(|response| response.get("review").is_some())
}

fn awaited(applicant: &Applicant, spec: &StepSpec, key_version: u32) -> Awaited {
    let silence = spec.wait.as_ref().map_or(SILENCE_AFTER_SECONDS, |wait| wait.timeout_seconds);
    let reminder = spec.wait.as_ref().map_or(LOOK_AFTER_SECONDS, |wait| wait.reminder_seconds.unwrap_or(wait.timeout_seconds));
    Awaited {
        id: applicant.id.clone(),
        step: spec.entry_name().to_owned(),
        key_version,
        reminder_seconds: reminder,
        reminders: silence.div_ceil(reminder),
        correlation_id: applicant.correlation_id.clone(),
    }
}
