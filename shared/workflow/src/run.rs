//! Runs one step: claim, act, record. The same for every step of every workflow.
//!
//! A forward claim is one conditional write: the subject moves forward, this run is its current one, and the entry is not leased. An
//! undo first flips the direction, then waits out live leases; so no undo ever overtakes a call that may still be in flight, and no
//! two runs act at once.

use crate::step::{Attempt, Effect, Step};
use crate::{Direction, Outcome, Progress, StepInput, StepReply, StepState, Subject, UndoOutcome, UndoState};
use carryout_environment::{
    Class, ErrorCode, Failure, HasErrorCode, STEP_IN_PROGRESS, STORAGE_CORRUPT, STORAGE_UNAVAILABLE, StorageError,
};
use serde_json::Value;
use std::future::Future;

/// The right to act on one entry until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The subject's id.
    pub id: String,
    /// The name of the claimed entry: that of the step, or of its instance.
    pub step: String,
    /// The run that claims.
    pub run: u32,
    /// When the claim is made. Milliseconds since the Unix epoch.
    pub now: i64,
    /// When it ends by itself: the function's deadline. Milliseconds since the Unix epoch. It is also the fencing token: a later write
    /// under this claim is refused once another claim holds the entry.
    pub lease_until: i64,
}

/// The state in which a failed attempt leaves its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Open for another attempt under the same key.
    Retry,
    /// Closed as failed.
    Refused,
    /// Open for a corrected form, under the next key.
    CorrectionRequested,
}

impl Release {
    /// The release after an error of this class.
    pub const fn after(class: Class) -> Self {
        if class.may_retry() { Self::Retry } else { Self::Refused }
    }
}

/// Why a claim was refused. The subject comes with it, so that no second read is needed.
#[derive(Debug)]
pub enum ClaimRefused<S> {
    /// The subject as stored; its direction, run, entry or lease did not allow the claim.
    ConditionFailed(Box<S>),
    /// There is no such subject, or its workflow has no such step.
    NotFound,
    /// Storage failed.
    Storage(StorageError),
}

impl<S> From<StorageError> for ClaimRefused<S> {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Why a conditional write of a subject was refused.
#[derive(Debug)]
pub enum Refused<S> {
    /// The subject as stored; its run, direction, status or entry did not allow the write.
    ConditionFailed(Box<S>),
    /// The subject allowed it; another item of the same transaction did not: the quote, the stock.
    Other,
    /// There is no such subject.
    NotFound,
    /// Concurrent modification of the same items. Try again.
    Conflict,
    /// The store failed.
    Storage(StorageError),
}

impl<S> From<StorageError> for Refused<S> {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// A newer run has taken over: this one must not act any more, not even to undo.
pub const RUN_SUPERSEDED: ErrorCode = ErrorCode::permanent("Run.Superseded", "Nothing to do: a newer run goes on.");
/// The subject is being undone, so no step may go forward.
pub const RUN_TURNED: ErrorCode = ErrorCode::permanent("Run.Turned", "Nothing to do: the order is being undone.");
/// The consumer took the order back: no step begins any more, and what was done is undone.
pub const CANCEL_REQUESTED: ErrorCode =
    ErrorCode::permanent("Order.CancelRequested", "Nothing to do: the order is being cancelled, and you are not charged.");
/// The subject or its step does not exist.
pub const STEP_UNKNOWN: ErrorCode =
    ErrorCode::permanent("Step.Unknown", "Contact support with the number of the order or application.");

/// The codes that any step can end with, besides its own.
pub const CODES: &[ErrorCode] =
    &[STORAGE_UNAVAILABLE, STORAGE_CORRUPT, STEP_IN_PROGRESS, RUN_SUPERSEDED, RUN_TURNED, CANCEL_REQUESTED, STEP_UNKNOWN];

/// Storage of subjects with their status maps. Every method is one conditional write, and no method reads first.
pub trait StatusStore: Send + Sync {
    /// The subject.
    type Subject: Subject;
    /// The note that is written together with an entry.
    type Note: Default + Send + Sync;

    /// Claims an entry for its forward attempt and returns the subject with the claim in it.
    ///
    /// MUST refuse unless the subject is open, moves forward, is in the run of the claim, and its cancellation was not requested, and
    /// its entry is neither complete nor failed nor leased. MUST count the attempt and store the time of sending in the same write.
    fn claim(
        &self,
        claim: &Claim,
        note: &Self::Note,
    ) -> impl Future<Output = Result<Self::Subject, ClaimRefused<Self::Subject>>> + Send;

