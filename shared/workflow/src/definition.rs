use carryout_predicate::Condition;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// An ordered list of stages, as data. It says what happens in which order, and nothing about how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Name in lower case with dashes; the state machine's name ends with it.
    pub name: String,
    /// Counts what is changed under this name: a subject stays at the version that it began with.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    /// One sentence for people: who it is for and what is special about it.
    pub purpose: String,
    /// The stages, first to last.
    pub stages: Vec<Stage>,
    /// The function that ends the workflow: `process` completes it, `fail` and `park` close it otherwise.
    pub finish: StepSpec,
}

/// One stage: a single step, or several of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stage {
    /// One step.
    Step(StepSpec),
    /// Steps that run at the same time. All of them end before the next stage, or the undo, begins.
    Parallel(Vec<StepSpec>),
    /// Steps that are one to whoever takes them: their forms are on one screen.
    Composite(Composite),
}

/// Several steps under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// Its name, in lower case with dashes: `personal-details`.
    pub name: String,
    /// Its steps, in the order of their forms.
    pub steps: Vec<StepSpec>,
}

impl Stage {
    /// The steps of this stage.
    pub fn steps(&self) -> &[StepSpec] {
        match self {
            Self::Step(step) => std::slice::from_ref(step),
            Self::Parallel(steps) | Self::Composite(Composite { steps, .. }) => steps,
        }
    }
}

/// How one step runs within a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// The step's name, which is also its function's where it has one: `authorize-payment`.
    pub step: String,
    /// The name of this instance where one step occurs several times: `upload-insurance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version of the step.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    /// For whom it is there; for everybody where there is no condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Whether whoever takes it may skip it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// What the step leaves to the workflow to say.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// Seconds that one attempt may take, longer than the function's own timeout.
    #[serde(default = "attempt_seconds")]
    pub timeout_seconds: u32,
    /// How often and how soon it is tried again.
    #[serde(default)]
    pub retry: RetryClass,
    /// Whether it has an effect that can be undone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
    /// Set where the step waits for an answer from outside instead of ending by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
}

const fn first() -> u32 {
    1
}

const fn is_first(version: &u32) -> bool {
    *version == 1
}

const fn is_false(value: &bool) -> bool {
    !*value
}

/// More than any function's timeout of 10 s.
const fn attempt_seconds() -> u32 {
    15
}

impl Default for StepSpec {
    fn default() -> Self {
        Self {
            step: String::new(),
            name: None,
            version: first(),
            when: None,
            optional: false,
            settings: Map::new(),
            timeout_seconds: attempt_seconds(),
            retry: RetryClass::default(),
            undo: false,
            wait: None,
        }
    }
}

impl StepSpec {
    /// The name of its entry in the status map: that of the instance, or the step's.
    pub fn entry_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.step)
    }
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
    /// Seconds after which whoever has to answer is reminded, again and again until the silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_seconds: Option<u32>,
}

/// How a failed attempt is tried again: exponential backoff with full jitter and a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryClass {
    /// Only our own stores are involved: short and few.
    Local,
    /// A partner is called: long enough for it to restart.
    #[default]
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

    /// The step whose entry has this name.
    pub fn step(&self, entry_name: &str) -> Option<&StepSpec> {
        self.steps().find(|spec| spec.entry_name() == entry_name)
    }

    /// Checks what the types can't: names, one entry per step, real groups, timeouts.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), InvalidWorkflow> {
        let mut seen = BTreeSet::new();
        for spec in self.steps() {
            for name in [&spec.step, spec.entry_name()] {
                if !is_name(name) {
                    return self.invalid(format!("step {name:?} must be lower-case words joined by dashes"));
                }
            }
            let name = spec.entry_name();
            if !seen.insert(name) {
                return self
                    .invalid(format!("step {name} occurs twice; the status map has one entry per step, so name each instance"));
            }
            if spec.timeout_seconds == 0 || spec.wait.as_ref().is_some_and(|wait| wait.timeout_seconds == 0) {
                return self.invalid(format!("step {name} needs a timeout"));
            }
            if spec
                .wait
                .as_ref()
                .is_some_and(|wait| wait.reminder_seconds.is_some_and(|after| after == 0 || after >= wait.timeout_seconds))
            {
                return self.invalid(format!("step {name} reminds after the timeout or at once"));
            }
        }
        if self.stages.is_empty() {
            return self.invalid("it has no stage".to_owned());
        }
        for stage in &self.stages {
            match stage {
                Stage::Step(_) => {}
                Stage::Parallel(steps) if steps.len() < 2 => {
                    return self.invalid("a parallel group needs at least two steps".to_owned());
                }
                Stage::Composite(group) if group.steps.is_empty() || !is_name(&group.name) || !seen.insert(&group.name) => {
                    return self.invalid(format!("the composite {:?} needs steps, and a name of its own", group.name));
                }
                Stage::Parallel(_) | Stage::Composite(_) => {}
            }
        }
        if self.finish.undo || self.finish.wait.is_some() || self.finish.when.is_some() || self.finish.optional {
            return self.invalid("the finish has no undo, waits for nothing and is for everybody".to_owned());
        }
        Ok(())
    }

    /// Checks that it can be compiled into a state machine, which runs each step once and without asking whether it applies.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn validate_for_compiler(&self) -> Result<(), InvalidWorkflow> {
        self.validate()?;
        let interpreted = |spec: &&StepSpec| spec.name.is_some() || spec.when.is_some() || spec.optional;
        if let Some(spec) = self.steps().find(interpreted) {
            return self.invalid(format!(
                "step {} is an instance, conditional or optional, which state machines know nothing of",
                spec.entry_name()
            ));
        }
        for stage in &self.stages {
            match stage {
                Stage::Step(_) => {}
                Stage::Composite(group) => return self.invalid(format!("{} is a composite, which is for forms", group.name)),
                Stage::Parallel(steps) => {
                    if let Some(waiting) = steps.iter().find(|step| step.wait.is_some()) {
                        return self
                            .invalid(format!("step {} waits for a callback and can't be in a parallel group", waiting.step));
                    }
                }
            }
        }
        Ok(())
    }

    fn invalid(&self, problem: String) -> Result<(), InvalidWorkflow> {
        Err(InvalidWorkflow { workflow: self.name.clone(), problem })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.split('-').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()))
}
