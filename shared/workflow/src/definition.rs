//! The part that all workflow definitions have in common: a name, a version, and stages of steps. What a step is and how stages are
//! built differs by executor: see [`saga`](crate::saga) and [`form`](crate::form).

use crate::saga::SagaStage;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, fmt::Debug};

/// An ordered list of stages, as data. It says what happens in which order, and nothing about how.
///
/// Without a parameter it is a saga; [`FormWorkflow`](crate::FormWorkflow) is the other kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Workflow<S: Stage = SagaStage> {
    /// Lower-case words joined by dashes. The name of a saga's state machine ends with it.
    pub name: String,
    /// Counts the revisions under this name. A subject stays at the version that it began with.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    /// One sentence for people: who it is for and what is special about it.
    pub purpose: String,
    /// The stages, first to last.
    pub stages: Vec<S>,
    /// The step that ends the workflow.
    pub finish: S::Step,
}

/// One stage of a workflow: a single step, or several that must all end before the next stage begins.
pub trait Stage: Debug + Clone + PartialEq + Serialize + DeserializeOwned {
    /// How this kind of workflow describes a step.
    type Step: StepSpec;

    /// The steps of this stage.
    fn steps(&self) -> &[Self::Step];

    /// The name of the group, where groups have names. It is unique among the names of steps and groups.
    fn group_name(&self) -> Option<&str> {
        None
    }

    /// What is wrong with the grouping, where something is.
    fn problem(&self) -> Option<String>;
}

/// How a workflow describes one of its steps.
pub trait StepSpec: Debug + Clone + PartialEq + Serialize + DeserializeOwned {
    /// The step's name: `authorize-payment`.
    fn step(&self) -> &str;

    /// The name of its entry in the status map: that of the instance where instances have names, else the step's.
    fn entry_name(&self) -> &str {
        self.step()
    }

    /// What is wrong with this description, where something is.
    fn problem(&self) -> Option<String>;

    /// What keeps this step from ending a workflow, where something does.
    fn finish_problem(&self) -> Option<String>;
}

/// Why a definition can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("workflow {workflow}: {problem}")]
pub struct InvalidWorkflow {
    /// The workflow's name.
    pub workflow: String,
    /// What is wrong with it.
    pub problem: String,
}

impl<S: Stage> Workflow<S> {
    /// Every step, the finish included, in the order of their stages.
    pub fn steps(&self) -> impl Iterator<Item = &S::Step> {
        self.stages_with_finish().flatten()
    }

    /// The steps of each stage, first to last; the finish is the last stage.
    pub fn stages_with_finish(&self) -> impl Iterator<Item = &[S::Step]> {
        self.stages.iter().map(S::steps).chain([std::slice::from_ref(&self.finish)])
    }

    /// The step whose entry has this name.
    pub fn step(&self, entry_name: &str) -> Option<&S::Step> {
        self.steps().find(|spec| spec.entry_name() == entry_name)
    }

    /// Checks what the types can't: names, one entry per step, real groups, timeouts.
    ///
    /// # Errors
    ///
    /// The first problem found.
    pub fn validate(&self) -> Result<(), InvalidWorkflow> {
        self.problem().map_or(Ok(()), |problem| Err(InvalidWorkflow { workflow: self.name.clone(), problem }))
    }

    fn problem(&self) -> Option<String> {
        let mut names = BTreeSet::new();
        for spec in self.steps() {
            if let Some(name) = [spec.step(), spec.entry_name()].into_iter().find(|name| !is_name(name)) {
                return Some(format!("step {name:?} must be lower-case words joined by dashes"));
            }
            let name = spec.entry_name();
            if !names.insert(name) {
                return Some(format!("step {name} occurs twice; the status map has one entry per step, so name each instance"));
            }
            if let Some(problem) = spec.problem() {
                return Some(problem);
            }
        }
        if self.stages.is_empty() {
            return Some("it has no stage".to_owned());
        }
        for stage in &self.stages {
            if let Some(name) = stage.group_name().filter(|name| !is_name(name) || !names.insert(name)) {
                return Some(format!("group {name:?} needs a unique name of lower-case words joined by dashes"));
            }
            if let Some(problem) = stage.problem() {
                return Some(problem);
            }
        }
        self.finish.finish_problem()
    }
}

/// Whether a text is lower-case words joined by dashes.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.split('-').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()))
}

pub(crate) const fn first() -> u32 {
    1
}

pub(crate) const fn is_first(version: &u32) -> bool {
    *version == 1
}

pub(crate) const fn is_false(value: &bool) -> bool {
    !*value
}
