//! An applicant submits the form of a step, or skips one that is optional.

use crate::{
    applicant::{Applicant, Datum},
    codes,
    form::{self, WrongField},
    markets::Markets,
    ports::{Applicants, Change, Nudges, Vault, Vendors},
    progress::{Next, progress_of},
    steps::{self, Ports, StepError},
    uploads,
};
use carryout_environment::{ErrorCode, Failure, StorageError};
use carryout_workflow::{
    Refused, StepState, Subject as _, Workflow,
    run::{self, RunError},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There is no such applicant, or not for this caller.
    #[error("there is no application {0}")]
    Unknown(String),
    /// The workflow has no such step for this applicant.
    #[error("the application has no step {0}")]
    NoStep(String),
    /// Others come first.
    #[error("step {step} comes later; next: {}", next.join(", "))]
    NotReady {
        /// The step.
        step: String,
        /// What is next.
        next: Vec<String>,
    },
    /// The step can't be skipped.
    #[error("step {0} can't be skipped")]
    NotOptional(String),
    /// The step takes no document.
    #[error("step {0} takes no document")]
    NoDocument(String),
    /// The form is wrong.
    #[error(transparent)]
    Wrong(#[from] WrongField),
    /// The application is finished or erased.
    #[error("the application is closed")]
    Closed,
    /// The step did not go well, and may by itself.
    #[error(transparent)]
    Run(RunError<StepError>),
    /// Personal data can't be sealed.
    #[error("the vault failed: {0}")]
    Vault(#[source] StorageError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SubmitError {
    /// The failure as it is told: code, message, advice.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Run(error) => error.failure(),
            other => {
                let code = other.own_code();
                Failure { code: code.name.to_owned(), message: other.to_string(), advice: code.advice.to_owned() }
            }
        }
    }

    const fn own_code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) => codes::APPLICANT_UNKNOWN,
            Self::NoStep(_) => codes::APPLICANT_STEP_UNKNOWN,
            Self::NotReady { .. } => codes::STEP_NOT_READY,
            Self::NotOptional(_) => codes::STEP_NOT_OPTIONAL,
            Self::NoDocument(_) => codes::STEP_TAKES_NO_DOCUMENT,
            Self::Wrong(_) => FORM_WRONG,
            Self::Closed => codes::APPLICANT_CLOSED,
            Self::Vault(_) => codes::VAULT_UNAVAILABLE,
            Self::Storage(error) => error.code(),
            Self::Run(_) => run::STEP_UNKNOWN,
        }
    }
}

/// A field of a form is wrong.
pub const FORM_WRONG: ErrorCode = ErrorCode::permanent("Request.InvalidField", "Correct the field and send the form again.");

/// What is submitted of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Submission {
    /// Its form, filled in.
    Form(Map<String, Value>),
    /// Nothing: it is skipped.
    Skip,
}

/// Takes what `owner` submits of a step and gives the applicant as they stand after it. A step that was taken before is not taken
/// again.
///
/// Three requests to the store at most: a read, the claim with what was collected, and the end of the attempt. `now` and
/// `lease_until` are in milliseconds since the Unix epoch.
///
/// # Errors
///
/// See [`SubmitError`].
#[expect(clippy::too_many_arguments, reason = "each is another thing")]
pub async fn submit<A: Applicants, V: Vendors, K: Vault>(
    ports: Ports<'_, A, V, K>,
    nudges: &impl Nudges,
    markets: &Markets,
    id: &str,
    owner: &str,
    step: &str,
    submission: Submission,
    now: i64,
    lease_until: i64,
) -> Result<Applicant, SubmitError> {
    let unknown = || SubmitError::Unknown(id.to_owned());
    let mut applicant = ports.applicants.applicant(id).await?.filter(|applicant| applicant.owner == owner).ok_or_else(unknown)?;
    let workflow = markets.of(&applicant)?;
    let entry = applicant.steps.entry(step).ok_or_else(|| SubmitError::NoStep(step.to_owned()))?;
    if matches!(entry.state, StepState::Done | StepState::Skipped | StepState::Waiting) {
        // Said before, or twice at once. A message may have been lost then.
        nudges.nudge(&applicant.id, &applicant.correlation_id).await?;
        return Ok(applicant);
    }
    if applicant.is_closed() {
        return Err(SubmitError::Closed);
    }
    // Somebody may have looked at what was submitted before, so that stays what it is until it is known what they say.
    let is_begun = entry.state == StepState::Running;
    let next = open_step(workflow, &applicant, step)?;
    let changed = match submission {
        Submission::Skip => skip(ports.applicants, &applicant, &next, now).await?,
        Submission::Form(answers) => {
            form::check(&next.description.fields, &answers)?;
            uploads::check(&applicant, step, &next.description, &answers)?;
            steps::check(next.spec, &answers, day(now))?;
            let (plain, personal) = if is_begun { (Map::new(), BTreeMap::new()) } else { sorted(workflow, answers) };
            let sealed = ports.vault.seal(&applicant.id, personal).await.map_err(SubmitError::Vault)?;
            let data = data(plain, sealed);
            let reply = steps::process(ports, next.spec, &applicant, &data, now, lease_until).await.map_err(SubmitError::Run)?;
            applicant.data.extend(data);
            after(&mut applicant, step, reply.state, reply.response, now);
            applicant
        }
    };
    nudges.nudge(&changed.id, &changed.correlation_id).await?;
    Ok(changed)
}