    /// Writes a partner's reference under a claim.
    fn remember(
        &self,
        claim: &Claim,
        reference: &str,
        note: &Self::Note,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Ends an attempt under a claim with `state` and releases the claim. An entry that is left waiting has not ended.
    fn complete(
        &self,
        claim: &Claim,
        state: StepState,
        progress: &Progress<Self::Note>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Releases a claim after a failed attempt. A definite refusal also raises the entry's key version.
    fn release(
        &self,
        claim: &Claim,
        failure: &Failure,
        release: Release,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Storage of subjects whose effects can be undone.
pub trait UndoStore: StatusStore {
    /// Flips the subject's direction and claims an entry for its undo.
    ///
    /// MUST flip the direction even if a live lease refuses the claim, so that no further forward claim is granted. MUST refuse if the
    /// subject is closed or in another run. Records `reason` unless one is recorded already.
    fn claim_undo(
        &self,
        claim: &Claim,
        reason: Option<&Failure>,
    ) -> impl Future<Output = Result<Self::Subject, ClaimRefused<Self::Subject>>> + Send;

    /// Marks an entry as undone under a claim and releases the claim.
    fn complete_undo(&self, claim: &Claim, note: &Self::Note) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Releases an undo's claim after a failed attempt; the undo remains requested.
    fn release_undo(&self, claim: &Claim, failure: &Failure) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Why running a step failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// The step's own error.
    #[error(transparent)]
    Step(E),
    /// The entry records a definite refusal, which is reported again; the step is not run again.
    #[error("{0}")]
    Refused(Failure),
    /// Another attempt holds the entry until its lease ends.
    #[error("another attempt holds this step for up to {0} ms")]
    InProgress(i64),
    /// A newer run has taken over.
    #[error("run {0} was superseded by run {1}")]
    Superseded(u32, u32),
    /// The subject is being compensated.
    #[error("its effects are being undone")]
    Compensating,
    /// The subject is closed: no step may act on it any more.
    #[error("it is closed")]
    Closed,
    /// Cancellation was requested.
    #[error("its cancellation was requested")]
    CancelRequested,
    /// There is no such subject, or its workflow has no such step.
    #[error("there is no such subject, or its workflow has no such step")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl<E: HasErrorCode> RunError<E> {
    /// The failure as it is reported: code, message, advice.
    pub fn failure(&self) -> Failure {
        let coded = |code: ErrorCode| Failure { code: code.name.into(), message: self.to_string(), advice: code.advice.into() };
        match self {
            Self::Step(error) => Failure::of(error),
            Self::Refused(failure) => failure.clone(),
            Self::InProgress(_) => coded(STEP_IN_PROGRESS),
            Self::Superseded(..) | Self::Closed => coded(RUN_SUPERSEDED),
            Self::Compensating => coded(RUN_TURNED),
            Self::CancelRequested => coded(CANCEL_REQUESTED),
            Self::Unknown => coded(STEP_UNKNOWN),
            Self::Storage(error) => coded(error.code()),
        }
    }
}

/// An attempt under a claim on a store.
struct Claimed<'a, T> {
    store: &'a T,
    claim: &'a Claim,
    key_version: u32,
    number: u32,
}

impl<T: StatusStore> Attempt<T::Note> for Claimed<'_, T> {
    fn key(&self) -> String {
        format!("{}/{}/{}", self.claim.id, self.claim.step, self.key_version)
    }

    fn claim(&self) -> &Claim {
        self.claim
    }

    fn number(&self) -> u32 {
        self.number
    }

    fn now(&self) -> i64 {
        self.claim.now
    }

    async fn remember(&self, reference: &str, note: T::Note) -> Result<(), StorageError> {
        self.store.remember(self.claim, reference, &note).await
    }
}

/// Runs `step` forward for the subject of `input`.
///
/// `now` and `lease_until` are milliseconds since the Unix epoch; the lease must end no sooner than this function can
/// still be running.
pub async fn process<S, T>(
    step: &S,
    store: &T,
    input: &StepInput,
    now: i64,
    lease_until: i64,
) -> Result<StepReply, RunError<S::Error>>
where
    S: Effect<Subject = T::Subject, Note = T::Note>,
    T: StatusStore,
{
    let claim = Claim { id: input.id.clone(), step: step.entry_name().to_owned(), run: input.run, now, lease_until };
    let subject = match store.claim(&claim, &step.claim_note(input, now)).await {
        Ok(subject) => subject,
        Err(refused) => return answer_refused_claim(step, refused, input.run, now),
    };
    let entry = subject.status().entry(step.entry_name()).ok_or(RunError::Unknown)?;
    let attempt = Claimed { store, claim: &claim, key_version: entry.key_version, number: entry.attempts };
    let reply = |state, response| Ok(StepReply { step: step.entry_name().to_owned(), state, response });
    match step.process(&subject, &attempt).await {
        Ok(Outcome::Done(progress)) => {
            store.complete(&claim, StepState::Done, &progress).await?;
            reply(StepState::Done, progress.response.unwrap_or_default())
        }
        Ok(Outcome::Skipped) => {
            store.complete(&claim, StepState::Skipped, &Progress::default()).await?;
            reply(StepState::Skipped, Value::Null)
        }
        Ok(Outcome::Waiting(progress)) => {
            store.complete(&claim, StepState::Waiting, &progress).await?;
            reply(StepState::Waiting, progress.response.unwrap_or_default())
        }
        Ok(Outcome::CorrectionRequested(failure)) => {
            store.release(&claim, &failure, Release::CorrectionRequested).await?;
            reply(StepState::Pending, serde_json::to_value(failure).unwrap_or_default())
        }
        Ok(Outcome::Recorded(response)) => reply(StepState::Done, response),
        Err(error) => {
            // If this write fails too, the lease ends by itself; the step's own error is the one to report.
            if let Err(lost) = store.release(&claim, &Failure::of(&error), Release::after(error.code().class)).await {
                tracing::warn!(order.id = %claim.id, step = step.entry_name(), error = %lost, "the claim could not be released");
            }
            Err(RunError::Step(error))
        }
    }
}

/// Undoes `step`'s effect for the subject of `input`; units as for [`process`].
pub async fn undo<S, T>(
    step: &S,
    store: &T,
    input: &StepInput,
    now: i64,
    lease_until: i64,
) -> Result<StepReply, RunError<S::Error>>
where
    S: Effect<Subject = T::Subject, Note = T::Note>,
    T: UndoStore,
{
    let claim = Claim { id: input.id.clone(), step: step.entry_name().to_owned(), run: input.run, now, lease_until };
    let undone = |state| Ok(StepReply { step: step.entry_name().to_owned(), state, response: Value::Null });
    let subject = match store.claim_undo(&claim, input.reason().as_ref()).await {
        Ok(subject) => subject,
        Err(ClaimRefused::NotFound) => return Err(RunError::Unknown),
        Err(ClaimRefused::Storage(error)) => return Err(RunError::Storage(error)),
        Err(ClaimRefused::ConditionFailed(subject)) => {
            let entry = subject.status().entry(step.entry_name()).ok_or(RunError::Unknown)?;
            return match (subject.is_closed(), entry.undo) {
                _ if subject.run() != input.run => Err(RunError::Superseded(input.run, subject.run())),
                (true, _) => Err(RunError::Closed),
                (false, UndoState::Done) => undone(entry.state),
                (false, _) => Err(RunError::InProgress(entry.lease_until.saturating_sub(now))),
            };
        }
    };
    let entry = subject.status().entry(step.entry_name()).ok_or(RunError::Unknown)?;
    let attempt = Claimed { store, claim: &claim, key_version: entry.key_version, number: entry.undo_attempts };
    match step.undo(&subject, &attempt).await {
        Ok(UndoOutcome::Undone(note)) => {
            store.complete_undo(&claim, &note).await?;
            undone(entry.state)
        }
        Ok(UndoOutcome::Recorded) => undone(entry.state),
        Err(error) => {
            if let Err(lost) = store.release_undo(&claim, &Failure::of(&error)).await {
                tracing::warn!(order.id = %claim.id, step = step.entry_name(), error = %lost, "the claim could not be released");
            }
            Err(RunError::Step(error))
        }
    }
}

/// The answer to a refused forward claim: a reply from the status map, or the reason of the refusal.
pub fn answer_refused_claim<S: Step>(
    step: &S,
    refused: ClaimRefused<S::Subject>,
    run: u32,
    now: i64,
) -> Result<StepReply, RunError<S::Error>> {
    let subject = match refused {
        ClaimRefused::ConditionFailed(subject) => subject,
        ClaimRefused::NotFound => return Err(RunError::Unknown),
        ClaimRefused::Storage(error) => return Err(RunError::Storage(error)),
    };
    let entry = subject.status().entry(step.entry_name()).ok_or(RunError::Unknown)?;
    if subject.run() != run {
        return Err(RunError::Superseded(run, subject.run()));
    }
    if step.is_complete(&subject) {
        return Ok(StepReply { step: step.entry_name().to_owned(), state: entry.state, response: step.response(&subject) });
    }
    if subject.is_closed() {
        return Err(RunError::Closed);
    }
    if subject.direction() == Direction::Undo {
        return Err(RunError::Compensating);
    }
    match &entry.failure {
        Some(failure) if entry.state == StepState::Failed => Err(RunError::Refused(failure.clone())),
        _ if subject.is_cancel_requested() => Err(RunError::CancelRequested),
        _ => Err(RunError::InProgress(entry.lease_until.saturating_sub(now))),
    }
}
