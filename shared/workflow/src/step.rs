use crate::{Claim, Direction, StatusMap, StepState};
use carryout_environment::{Failure, HasErrorCode, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::future::{Future, ready};

/// The subject of a workflow: an order, an applicant.
pub trait Subject: Send + Sync {
    /// Its id.
    fn id(&self) -> &str;
    /// Its status map.
    fn status(&self) -> &StatusMap;
    /// The current run: the only one that may act on it.
    fn run(&self) -> u32;
    /// Its direction.
    fn direction(&self) -> Direction;
    /// Whether it has reached its end, so that no step may act any more.
    fn is_closed(&self) -> bool;
    /// Whether a sweeper that finds it past its deadline has something to do.
    fn is_looked_after(&self) -> bool {
        !self.is_closed()
    }
    /// Whether its cancellation was requested: no further step begins, and effects are undone.
    fn is_cancel_requested(&self) -> bool {
        false
    }
}

/// The action that a step's function is invoked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// Go forward.
    Process,
    /// Undo the effect, whatever its outcome was.
    Undo,
    /// Every effect is undone: close the subject as failed. Only for the finish.
    Fail,
    /// An undo could not be finished: park the subject for an operator. Only for the finish.
    Park,
}

/// The input of a step's function, as the state machine passes it on. Ids and small facts, never a cart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepInput {
    /// The action.
    pub action: StepAction,
    /// The subject's id.
    pub id: String,
    /// The run that invokes the function.
    pub run: u32,
    /// Follows the subject through every log.
    #[serde(default)]
    pub correlation_id: String,
    /// Small facts that were fixed when the subject was created.
    #[serde(default)]
    pub facts: Value,
    /// Why compensation started, as Step Functions reports it (`Error`, `Cause`) or as the subject recorded it.
    #[serde(default)]
    pub failure: Value,
    /// The task token for an answer that comes later.
    #[serde(default)]
    pub task_token: Option<String>,
}

impl StepInput {
    /// Why compensation started, in one form for every source of the report.
    pub fn reason(&self) -> Option<Failure> {
        if let Ok(recorded) = Failure::deserialize(&self.failure) {
            return Some(recorded);
        }
        let code = self.failure.get("Error")?.as_str()?.to_owned();
        let cause = self.failure.get("Cause").and_then(Value::as_str).unwrap_or_default();
        // A Lambda's error arrives as a JSON text inside `Cause`.
        let parsed: Option<Value> = serde_json::from_str(cause).ok();
        let message = parsed.as_ref().and_then(|cause| cause.get("errorMessage")).and_then(Value::as_str).unwrap_or(cause);
        Some(Failure { code, message: message.to_owned(), advice: String::new() })
    }
}

/// The reply of a step's function: enough to read in the execution's history, never a cart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReply {
    /// The step.
    pub step: String,
    /// Its state.
    pub state: StepState,
    /// Its response.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub response: Value,
}

/// The progress of a step, to be written into its entry in one write with a note.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress<N> {
    /// The partner's reference for the effect.
    pub reference: Option<String>,
    /// The response to a repeated invocation.
    pub response: Option<Value>,
    /// What else belongs in the same write: ledger events, flags.
    pub note: N,
}

/// The outcome of a step's attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<N> {
    /// The effect has happened.
    Done(Progress<N>),
    /// The step does not apply to this subject.
    Skipped,
    /// The request was sent, and its answer comes later.
    Waiting(Progress<N>),
    /// The submitted form is definitely refused, and a corrected one may be submitted.
    CorrectionRequested(Failure),
    /// The effect is a write to our own tables, and the entry was completed in the same transaction.
    Recorded(Value),
}

/// The outcome of undoing a step.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoOutcome<N> {
    /// No effect is left. The note is written together with the entry.
    Undone(N),
    /// The undo is a write to our own tables, and the entry was completed in the same transaction.
    Recorded,
}

/// A self-contained step: what all kinds of steps have in common.
///
/// It never knows its workflow or its neighbours.
pub trait Step: Send + Sync {
    /// The subject that it works on.
    type Subject: Subject;
    /// Its errors.
    type Error: HasErrorCode;

    /// The name of its entry in the status map: that of the step, or of its instance in the workflow.
    fn entry_name(&self) -> &str;

    /// Whether it is complete for this subject.
    fn is_complete(&self, subject: &Self::Subject) -> bool {
        subject.status().entry(self.entry_name()).is_some_and(|entry| entry.is_complete())
    }

    /// Its response for this subject, from the status map alone.
    fn response(&self, subject: &Self::Subject) -> Value {
        subject.status().entry(self.entry_name()).and_then(|entry| entry.response.clone()).unwrap_or_default()
    }
}

/// A step with an effect outside, under a claim.
pub trait Effect: Step {
    /// The note that is written together with its entry.
    type Note: Default + Send + Sync;

    /// The note that is written together with the claim, before the partner is called. `now` is in milliseconds since the Unix epoch.
    fn claim_note(&self, _input: &StepInput, _now: i64) -> Self::Note {
        Self::Note::default()
    }

    /// Makes the effect happen once, whatever the outcome of an earlier attempt was.
    ///
    /// MUST send the key of `attempt` to its partner, and where the partner does not honour keys MUST look up the outcome of an earlier
    /// attempt before it acts again.
    fn process(
        &self,
        subject: &Self::Subject,
        attempt: &impl Attempt<Self::Note>,
    ) -> impl Future<Output = Result<Outcome<Self::Note>, Self::Error>> + Send;

    /// Undoes the effect, in any state: not done, half done, done, unknown, already undone.
    ///
    /// Steps without an effect to undo keep the default, which does nothing.
    fn undo(
        &self,
        _subject: &Self::Subject,
        _attempt: &impl Attempt<Self::Note>,
    ) -> impl Future<Output = Result<UndoOutcome<Self::Note>, Self::Error>> + Send {
        ready(Ok(UndoOutcome::Undone(Self::Note::default())))
    }
}

/// One claimed attempt, as the step sees it.
pub trait Attempt<N>: Send + Sync {
    /// The idempotency key of this effect: `subject/step/version`. It was stored before this attempt began and stays the same across
    /// retries and runs until the partner has definitely refused.
    fn key(&self) -> String;

    /// The claim that this attempt is made under.
    fn claim(&self) -> &Claim;

    /// 1 for the first attempt of this effect.
    fn number(&self) -> u32;

    /// Milliseconds since the Unix epoch.
    fn now(&self) -> i64;

    /// Writes the partner's reference for the effect into the entry while the attempt continues, so that a later attempt finds the
    /// effect by it.
    fn remember(&self, reference: &str, note: N) -> impl Future<Output = Result<(), StorageError>> + Send;
}
