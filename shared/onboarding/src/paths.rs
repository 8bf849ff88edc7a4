//! Every path that the conditions of a workflow allow.

use crate::{
    form::Kind,
    progress::applies,
    steps::{self, ConfiguredStep},
};
use carryout_workflow::{FormStep, FormWorkflow, StepSpec as _};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One path through a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Path<'w> {
    /// The attributes that conditions read, as known at its end.
    pub attributes: Map<String, Value>,
    /// Its steps.
    pub steps: Vec<&'w FormStep>,
}

impl Path<'_> {
    /// Whether a step is on it.
    pub fn has(&self, spec: &FormStep) -> bool {
        self.steps.iter().any(|step| step.entry_name() == spec.entry_name())
    }

    fn names(&self) -> Vec<&str> {
        self.steps.iter().map(|spec| spec.entry_name()).collect()
    }
}

/// The maximum number of combinations that are walked.
pub(crate) const MOST_PATHS: usize = 20_000;

/// Every path through a workflow: one for each combination of values that its conditions distinguish, without repetitions. `None` if there
/// are too many.
pub fn paths(workflow: &FormWorkflow) -> Option<Vec<Path<'_>>> {
    let read: BTreeSet<&str> =
        workflow.steps().filter_map(|spec| spec.when.as_ref()).flat_map(|condition| condition.attributes_used()).collect();
    let choices: Vec<(&str, Vec<Value>)> = read.into_iter().map(|name| (name, values_of(workflow, name))).collect();
    let combinations = choices.iter().try_fold(1_usize, |all, (_, values)| all.checked_mul(values.len()));
    let combinations = combinations.filter(|all| *all <= MOST_PATHS)?;
    let mut paths: Vec<Path<'_>> = Vec::new();
    for combination in 0..combinations {
        let mut rest = combination;
        let mut chosen = Map::new();
        for (name, values) in &choices {
            chosen.insert((*name).to_owned(), values[rest % values.len()].clone());
            rest /= values.len();
        }
        let path = walk(workflow, &chosen);
        if !paths.iter().any(|other| other.names() == path.names()) {
            paths.push(path);
        }
    }
    Some(paths)
}

/// The path of an applicant with the attributes `chosen`, each of which becomes known when its step is taken.
fn walk<'w>(workflow: &'w FormWorkflow, chosen: &Map<String, Value>) -> Path<'w> {
    let mut known: Map<String, Value> = chosen.clone();
    known.retain(|name, _| !configured(workflow).any(|step| provides(&step, name)));
    let mut taken = Vec::new();
    for stage in workflow.stages_with_finish() {
        let attributes = Value::Object(known.clone());
        let applicable: Vec<&FormStep> = stage.iter().filter(|spec| applies(spec, &attributes)).collect();
        for step in applicable.iter().filter_map(|spec| steps::configure(spec).ok()) {
            let provided = chosen.iter().filter(|(name, _)| provides(&step, name));
            known.extend(provided.map(|(name, value)| (name.clone(), value.clone())));
        }
        taken.extend(applicable);
    }
    Path { attributes: known, steps: taken }
}

fn configured(workflow: &FormWorkflow) -> impl Iterator<Item = ConfiguredStep> {
    workflow.steps().filter_map(|spec| steps::configure(spec).ok())
}

/// Whether a step collects or establishes an attribute.
fn provides(step: &ConfiguredStep, name: &str) -> bool {
    step.fields.iter().any(|field| field.name == name) || step.outputs.iter().any(|output| output.name == name)
}

/// The values of an attribute that conditions may distinguish.
fn values_of(workflow: &FormWorkflow, name: &str) -> Vec<Value> {
    for step in configured(workflow) {
        if let Some(output) = step.outputs.into_iter().find(|output| output.name == name) {
            return output.values;
        }
        match step.fields.into_iter().find(|field| field.name == name).map(|field| field.kind) {
            Some(Kind::Choice(choices)) => return choices.into_iter().map(Value::from).collect(),
            Some(Kind::Consent) => return vec![true.into()],
            Some(Kind::Text { .. } | Kind::Date | Kind::Document) | None => {}
        }
    }
    let mut values = vec![Value::Null, json!("any other value")];
    for condition in workflow.steps().filter_map(|spec| spec.when.as_ref()) {
        if condition.attributes_used().contains(name) {
            add_constants(condition.source(), &mut values);
        }
    }
    values.dedup();
    values
}

/// Adds the constants of a condition, and the numbers next to them.
fn add_constants(condition: &Value, values: &mut Vec<Value>) {
    match condition {
        Value::Object(members) => members.values().for_each(|member| add_constants(member, values)),
        Value::Array(elements) => elements.iter().for_each(|element| add_constants(element, values)),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            values.extend([number - 1.0, number, number + 1.0].map(Value::from));
        }
        other => values.push(other.clone()),
    }
}
