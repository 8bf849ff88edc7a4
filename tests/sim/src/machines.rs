//! The state machines that the simulation runs, and what becomes of them without a guard.

use crate::adapters::Guard;
use crate::asl::Machine;
use anyhow::{Context as _, Result, anyhow};
use carryout_checkout::workflows::orchestrator;
use carryout_workflow::{Orchestrator, Workflow, function_resource};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

/// The state machines as they are checked in, read once.
pub struct Machines {
    /// Which market has which.
    pub orchestrator: Orchestrator,
    read: BTreeMap<(String, Option<&'static str>), Arc<Machine>>,
}

/// Changes that take a guard away, by name.
type Change = (&'static str, fn(&mut Value));

const CHANGES: [Change; 4] = [
    (Guard::FailedStepFirst.name(), without_undo_of_the_failed_step),
    (Guard::WholeChain.name(), with_one_undo),
    (Guard::Parking.name(), without_parking),
    (Guard::Retries.name(), without_retries),
];

impl Machines {
    /// Reads `statemachines/*.asl.json`.
    ///
    /// # Errors
    ///
    /// Where a file is not there, or holds what the interpreter does not know.
    pub fn checked_in() -> Result<Self> {
        let orchestrator = orchestrator();
        let mut read = BTreeMap::new();
        for workflow in orchestrator.workflows() {
            let file = format!("{}.asl.json", workflow.name);
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachines").join(&file);
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let written: Value = serde_json::from_str(&text).with_context(|| format!("{file} is no JSON"))?;
            let machine =
                Machine::read(&written, &|resource| function(workflow, resource)).map_err(|error| anyhow!("{file}: {error}"))?;
            read.insert((workflow.name.clone(), None), Arc::new(machine));
            for (name, change) in CHANGES {
                let mut written = written.clone();
                change(&mut written);
                let machine = Machine::read(&written, &|resource| function(workflow, resource))
                    .map_err(|error| anyhow!("{file} without {name}: {error}"))?;
                read.insert((workflow.name.clone(), Some(name)), Arc::new(machine));
            }
        }
        Ok(Self { orchestrator, read })
    }

    /// The machine of a workflow, maybe without a guard.
    pub fn get(&self, workflow: &str, missing: Option<Guard>) -> Option<Arc<Machine>> {
        let change = missing.map(Guard::name).filter(|guard| CHANGES.iter().any(|(name, _)| name == guard));
        self.read.get(&(workflow.to_owned(), change)).cloned()
    }
}

/// The step whose function a resource names.
fn function(workflow: &Workflow, resource: &str) -> Option<String> {
    let named = |step: &str| resource == function_resource(step);
    workflow.steps().find(|spec| named(&spec.step)).map(|spec| spec.step.clone())
}

/// The state that follows the undo of a step.
fn after_undo(machine: &Value, undo: &str) -> Value {
    machine["States"][undo]["Next"].clone()
}

/// A step that fails leads past its own undo.
fn without_undo_of_the_failed_step(machine: &mut Value) {
    let original = machine.clone();
    let states = machine.get_mut("States").and_then(Value::as_object_mut).into_iter().flatten();
    for (name, state) in states.filter(|(name, _)| !name.starts_with("undo-")) {
        let own = format!("undo-{name}");
        for catcher in state.get_mut("Catch").and_then(Value::as_array_mut).into_iter().flatten() {
            if catcher["Next"] == own {
                catcher["Next"] = after_undo(&original, &own);
            }
        }
    }
}

/// After the first undo the order is closed.
fn with_one_undo(machine: &mut Value) {
    let states = machine.get_mut("States").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, state) in states.filter(|(name, _)| name.starts_with("undo-")) {
        state["Next"] = json!("close-as-failed");
    }
}

/// An undo that fails is passed over.
fn without_parking(machine: &mut Value) {
    let states = machine.get_mut("States").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, state) in states.filter(|(name, _)| name.starts_with("undo-")) {
        let next = state["Next"].clone();
        for catcher in state.get_mut("Catch").and_then(Value::as_array_mut).into_iter().flatten() {
            if catcher["Next"] == "park" {
                catcher["Next"] = next.clone();
            }
        }
    }
}

/// Everything is tried once.
fn without_retries(level: &mut Value) {
    for (_, state) in level.get_mut("States").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(state) = state.as_object_mut() {
            state.remove("Retry");
            for branch in state.get_mut("Branches").and_then(Value::as_array_mut).into_iter().flatten() {
                without_retries(branch);
            }
        }
    }
}
