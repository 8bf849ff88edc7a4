//! The differences between two workflows.

use crate::graph;
use carryout_workflow::{Composite, FormStage, FormStep, FormWorkflow, Stage as _, StepSpec as _};
use serde::Serialize;
use std::fmt;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum DefinitionDifference {
    /// Only the second workflow has the step.
    Added {
        /// The step, in one line.
        step: String,
    },
    /// Only the first workflow has the step.
    Removed {
        /// The step, in one line.
        step: String,
    },
    /// The step has another position among the common steps.
    Moved {
        /// The step.
        step: String,
        /// The common step before it in the first workflow; `None` if it comes first.
        behind: Option<String>,
        /// The common step before it in the second workflow.
        behind_now: Option<String>,
    },
    /// Members of the step differ.
    Changed {
        /// The step.
        step: String,
        /// The members, with both values.
        what: Vec<String>,
    },
}

impl fmt::Display for DefinitionDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |behind: &Option<String>| behind.as_ref().map_or("first".to_owned(), |behind| format!("behind {behind}"));
        match self {
            Self::Added { step } => write!(f, "+ {step}"),
            Self::Removed { step } => write!(f, "- {step}"),
            Self::Moved { step, behind, behind_now } => write!(f, "~ {step}: {}, was {}", place(behind_now), place(behind)),
            Self::Changed { step, what } => write!(f, "~ {step}: {}", what.join("; ")),
        }
    }
}

/// The differences of `second` from `first`.
pub fn diff(first: &FormWorkflow, second: &FormWorkflow) -> Vec<DefinitionDifference> {
    let mut differences = Vec::new();
    for spec in first.steps().filter(|spec| second.step(spec.entry_name()).is_none()) {
        differences.push(DefinitionDifference::Removed { step: graph::line(spec) });
    }
    for spec in second.steps().filter(|spec| first.step(spec.entry_name()).is_none()) {
        differences.push(DefinitionDifference::Added { step: graph::line(spec) });
    }
    let common = |workflow: &FormWorkflow, other: &FormWorkflow| -> Vec<String> {
        workflow.steps().map(FormStep::entry_name).filter(|name| other.step(name).is_some()).map(str::to_owned).collect()
    };
    let (before, after) = (common(first, second), common(second, first));
    let kept = longest_common(&before, &after);
    for name in after.iter().filter(|name| !kept.contains(name)) {
        let behind = |names: &[String]| {
            let at = names.iter().position(|other| other == name).unwrap_or_default();
            at.checked_sub(1).and_then(|before| names.get(before)).cloned()
        };
        differences.push(DefinitionDifference::Moved { step: name.clone(), behind: behind(&before), behind_now: behind(&after) });
    }
    for name in &after {
        if let (Some(old), Some(new)) = (first.step(name), second.step(name)) {
            let what = changes(old, new, group_of(first, name), group_of(second, name));
            if !what.is_empty() {
                differences.push(DefinitionDifference::Changed { step: name.clone(), what });
            }
        }
    }
    differences
}

fn changes(old: &FormStep, new: &FormStep, old_group: Option<String>, new_group: Option<String>) -> Vec<String> {
    let mut what = Vec::new();
    let mut compare = |name: &str, old: String, new: String| {
        if old != new {
            what.push(format!("{name} {old} -> {new}"));
        }
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    compare("step", old.step.clone(), new.step.clone());
    compare("version", old.version.to_string(), new.version.to_string());
    compare("group", or_none(old_group), or_none(new_group));
    compare("optional", old.optional.to_string(), new.optional.to_string());
    let condition = |spec: &FormStep| or_none(spec.when.as_ref().map(|condition| condition.source().to_string()));
    compare("condition", condition(old), condition(new));
    let wait = |spec: &FormStep| or_none(spec.wait.as_ref().map(|wait| format!("{} s", wait.timeout_seconds)));
    compare("wait", wait(old), wait(new));
    for key in old.settings.keys().chain(new.settings.keys().filter(|key| !old.settings.contains_key(*key))) {
        let setting = |spec: &FormStep| or_none(spec.settings.get(key).map(ToString::to_string));
        compare(key, setting(old), setting(new));
    }
    what
}

/// The group of a step: the composite's name, or that it is parallel to others.
fn group_of(workflow: &FormWorkflow, name: &str) -> Option<String> {
    let stage = workflow.stages.iter().find(|stage| stage.steps().iter().any(|spec| spec.entry_name() == name))?;
    match stage {
        FormStage::Step(_) => None,
        FormStage::Composite(Composite { name, .. }) => Some(name.clone()),
        FormStage::Parallel(_) => Some("side by side".to_owned()),
    }
}

/// A longest common subsequence.
fn longest_common<'a>(first: &'a [String], second: &[String]) -> Vec<&'a String> {
    let mut lengths = vec![vec![0_usize; second.len() + 1]; first.len() + 1];
    for i in (0..first.len()).rev() {
        for j in (0..second.len()).rev() {
            lengths[i][j] =
                if first[i] == second[j] { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while i < first.len() && j < second.len() {
        if first[i] == second[j] {
            common.push(&first[i]);
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    common
}
