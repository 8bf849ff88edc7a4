use crate::{Claim, Direction, StatusMap, StepState};
use carryout_environment::{Failure, HasErrorCode, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::future::{Future, ready};

/// What a workflow works on: an order, an applicant.
pub trait Subject: Send + Sync {
    /// Its id.
    fn id(&self) -> &str;
    /// Its status map.
    fn status(&self) -> &StatusMap;
    /// The run that may act on it.
    fn run(&self) -> u32;
    /// Which way it moves.
    fn direction(&self) -> Direction;
    /// Whether it has reached its end, so that no step may act any more.
    fn is_closed(&self) -> bool;
    /// Whether a sweeper that finds it past its deadline does something for it.
    fn is_looked_after(&self) -> bool {
        !self.is_closed()
    }
    /// Whether somebody asked to take it back: no step begins any more, and what was done is undone.
    fn is_cancel_requested(&self) -> bool {
        false
    }
}

/// What is asked of a step's function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Go forward.
    Process,
    /// Take the effect back, whatever became of it.
    Undo,
    /// Every effect is undone: close the subject as failed. Only the finish is asked this.
    Fail,
    /// An undo could not be finished: close the subject for a person to look at. Only the finish is asked this.
    Park,
}

/// The input of a step's function: what the state machine passes on. Ids and small facts, never a cart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepInput {
    /// What to do.
    pub action: Action,
    /// The subject's id.
    pub id: String,
    /// The run that asks.
    pub run: u32,
    /// Follows the subject through every log.
    #[serde(default)]
    pub correlation_id: String,
    /// Small facts that were fixed when the subject was created.
    #[serde(default)]
    pub facts: Value,
    /// Why the workflow turned round, as Step Functions tells it (`Error`, `Cause`) or as the subject recorded it.
    #[serde(default)]
    pub failure: Value,
    /// Where to send an answer that comes later.
    #[serde(default)]
    pub task_token: Option<String>,
}

impl StepInput {
    /// Why the workflow turned round, in one form whoever reported it.
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

/// What a step's function answers: enough to read in the execution's history, never a cart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReply {
    /// The step.
    pub step: String,
    /// Where it stands now.
    pub state: StepState,
    /// What it reports.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub response: Value,
}

/// What a step wants written into its entry, together with what else belongs into the same write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress<N> {
    /// The partner's name for the effect.
    pub reference: Option<String>,
    /// What to report to whoever asks again.
    pub response: Option<Value>,
    /// What else belongs into the same write: ledger events, flags.
    pub note: N,
}

/// How a step's attempt, or its undo, ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<N> {
    /// The effect has happened; or, for an undo, nothing of it is left.
    Done(Progress<N>),
    /// The step does not apply to this subject.
    Skipped,
    /// The partner was asked, and its answer comes later. Not for an undo.
    Waiting(Progress<N>),
    /// What was submitted is definitely refused, and something else may be submitted instead. Not for an undo.
    Returned(Failure),
    /// The effect is a write to our own tables, and the entry was completed in the same transaction.
    Recorded(Value),
}

/// A self-contained step: what all kinds of steps have in common.
///
/// It never knows its workflow or its neighbours.
pub trait Step: Send + Sync {
    /// What it works on.
    type Subject: Subject;
    /// How it fails.
    type Error: HasErrorCode;

    /// Its name, which is also its function's where it has one.
    const NAME: &'static str;

    /// The name of its entry in the status map: its own, or that of the instance that it is in its workflow.
    fn entry_name(&self) -> &str {
        Self::NAME
    }

    /// Whether its way forward has ended well for this subject.
    fn is_complete(&self, subject: &Self::Subject) -> bool {
        subject.status().entry(self.entry_name()).is_some_and(|entry| entry.is_complete())
    }

    /// What it reports for this subject, from the status map alone.
    fn response(&self, subject: &Self::Subject) -> Value {
        subject.status().entry(self.entry_name()).and_then(|entry| entry.response.clone()).unwrap_or_default()
    }
}

/// A step that acts on the world outside, under a claim.
pub trait Effect: Step {
    /// What is written together with its entry.
    type Note: Default + Send + Sync;

    /// What is written together with the claim, before the partner is called. `input` carries the facts for it; `now`
    /// is in milliseconds since the Unix epoch.
    fn claim_note(&self, _input: &StepInput, _now: i64) -> Self::Note {
        Self::Note::default()
    }

    /// Makes the effect happen, once, whatever an earlier attempt may have done.
    ///
    /// MUST send the key of `attempt` to its partner, and MUST look an earlier attempt's outcome up before it acts
    /// anew where the partner does not honour keys.
    fn process(
        &self,
        subject: &Self::Subject,
        attempt: &impl Attempt<Self::Note>,
    ) -> impl Future<Output = Result<Outcome<Self::Note>, Self::Error>> + Send;

    /// Takes the effect back, in whatever state it is: not done, half done, done, unknown, already undone.
    ///
    /// Steps without an effect that matters keep the default, which does nothing.
    fn undo(
        &self,
        _subject: &Self::Subject,
        _attempt: &impl Attempt<Self::Note>,
    ) -> impl Future<Output = Result<Outcome<Self::Note>, Self::Error>> + Send {
        ready(Ok(Outcome::Done(Progress::default())))
    }
}

/// One claimed attempt, as the step sees it.
pub trait Attempt<N>: Send + Sync {
    /// The idempotency key of this effect: `subject/step/version`. It was stored before this attempt began and stays
    /// the same over retries and runs until the partner has definitely refused.
    fn key(&self) -> String;

    /// The claim that this attempt is made under.
    fn claim(&self) -> &Claim;

    /// 1 for the first attempt of this effect.
    fn number(&self) -> u32;

    /// Milliseconds since the Unix epoch.
    fn now(&self) -> i64;

    /// Writes the partner's name for the effect into the entry while the attempt goes on, so that whoever comes next
    /// finds the effect by it.
    fn remember(&self, reference: &str, note: N) -> impl Future<Output = Result<(), StorageError>> + Send;
}
