//! Operators' actions on steps, each with a reason, each in the audit trail.

use crate::{
    applicant::{Applicant, AuditEntry, OperatorAction},
    codes,
    markets::MarketSource,
    ports::{AdvanceQueue, Applicants, Change, Waits},
    service::{Onboarding, Ports, conflict},
    steps::{self, ConfiguredStep, shortened},
};
use carryout_environment::{Clock, ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{Refused, StepEntry, StepState};

/// An operator's action on a step.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// The applicant's id.
    pub id: &'a str,
    /// The step's entry.
    pub step: &'a str,
    /// The operator: the subject of their token.
    pub operator: &'a str,
    /// The action.
    pub action: OperatorAction,
    /// The operator's reason.
    pub reason: &'a str,
}

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such applicant.
    #[error("there is no application {0}")]
    Unknown(String),
    /// The workflow has no such step.
    #[error("the application has no step {0}")]
    NoStep(String),
    /// SKIPPED does not complete the step.
    #[error("step {0} is not complete when it is skipped")]
    NotSkippable(String),
    /// The step is in a state in which the action does not apply.
    #[error("step {step} is {state:?}; the action does not apply")]
    Moved {
        /// The step.
        step: String,
        /// Its state.
        state: StepState,
    },
    /// Storage failed.
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

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Queue: AdvanceQueue, Waits: Waits, Markets: MarketSource, Clock: Clock>,
{
    /// Takes an operator's action and returns the applicant after it.
    ///
    /// # Errors
    ///
    /// See [`OperateError`].
    pub async fn operate(&self, operation: Operation<'_>) -> Result<Applicant, OperateError> {
        let Operation { id, step, .. } = operation;
        let (markets, now) = (self.current_markets().await?, self.now());
        let applicant = self.applicants.applicant(id).await?.ok_or_else(|| OperateError::Unknown(id.to_owned()))?;
        let workflow = markets.of(&applicant).map_err(StorageError::from)?;
        let no_step = || OperateError::NoStep(step.to_owned());
        let configured = steps::configure(workflow.step(step).ok_or_else(no_step)?).map_err(|_| no_step())?;
        let entry = applicant.steps.entry(step).ok_or_else(no_step)?;
        if entry.is_leased(now) {
            return Err(OperateError::Moved { step: step.to_owned(), state: entry.state });
        }
        let change = change_for(&operation, &configured, entry, now)?;
        let changed = match self.applicants.change(id, &change).await {
            Ok(changed) => changed,
            Err(Refused::ConditionFailed(applicant)) => {
                let state = applicant.steps.entry(step).map_or(StepState::Pending, |entry| entry.state);
                return Err(OperateError::Moved { step: step.to_owned(), state });
            }
            Err(Refused::NotFound | Refused::Other) => return Err(OperateError::Unknown(id.to_owned())),
            Err(Refused::Conflict) => return Err(conflict().into()),
            Err(Refused::Storage(error)) => return Err(error.into()),
        };
        if let Some(token) = &entry.task_token {
            self.waits.end(token).await?;
        }
        self.queue.request(id, &changed.correlation_id).await?;
        Ok(changed)
    }
}

/// The change of a step's entry that an action means, at `now` in milliseconds since the Unix epoch.
fn change_for(
    operation: &Operation<'_>,
    configured: &ConfiguredStep,
    entry: &StepEntry,
    now: i64,
) -> Result<Change, OperateError> {
    let reason = shortened(operation.reason);
    let audit = AuditEntry {
        at: now,
        operator: operation.operator.to_owned(),
        action: operation.action,
        step: operation.step.to_owned(),
        reason: reason.clone(),
    };
    let change = Change { audit: Some(audit), ..Change::waiting(operation.step, entry.key_version, StepState::Done, now) };
    Ok(match operation.action {
        OperatorAction::Approve => {
            Change { response: Some(configured.approval()), activated_until: configured.kept_until(now), ..change }
        }
        OperatorAction::Reject => {
            let code = codes::STEP_REJECTED;
            let failure = Failure { code: code.name.to_owned(), message: reason, advice: code.advice.to_owned() };
            // An attempt may be stuck with a vendor that never accepts it.
            let from = &[StepState::Waiting, StepState::Running];
            Change { from, to: StepState::Failed, next_key: true, failure: Some(failure), ..change }
        }
        // A refusal has spent its key already.
        OperatorAction::Retry if entry.state == StepState::Failed => {
            Change { from: &[StepState::Failed], to: StepState::Pending, ..change }
        }
        OperatorAction::Retry => Change { to: StepState::Pending, next_key: true, ..change },
        OperatorAction::Skip if !configured.info.accepts_skipped => {
            return Err(OperateError::NotSkippable(operation.step.to_owned()));
        }
        OperatorAction::Skip => Change {
            from: &[StepState::Pending, StepState::Failed, StepState::Waiting, StepState::Running],
            to: StepState::Skipped,
            next_key: true,
            ..change
        },
    })
}
