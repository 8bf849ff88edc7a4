//! An applicant submits the form of a step, or skips an optional one.

use crate::{
    applicant::{Applicant, Datum},
    codes,
    execution::{StepAttempt, StepError},
    form::{self, WrongField, object_prefix},
    markets::{MarketSource, NoDefinition},
    ports::{AdvanceQueue, Applicants, Change, Vault, Vendors},
    progress::{Next, progress_of},
    service::{Onboarding, Ports, conflict},
    steps,
};
use carryout_environment::{Clock, ErrorCode, Failure, StorageError};
use carryout_workflow::{FormWorkflow, Refused, StepSpec as _, StepState, Subject as _, run, run::RunError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A submission of one step.
#[derive(Debug, Clone)]
pub struct SubmitRequest<'a> {
    /// The applicant's id.
    pub id: &'a str,
    /// The account that submits: the subject of the token.
    pub owner: &'a str,
    /// The step's entry.
    pub step: &'a str,
    /// The form, or that the step is skipped.
    pub submission: Submission,
    /// The API that takes the vendor's callback, where the request came through one.
    pub callback_api: Option<&'a str>,
    /// When the claim on the step ends by itself: the deadline of this call. Milliseconds since the Unix epoch.
    pub lease_until: i64,
}

/// The content of a submission.
#[derive(Clone, PartialEq)]
pub enum Submission {
    /// The form, filled in.
    Form(Map<String, Value>),
    /// Nothing: the step is skipped.
    Skip,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Form(_) => "Form",
            Self::Skip => "Skip",
        })
    }
}