/// The applicant as the end of an attempt has left it, without reading it again.
fn after(applicant: &mut Applicant, step: &str, state: StepState, response: Value, now: i64) {
    applicant.updated_at = now;
    let Some(entry) = applicant.steps.0.get_mut(step) else { return };
    entry.state = state;
    if state == StepState::Pending {
        entry.failure = serde_json::from_value(response).ok();
    } else {
        entry.failure = None;
        entry.response = Some(response).filter(|response| !response.is_null());
        entry.ended_at = (state != StepState::Waiting).then_some(now);
    }
}

/// The step, where the applicant may submit its form now.
pub(crate) fn open_step<'w>(workflow: &'w Workflow, applicant: &Applicant, step: &str) -> Result<Next<'w>, SubmitError> {
    let progress = progress_of(workflow, applicant);
    if !progress.applicable.iter().any(|spec| spec.entry_name() == step) {
        return Err(SubmitError::NoStep(step.to_owned()));
    }
    let names = progress.next.iter().map(|next| next.spec.entry_name().to_owned()).collect();
    let found = progress.next.into_iter().find(|next| next.spec.entry_name() == step && !next.description.is_automatic());
    let next = found.ok_or_else(|| SubmitError::NotReady { step: step.to_owned(), next: names })?;
    match applicant.steps.entry(step) {
        Some(entry) if entry.state == StepState::Failed => match &entry.failure {
            Some(failure) => Err(SubmitError::Run(RunError::Refused(failure.clone()))),
            None => Ok(next),
        },
        _ => Ok(next),
    }
}

async fn skip(applicants: &impl Applicants, applicant: &Applicant, next: &Next<'_>, now: i64) -> Result<Applicant, SubmitError> {
    let name = next.spec.entry_name();
    if !next.spec.optional || !next.description.accepts_skipped {
        return Err(SubmitError::NotOptional(name.to_owned()));
    }
    let key_version = applicant.steps.entry(name).map_or(1, |entry| entry.key_version);
    let change = Change {
        step: name.to_owned(),
        key_version,
        from: &[StepState::Pending],
        to: StepState::Skipped,
        next_key: false,
        failure: None,
        response: None,
        activated_until: None,
        audit: None,
        at: now,
    };
    match applicants.change(&applicant.id, &change).await {
        Ok(changed) => Ok(changed),
        Err(Refused::ConditionFailed(applicant)) if applicant.steps.entry(name).is_some_and(|entry| entry.is_complete()) => {
            Ok(*applicant)
        }
        Err(Refused::ConditionFailed(_) | Refused::Other | Refused::NotFound) => Err(SubmitError::Run(RunError::InProgress(0))),
        Err(Refused::Conflict) => Err(StorageError::Unavailable("somebody else writes this applicant".to_owned()).into()),
        Err(Refused::Storage(error)) => Err(error.into()),
    }
}

/// What was collected, what is personal apart as texts.
pub(crate) fn sorted(workflow: &Workflow, answers: Map<String, Value>) -> (Map<String, Value>, BTreeMap<String, String>) {
    let described = workflow.steps().filter_map(|spec| steps::describe(spec).ok());
    let open: Vec<String> =
        described.flat_map(|description| description.fields).filter(|field| !field.personal).map(|field| field.name).collect();
    let (mut plain, mut personal) = (Map::new(), BTreeMap::new());
    for (field, value) in answers {
        match value {
            value if open.contains(&field) => drop(plain.insert(field, value)),
            Value::String(text) => drop(personal.insert(field, text)),
            value => drop(personal.insert(field, value.to_string())),
        }
    }
    (plain, personal)
}

/// What is stored of it.
pub(crate) fn data(plain: Map<String, Value>, sealed: BTreeMap<String, String>) -> BTreeMap<String, Datum> {
    let plain = plain.into_iter().map(|(field, value)| (field, Datum::Plain(value)));
    plain.chain(sealed.into_iter().map(|(field, value)| (field, Datum::Sealed(value)))).collect()
}

/// The day, UTC.
fn day(now: i64) -> jiff::civil::Date {
    jiff::Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).date()
}

impl From<crate::markets::NoDefinition> for SubmitError {
    fn from(missing: crate::markets::NoDefinition) -> Self {
        Self::Storage(StorageError::Corrupt(missing.to_string()))
    }
}
