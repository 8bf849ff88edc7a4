use crate::{Claim, Progress, Release};
use carryout_environment::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The state of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepState {
    /// Not begun.
    #[default]
    Pending,
    /// Claimed at least once; its effect may have happened.
    Running,
    /// Its request was sent, and it waits for an answer from outside.
    Waiting,
    /// Its effect has happened, or it has none.
    Done,
    /// It does not apply to this subject: no courier for a pickup.
    Skipped,
    /// It was definitely refused.
    Failed,
}

/// The state of the undo of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UndoState {
    /// Not requested.
    #[default]
    None,
    /// Claimed at least once; the effect may still be there.
    Running,
    /// No effect is left.
    Done,
}

/// The direction of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// Towards completion.
    #[default]
    Forward,
    /// Compensation. Never flips forward again.
    Undo,
}

/// One step's entry in the status map. Only that step writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEntry {
    /// Its state.
    pub state: StepState,
    /// The state of its undo.
    pub undo: UndoState,
    /// The number of forward claims.
    pub attempts: u32,
    /// The number of claims for its undo.
    pub undo_attempts: u32,
    /// The run that claimed it last.
    pub run: u32,
    /// When the lease of the current claim ends. Milliseconds since the Unix epoch; 0 without a claim.
    pub lease_until: i64,
    /// Counts the keys under which the effect was asked for; raised only after a definite refusal.
    pub key_version: u32,
    /// When it was last about to call its partner. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
    /// When it ended. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The partner's name for the effect, such as a payment intent's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The response to a repeated invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The task token for the answer that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_token: Option<String>,
}

impl Default for StepEntry {
    fn default() -> Self {
        Self {
            state: StepState::Pending,
            undo: UndoState::None,
            attempts: 0,
            undo_attempts: 0,
            run: 0,
            lease_until: 0,
            key_version: 1,
            sent_at: None,
            ended_at: None,
            reference: None,
            response: None,
            failure: None,
            task_token: None,
        }
    }
}

impl StepEntry {
    /// Whether the step is complete.
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, StepState::Done | StepState::Skipped)
    }

    /// Whether an effect may exist that was not undone.
    ///
    /// A refusal says nothing about the attempts before it, and once the undo of a refused step is requested, it must end.
    pub const fn may_have_effect(&self) -> bool {
        match self.state {
            StepState::Running | StepState::Waiting | StepState::Done => !matches!(self.undo, UndoState::Done),
            StepState::Failed => match self.undo {
                UndoState::None => self.attempts > 1,
                UndoState::Running => true,
                UndoState::Done => false,
            },
            StepState::Pending | StepState::Skipped => false,
        }
    }

    /// Applies a forward claim at `now` (milliseconds since the Unix epoch).
    pub fn begin(&mut self, claim: &Claim, now: i64) {
        self.state = StepState::Running;
        self.run = claim.run;
        self.lease_until = claim.lease_until;
        self.sent_at = Some(now);
        self.attempts += 1;
    }

    /// Applies the end of a claimed attempt at `now`: it leaves the entry in `state`, which may be waiting.
    pub fn end<N>(&mut self, state: StepState, progress: &Progress<N>, now: i64) {
        self.state = state;
        self.lease_until = 0;
        self.ended_at = (state != StepState::Waiting).then_some(now);
        self.failure = None;
        self.reference = progress.reference.clone().or(self.reference.take());
        self.response = progress.response.clone().or(self.response.take());
    }

    /// Applies the release of a failed attempt at `now`.
    pub fn release(&mut self, failure: &Failure, release: Release, now: i64) {
        self.failure = Some(failure.clone());
        self.lease_until = 0;
        match release {
            Release::Retry => {}
            Release::Refused => {
                self.state = StepState::Failed;
                self.ended_at = Some(now);
                self.key_version += 1;
            }
            Release::CorrectionRequested => {
                self.state = StepState::Pending;
                self.key_version += 1;
            }
        }
    }

    /// Applies a change from outside a claim at `at`: it ends any lease. With `next_key` the next attempt has another key.
    pub fn change(&mut self, to: StepState, next_key: bool, failure: Option<&Failure>, response: Option<&Value>, at: i64) {
        self.state = to;
        self.lease_until = 0;
        self.failure = failure.cloned();
        self.response = response.cloned().or(self.response.take());
        self.key_version += u32::from(next_key);
        if matches!(to, StepState::Done | StepState::Skipped | StepState::Failed) {
            self.ended_at = Some(at);
        }
    }

    /// Whether an attempt may still be running at `now` (milliseconds since the Unix epoch).
    pub const fn is_leased(&self, now: i64) -> bool {
        self.lease_until > now
    }
}

/// One entry per step of the workflow, created with its subject.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusMap(pub BTreeMap<String, StepEntry>);

impl StatusMap {
    /// A map with a pending entry for each of `steps`.
    pub fn pending<'a>(steps: impl IntoIterator<Item = &'a str>) -> Self {
        Self(steps.into_iter().map(|step| (step.to_owned(), StepEntry::default())).collect())
    }

    /// The entry of `step`, if the workflow has that step.
    pub fn entry(&self, step: &str) -> Option<&StepEntry> {
        self.0.get(step)
    }

    /// The steps whose effect may exist and was not undone.
    pub fn remaining_effects(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, entry)| entry.may_have_effect()).map(|(step, _)| step.as_str())
    }

    /// Attempts beyond the first, over all steps and both directions.
    pub fn retries(&self) -> u32 {
        self.0.values().map(|entry| entry.attempts.saturating_sub(1) + entry.undo_attempts.saturating_sub(1)).sum()
    }
}
