//! What operators do to steps, each with a reason, each in the audit trail.

use crate::{
    applicant::{Applicant, AuditEntry},
    codes,
    markets::Markets,
    ports::{Applicants, Change, Nudges, Waits},
    steps::{self, MAX_REASON},
};
use carryout_environment::{ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{Refused, StepState};
use serde::{Deserialize, Serialize};

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The step that waits is right.
    Approve,
    /// The step that waits is wrong.
    Reject,
    /// The step that failed, or waits, is tried again under the next key.
    Retry,
    /// The step does not matter for this applicant.
    Skip,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such applicant.
    #[error("there is no application {0}")]
    Unknown(String),
    /// The workflow has no such step.
    #[error("the application has no step {0}")]
    NoStep(String),
    /// The step never takes SKIPPED for complete.
    #[error("step {0} is not complete when it is skipped")]
    NotSkippable(String),
    /// The step does not stand where the action begins.
    #[error("step {step} is {state:?}; that can't be done to it")]
    Moved {
        /// The step.
        step: String,
        /// Where it stands.
        state: StepState,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for OperateError {
    const CODES: &'static [ErrorCode] = &[
        codes::APPLICANT_UNKNOWN,
        codes::APPLICANT_STEP_UNKNOWN,
        codes::STEP_NOT_OPTIONAL,
        codes::STEP_NOT_THERE,
        carryout_environment::STORAGE_UNAVAILABLE,
        carryout_environment::STORAGE_CORRUPT,
    ];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) => codes::APPLICANT_UNKNOWN,
            Self::NoStep(_) => codes::APPLICANT_STEP_UNKNOWN,
            Self::NotSkippable(_) => codes::STEP_NOT_OPTIONAL,
            Self::Moved { .. } => codes::STEP_NOT_THERE,
            Self::Storage(error) => error.code(),
        }
    }
}

/// Who does what, and why.
#[derive(Debug, Clone)]
pub struct Operation<'a> {
    /// The operator: the subject of their token.
    pub operator: &'a str,
    /// What.
    pub action: Action,
    /// Why.
    pub reason: &'a str,
}

/// Does it, and gives the applicant as they stand then. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
///
/// See [`OperateError`].
#[expect(clippy::too_many_arguments, reason = "each is another thing")]
pub async fn operate(
    applicants: &impl Applicants,
    nudges: &impl Nudges,
    waits: &impl Waits,
    markets: &Markets,
    id: &str,
    step: &str,
    operation: Operation<'_>,
    now: i64,
) -> Result<Applicant, OperateError> {
    let applicant = applicants.applicant(id).await?.ok_or_else(|| OperateError::Unknown(id.to_owned()))?;
    let workflow = markets.of(&applicant).map_err(|missing| StorageError::Corrupt(missing.to_string()))?;
    let no_step = || OperateError::NoStep(step.to_owned());
    let description = steps::describe(workflow.step(step).ok_or_else(no_step)?).map_err(|_| no_step())?;
    let entry = applicant.steps.entry(step).ok_or_else(no_step)?;
    let reason: String = operation.reason.chars().take(MAX_REASON).collect();
    let audit = AuditEntry {
        at: now,
        operator: operation.operator.to_owned(),
        action: operation.action,
        step: step.to_owned(),
        reason: reason.clone(),
    };
    if entry.is_leased(now) {
        return Err(OperateError::Moved { step: step.to_owned(), state: entry.state });
    }
    let change = Change {
        step: step.to_owned(),
        key_version: entry.key_version,
        from: &[StepState::Waiting],
        to: StepState::Done,
        next_key: false,
        failure: None,
        response: None,
        activated_until: None,
        audit: Some(audit),
        at: now,
    };
    let change = match operation.action {
        Action::Approve => {
            Change { response: Some(description.approval()), activated_until: description.kept_until(now), ..change }
        }
        Action::Reject => {
            let code = codes::STEP_REJECTED;
            let failure = Failure { code: code.name.to_owned(), message: reason, advice: code.advice.to_owned() };
            // An attempt may be stuck with a vendor that never takes it.
            let from = &[StepState::Waiting, StepState::Running];
            Change { from, to: StepState::Failed, next_key: true, failure: Some(failure), ..change }
        }
        // A refusal has spent its key already.
        Action::Retry if entry.state == StepState::Failed => {
            Change { from: &[StepState::Failed], to: StepState::Pending, ..change }
        }
        Action::Retry => Change { to: StepState::Pending, next_key: true, ..change },
        Action::Skip if !description.accepts_skipped => return Err(OperateError::NotSkippable(step.to_owned())),
        Action::Skip => Change {
            from: &[StepState::Pending, StepState::Failed, StepState::Waiting, StepState::Running],
            to: StepState::Skipped,
            next_key: true,
            ..change
        },
    };
    let token = entry.task_token.clone();
    let changed = match applicants.change(id, &change).await {
        Ok(changed) => changed,
        Err(Refused::ConditionFailed(applicant)) => {
            let state = applicant.steps.entry(step).map_or(StepState::Pending, |entry| entry.state);
            return Err(OperateError::Moved { step: step.to_owned(), state });
        }
        Err(Refused::NotFound | Refused::Other) => return Err(OperateError::Unknown(id.to_owned())),
        Err(Refused::Conflict) => return Err(StorageError::Unavailable("somebody else writes this applicant".to_owned()).into()),
        Err(Refused::Storage(error)) => return Err(error.into()),
    };
    if let Some(token) = token {
        waits.end(&token).await?;
    }
    nudges.nudge(id, &changed.correlation_id).await?;
    Ok(changed)
}
