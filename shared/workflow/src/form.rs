//! Form workflows: workflows that are interpreted, step by step, as a person submits forms. Steps may be conditional, optional, and
//! occur several times; nothing is undone.

use crate::{
    definition::{Stage, StepSpec, Workflow, first, is_false, is_first},
    saga::RetryClass,
};
use carryout_predicate::Condition;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A workflow of forms.
pub type FormWorkflow = Workflow<FormStage>;

/// One stage of a form workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FormStage {
    /// One step.
    Step(FormStep),
    /// Steps that may be taken in any order.
    Parallel(Vec<FormStep>),
    /// Steps whose forms are shown on one screen.
    Composite(Composite),
}

/// Several steps on one screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// The screen's name, in lower case with dashes: `personal-details`.
    pub name: String,
    /// Its steps, in the order of their forms.
    pub steps: Vec<FormStep>,
}

/// How a form workflow uses one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PublishedFormStep")]
pub struct FormStep {
    /// The name of the step's module: `upload-document`.
    pub step: String,
    /// The name of this instance where one step occurs several times: `upload-insurance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version of the step's module.
    #[serde(skip_serializing_if = "is_first")]
    pub version: u32,
    /// The condition under which the step applies; without one it always does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Whether the applicant may skip it.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Settings of the step's module.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// How long to wait for an answer that comes later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<FormWait>,
}

/// Waiting for an answer that comes later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormWait {
    /// Seconds until the silence is put before an operator.
    pub timeout_seconds: u32,
    /// The code of that silence: `Identity.Silent`.
    pub silence: String,
    /// The reason that the operator reads.
    pub message: String,
    /// Seconds between inquiries until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder_seconds: Option<u32>,
}

/// A step as published definitions have it. Those of earlier releases carry the members of saga steps, which mean nothing here: they
/// are read and dropped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedFormStep {
    step: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default = "first")]
    version: u32,
    #[serde(default)]
    when: Option<Condition>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    wait: Option<FormWait>,
    #[serde(default, rename = "timeout_seconds")]
    _timeout_seconds: Option<u32>,
    #[serde(default, rename = "retry")]
    _retry: Option<RetryClass>,
    #[serde(default, rename = "undo")]
    _undo: Option<bool>,
}

impl From<PublishedFormStep> for FormStep {
    fn from(published: PublishedFormStep) -> Self {
        let PublishedFormStep { step, name, version, when, optional, settings, wait, .. } = published;
        Self { step, name, version, when, optional, settings, wait }
    }
}

impl Default for FormStep {
    fn default() -> Self {
        Self { step: String::new(), name: None, version: first(), when: None, optional: false, settings: Map::new(), wait: None }
    }
}

impl StepSpec for FormStep {
    fn step(&self) -> &str {
        &self.step
    }

    fn entry_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.step)
    }

    fn problem(&self) -> Option<String> {
        let wait = self.wait.as_ref()?;
        if wait.timeout_seconds == 0 {
            return Some(format!("step {} needs a timeout", self.entry_name()));
        }
        let is_wrong = wait.reminder_seconds.is_some_and(|after| after == 0 || after >= wait.timeout_seconds);
        is_wrong.then(|| format!("step {} must have its reminders after 0 s and before its timeout", self.entry_name()))
    }

    fn finish_problem(&self) -> Option<String> {
        let is_plain = self.wait.is_none() && self.when.is_none() && !self.optional;
        (!is_plain).then(|| "the finish has no wait and no condition, and is not optional".to_owned())
    }
}

impl Stage for FormStage {
    type Step = FormStep;

    fn steps(&self) -> &[FormStep] {
        match self {
            Self::Step(step) => std::slice::from_ref(step),
            Self::Parallel(steps) | Self::Composite(Composite { steps, .. }) => steps,
        }
    }

    fn group_name(&self) -> Option<&str> {
        if let Self::Composite(group) = self { Some(&group.name) } else { None }
    }

    fn problem(&self) -> Option<String> {
        match self {
            Self::Parallel(steps) if steps.len() < 2 => Some("a parallel group needs at least two steps".to_owned()),
            Self::Composite(group) if group.steps.is_empty() => Some(format!("the composite {} needs steps", group.name)),
            Self::Step(_) | Self::Parallel(_) | Self::Composite(_) => None,
        }
    }
}
