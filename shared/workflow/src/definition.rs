use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An ordered list of stages, as data. It says what happens in which order, and nothing about how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Name in lower case with dashes; the state machine's name ends with it.
    pub name: String,
    /// One sentence for people: who it is for and what is special about it.
    pub purpose: String,
    /// The stages, first to last.
    pub stages: Vec<Stage>,
    /// The function that ends the workflow: `process` completes it, `fail` and `park` close it otherwise.
    pub finish: StepSpec,
}

/// One stage: a single step, or several side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stage {
    /// One step.
    Step(StepSpec),
    /// Steps that run at the same time. All of them end before the next stage, or the undo, begins.
    Parallel(Vec<StepSpec>),
}

impl Stage {
    /// The steps of this stage.
    pub fn steps(&self) -> &[StepSpec] {
        match self {
            Self::Step(step) => std::slice::from_ref(step),
            Self::Parallel(steps) => steps,
        }
    }
}

/// How one step runs within a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// The step's name, which is also its function's: `authorize-payment`.
    pub step: String,
    /// Seconds that one attempt may take, longer than the function's own timeout.
    pub timeout_seconds: u32,
    /// How often and how soon it is tried again.
    pub retry: RetryClass,
    /// Whether it has an effect that can be undone.
    #[serde(default)]
    pub undo: bool,
    /// Set where the step waits for an answer from outside instead of ending by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
}

/// Waiting for an answer that comes through a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Seconds until silence counts as an answer.
    pub timeout_seconds: u32,
    /// The error code of that silence: `Merchant.Silent`.
    pub silence: String,
    /// What to tell a person then.
    pub message: String,
}

/// How a failed attempt is tried again: exponential backoff with full jitter and a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryClass {
    /// Only our own stores are involved: short and few.
    Local,
    /// A partner is called: long enough for it to restart.
    Partner,
    /// Something must be taken back: the longest, because after it comes a person.
    Undo,
    /// A person must be told: for hours, because after it comes nobody.
    Park,
}

impl RetryClass {
    /// Seconds before the first retry, growth per retry, attempts after the first, and the longest wait in seconds.
    pub const fn policy(self) -> (u32, f64, u32, u32) {
        match self {
            Self::Local => (1, 2.0, 5, 10),
            Self::Partner => (1, 2.0, 6, 20),
            Self::Undo => (1, 2.0, 8, 30),
            Self::Park => (1, 2.0, 1_000, 60),
        }
    }
}

/// Why a definition can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("workflow {workflow}: {problem}")]
pub struct InvalidWorkflow {
    /// The workflow's name.
    pub workflow: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Workflow {
    /// Every step, the finish included, in the order of their stages.
    pub fn steps(&self) -> impl Iterator<Item = &StepSpec> {
        self.stages.iter().flat_map(|stage| stage.steps()).chain([&self.finish])
    }

    /// The steps with an undo, newest first: the order in which effects are taken back.
    pub fn undo_order(&self) -> Vec<&StepSpec> {
        let mut undoable: Vec<&StepSpec> = self.stages.iter().flat_map(|stage| stage.steps()).filter(|step| step.undo).collect();
        undoable.reverse();
        undoable
    }

    /// Checks what the types can't: names, distinct steps, real parallel groups, timeouts.
    pub fn validate(&self) -> Result<(), InvalidWorkflow> {
        let fail = |problem: String| Err(InvalidWorkflow { workflow: self.name.clone(), problem });
        let mut seen = BTreeSet::new();
        for spec in self.steps() {
            let well_formed = !spec.step.is_empty()
                && spec.step.split('-').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()));
            if !well_formed {
                return fail(format!("step {:?} must be lower-case words joined by dashes", spec.step));
            }
            if !seen.insert(&spec.step) {
                return fail(format!("step {} occurs twice; the status map has one entry per step", spec.step));
            }
            if spec.timeout_seconds == 0 || spec.wait.as_ref().is_some_and(|wait| wait.timeout_seconds == 0) {
                return fail(format!("step {} needs a timeout", spec.step));
            }
        }
        if self.stages.is_empty() {
            return fail("it has no stage".to_owned());
        }
        for stage in &self.stages {
            if let Stage::Parallel(steps) = stage {
                if steps.len() < 2 {
                    return fail("a parallel group needs at least two steps".to_owned());
                }
                if let Some(waiting) = steps.iter().find(|step| step.wait.is_some()) {
                    return fail(format!("step {} waits for a callback and can't be in a parallel group", waiting.step));
                }
            }
        }
        if self.finish.undo || self.finish.wait.is_some() {
            return fail("the finish has no undo and waits for nothing".to_owned());
        }
        Ok(())
    }
}
