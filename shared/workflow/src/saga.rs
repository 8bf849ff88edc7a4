//! Sagas: workflows that a state machine runs. Each step runs once, retries by its class, and where one fails for good, the effects
//! of all before it are undone.

use crate::definition::{Stage, StepSpec, Workflow, is_false};
use serde::{Deserialize, Serialize};

/// One stage of a saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SagaStage {
    /// One step.
    Step(SagaStep),
    /// Steps that run at the same time. All of them end before the next stage, or the undo, begins.
    Parallel(Vec<SagaStep>),
}

/// How a state machine runs one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SagaStep {
    /// The step's name, which is also its function's: `authorize-payment`.
    pub step: String,
    /// Seconds that one attempt may take, longer than the function's own timeout.
    #[serde(default = "attempt_seconds")]
    pub timeout_seconds: u32,
    /// How often and how soon a failed attempt is repeated.
    #[serde(default)]
    pub retry: RetryClass,
    /// Whether it has an effect that can be undone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// Set where the step waits for a callback instead of ending by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<SagaWait>,
}

/// Waiting for an answer that comes through a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SagaWait {
    /// Seconds until silence counts as an answer.
    pub timeout_seconds: u32,
    /// The error code of that silence: `Merchant.Silent`.
    pub silence: String,
    /// The message of that error, for people.
    pub message: String,
}

/// How a failed attempt is repeated: exponential backoff with full jitter and a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryClass {
    /// Only our own storage is involved: short and few.
    Local,
    /// A partner is called: long enough for it to restart.
    #[default]
    Partner,
    /// Compensation: the longest, since an operator has to step in after the last attempt.
    Undo,
    /// Paging an operator: retried for hours; there is no further fallback.
    Park,
}

impl RetryClass {
    /// Seconds before the first retry, growth per retry, attempts after the first, and the longest delay in seconds.
    pub const fn policy(self) -> (u32, f64, u32, u32) {
        match self {
            Self::Local => (1, 2.0, 5, 10),
            Self::Partner => (1, 2.0, 6, 20),
            Self::Undo => (1, 2.0, 8, 30),
            Self::Park => (1, 2.0, 1_000, 60),
        }
    }
}

/// More than any function's timeout of 10 s.
const fn attempt_seconds() -> u32 {
    15
}

impl Default for SagaStep {
    fn default() -> Self {
        Self { step: String::new(), timeout_seconds: attempt_seconds(), retry: RetryClass::default(), undo: false, wait: None }
    }
}

impl StepSpec for SagaStep {
    fn step(&self) -> &str {
        &self.step
    }

    fn problem(&self) -> Option<String> {
        let has_timeouts = self.timeout_seconds > 0 && self.wait.as_ref().is_none_or(|wait| wait.timeout_seconds > 0);
        (!has_timeouts).then(|| format!("step {} needs a timeout", self.step))
    }

    fn finish_problem(&self) -> Option<String> {
        (self.undo || self.wait.is_some()).then(|| "the finish has no undo and no wait".to_owned())
    }
}

impl Stage for SagaStage {
    type Step = SagaStep;

    fn steps(&self) -> &[SagaStep] {
        match self {
            Self::Step(step) => std::slice::from_ref(step),
            Self::Parallel(steps) => steps,
        }
    }

    fn problem(&self) -> Option<String> {
        let Self::Parallel(steps) = self else { return None };
        if steps.len() < 2 {
            return Some("a parallel group needs at least two steps".to_owned());
        }
        let waiting = steps.iter().find(|step| step.wait.is_some())?;
        Some(format!("step {} waits for a callback and can't be in a parallel group", waiting.step))
    }
}

impl Workflow<SagaStage> {
    /// The steps with an undo, newest first: the order of compensation.
    pub fn undo_order(&self) -> Vec<&SagaStep> {
        let mut undoable: Vec<&SagaStep> = self.stages.iter().flat_map(Stage::steps).filter(|step| step.undo).collect();
        undoable.reverse();
        undoable
    }
}