/// Why a submission was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There is no such applicant, or not for this caller.
    #[error("there is no application {0}")]
    Unknown(String),
    /// The workflow has no such step for this applicant.
    #[error("the application has no step {0}")]
    NoStep(String),
    /// Other steps come first.
    #[error("step {step} comes later; next: {}", next.join(", "))]
    NotReady {
        /// The step.
        step: String,
        /// The next steps.
        next: Vec<String>,
    },
    /// The step can't be skipped.
    #[error("step {0} can't be skipped")]
    NotOptional(String),
    /// The step takes no document.
    #[error("step {0} takes no document")]
    NoDocument(String),
    /// A field of the form is wrong.
    #[error(transparent)]
    Wrong(#[from] WrongField),
    /// The application is finished or erased.
    #[error("the application is closed")]
    Closed,
    /// The step's attempt failed.
    #[error(transparent)]
    Run(RunError<StepError>),
    /// Personal data can't be encrypted.
    #[error("the vault failed: {0}")]
    Vault(#[source] StorageError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SubmitError {
    /// The failure as it is reported: code, message, advice.
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

impl From<NoDefinition> for SubmitError {
    fn from(missing: NoDefinition) -> Self {
        Self::Storage(missing.into())
    }
}

/// A field of a form is wrong.
pub const FORM_WRONG: ErrorCode = ErrorCode::permanent("Request.InvalidField", "Correct the field and send the form again.");

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Vendors: Vendors, Vault: Vault, Queue: AdvanceQueue, Markets: MarketSource, Clock: Clock>,
{
    /// Accepts a submission and returns the applicant after it. A step that was submitted before is not run again.
    ///
    /// Three requests to the table at most: a read, the claim with the collected data, and the end of the attempt.
    ///
    /// # Errors
    ///
    /// See [`SubmitError`].
    pub async fn submit(&self, request: SubmitRequest<'_>) -> Result<Applicant, SubmitError> {
        let SubmitRequest { id, owner, step, submission, callback_api, lease_until } = request;
        let (markets, now) = (self.current_markets().await?, self.now());
        let mut applicant = self.own_applicant(id, owner).await?;
        let workflow = markets.of(&applicant)?;
        let entry = applicant.steps.entry(step).ok_or_else(|| SubmitError::NoStep(step.to_owned()))?;
        if matches!(entry.state, StepState::Done | StepState::Skipped | StepState::Waiting) {
            // A repeated or concurrent submission. The message of the first may have been lost.
            self.queue.request(&applicant.id, &applicant.correlation_id).await?;
            return Ok(applicant);
        }
        if applicant.is_closed() {
            return Err(SubmitError::Closed);
        }
        // The vendor may have seen the data of an attempt that has begun: it stays as it is until the vendor's answer is known.
        let has_begun = entry.state == StepState::Running;
        let next = open_step(workflow, &applicant, step)?;
        let changed = match submission {
            Submission::Skip => self.skip(&applicant, &next, now).await?,
            Submission::Form(answers) => {
                form::check(&next.step.fields, &answers)?;
                form::check_documents(&next.step.fields, &object_prefix(&applicant.id, Some(step)), &answers)?;
                next.step.check(&answers, day(now))?;
                let (plain, personal) = if has_begun { (Map::new(), BTreeMap::new()) } else { split_personal(workflow, answers) };
                let sealed = self.vault.seal(&applicant.id, personal).await.map_err(SubmitError::Vault)?;
                let data = stored_data(plain, sealed);
                let (spec, configured) = (next.spec, &next.step);
                let attempt =
                    StepAttempt { spec, step: configured, applicant: &applicant, data: &data, callback_api, now, lease_until };
                let reply = self.run_step(attempt).await.map_err(SubmitError::Run)?;
                applicant.data.extend(data);
                after_attempt(&mut applicant, step, reply.state, reply.response, now);
                applicant
            }
        };
        self.queue.request(&changed.id, &changed.correlation_id).await?;
        Ok(changed)
    }

    async fn skip(&self, applicant: &Applicant, next: &Next<'_>, now: i64) -> Result<Applicant, SubmitError> {
        let name = next.spec.entry_name();
        if !next.spec.optional || !next.step.info.accepts_skipped {
            return Err(SubmitError::NotOptional(name.to_owned()));
        }
        let key_version = applicant.steps.entry(name).map_or(1, |entry| entry.key_version);
        let change = Change { from: &[StepState::Pending], ..Change::waiting(name, key_version, StepState::Skipped, now) };
        match self.applicants.change(&applicant.id, &change).await {
            Ok(changed) => Ok(changed),
            Err(Refused::ConditionFailed(stored)) if stored.steps.entry(name).is_some_and(|entry| entry.is_complete()) => {
                Ok(*stored)
            }
            Err(Refused::ConditionFailed(_) | Refused::Other | Refused::NotFound) => {
                Err(SubmitError::Run(RunError::InProgress(0)))
            }
            Err(Refused::Conflict) => Err(conflict().into()),
            Err(Refused::Storage(error)) => Err(error.into()),
        }
    }
}

impl<P: Ports<Applicants: Applicants>> Onboarding<P> {
    /// The applicant of this id, if the account is theirs.
    pub(crate) async fn own_applicant(&self, id: &str, owner: &str) -> Result<Applicant, SubmitError> {
        let applicant = self.applicants.applicant(id).await?.filter(|applicant| applicant.owner == owner);
        applicant.ok_or_else(|| SubmitError::Unknown(id.to_owned()))
    }
}

/// Writes the end of an attempt into the applicant, as storage has it now, without another read.
fn after_attempt(applicant: &mut Applicant, step: &str, state: StepState, response: Value, now: i64) {
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
pub(crate) fn open_step<'w>(workflow: &'w FormWorkflow, applicant: &Applicant, step: &str) -> Result<Next<'w>, SubmitError> {
    let progress = progress_of(workflow, applicant);
    if !progress.applicable.iter().any(|spec| spec.entry_name() == step) {
        return Err(SubmitError::NoStep(step.to_owned()));
    }
    let names = progress.next.iter().map(|next| next.spec.entry_name().to_owned()).collect();
    let found = progress.next.into_iter().find(|next| next.spec.entry_name() == step && !next.step.is_automatic());
    let next = found.ok_or_else(|| SubmitError::NotReady { step: step.to_owned(), next: names })?;
    match applicant.steps.entry(step) {
        Some(entry) if entry.state == StepState::Failed => match &entry.failure {
            Some(failure) => Err(SubmitError::Run(RunError::Refused(failure.clone()))),
            None => Ok(next),
        },
        _ => Ok(next),
    }
}

/// Splits collected data into plain values and personal texts. A field that no step of the workflow declares is personal.
pub(crate) fn split_personal(
    workflow: &FormWorkflow,
    answers: Map<String, Value>,
) -> (Map<String, Value>, BTreeMap<String, String>) {
    let fields = workflow.steps().filter_map(|spec| steps::configure(spec).ok()).flat_map(|step| step.fields);
    let open: Vec<String> = fields.filter(|field| !field.personal).map(|field| field.name).collect();
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

/// Collected data as it is stored: plain values, and encrypted personal ones.
pub(crate) fn stored_data(plain: Map<String, Value>, sealed: BTreeMap<String, String>) -> BTreeMap<String, Datum> {
    let plain = plain.into_iter().map(|(field, value)| (field, Datum::Plain(value)));
    plain.chain(sealed.into_iter().map(|(field, value)| (field, Datum::Sealed(value)))).collect()
}

/// The day of a time in milliseconds since the Unix epoch. UTC.
fn day(now: i64) -> jiff::civil::Date {
    jiff::Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).date()
}
