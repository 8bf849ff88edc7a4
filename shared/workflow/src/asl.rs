//! The saga compiler: a workflow definition becomes an Amazon States Language machine.
//!
//! The machine has one forward chain and one undo chain. A step that fails for good leads to the undo of *that* step,
//! whose outcome may be unknown, then of those before it. In a parallel group each step catches into the end of its
//! own branch, so that all branches finish before the undo begins. A first choice on the direction lets a later run
//! of the same subject resume where it was going.
//!
//! Only JSONPath, `Task`, `Parallel`, `Choice`, `Pass`, `Succeed` and `Fail` are used: the subset that AWS and the
//! emulators agree on.

use crate::{Composite, InvalidWorkflow, RetryClass, Stage, StepSpec, Workflow, run};
use serde_json::{Map, Value, json};

/// Errors of the Lambda service or of a killed process: nothing is known about the step, so it is tried again.
const LAMBDA_ERRORS: &[&str] = &[
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
];

const DIRECTION: &str = "which-direction";
const FAIL: &str = "close-as-failed";
const PARK: &str = "park";
const SUPERSEDED: &str = "superseded";
const FAILED: &str = "failed-clean";
const PARKED: &str = "parked";

/// The key under which a state machine's template substitutes the ARN of `step`'s function: `AuthorizePaymentArn`.
pub fn function_arn_key(step: &str) -> String {
    let mut key: String = step.split('-').map(capitalised).collect();
    key.push_str("Arn");
    key
}

/// Compiles a definition.
///
/// `retryable` gives the codes of a step's own errors after which it may be tried again; what every step and the
/// Lambda service can end with is added here. Task resources are `${…Arn}` substitutions, see [`function_arn_key`].
///
/// # Errors
///
/// Where [`Workflow::validate_for_compiler`] finds something.
pub fn compile(workflow: &Workflow, retryable: impl Fn(&str) -> Vec<&'static str>) -> Result<Value, InvalidWorkflow> {
    workflow.validate_for_compiler()?;
    let compiler = Compiler { workflow, retryable: &retryable };
    let mut states = Map::new();
    states.insert(DIRECTION.into(), compiler.direction_choice());
    compiler.forward_chain(&mut states);
    compiler.undo_chain(&mut states);
    Ok(json!({
        "Comment": format!("{} Generated from the workflow definition by `make statemachines`.", workflow.purpose),
        "StartAt": DIRECTION,
        "States": states,
    }))
}

struct Compiler<'a> {
    workflow: &'a Workflow,
    retryable: &'a dyn Fn(&str) -> Vec<&'static str>,
}

impl Compiler<'_> {
    fn direction_choice(&self) -> Value {
        json!({
            "Type": "Choice",
            "Choices": [{ "Variable": "$.direction", "StringEquals": "UNDO", "Next": self.newest_undo() }],
            "Default": entry_state(self.workflow.stages.first(), self.workflow),
        })
    }

    fn forward_chain(&self, states: &mut Map<String, Value>) {
        let stages = &self.workflow.stages;
        for (index, stage) in stages.iter().enumerate() {
            let next = entry_state(stages.get(index + 1), self.workflow);
            match stage {
                Stage::Step(spec) => self.single_step(spec, &next, states),
                Stage::Parallel(specs) | Stage::Composite(Composite { steps: specs, .. }) => self.parallel_group(specs, &next, states),
            }
        }
        let finish = &self.workflow.finish;
        let mut state = self.task(finish, "process", false);
        state.insert("ResultPath".into(), Value::Null);
        state.insert("Catch".into(), catch(&self.newest_undo()));
        state.insert("End".into(), true.into());
        states.insert(finish.step.clone(), state.into());
    }

    fn single_step(&self, spec: &StepSpec, next: &str, states: &mut Map<String, Value>) {
        let mut state = self.task(spec, "process", false);
        state.insert("ResultPath".into(), Value::Null);
        let undo = self.undo_from(&spec.step);
        if let Some(wait) = &spec.wait {
            let silent = format!("{}-silent", spec.step);
            let mut catchers = vec![json!({ "ErrorEquals": ["States.Timeout"], "ResultPath": "$.failure", "Next": silent })];
            catchers.extend(catch(&undo).as_array().cloned().unwrap_or_default());
            state.insert("Catch".into(), catchers.into());
            states.insert(
                silent,
                json!({
                    "Type": "Pass",
                    "Result": { "Error": wait.silence, "Cause": wait.message },
                    "ResultPath": "$.failure",
                    "Next": undo,
                }),
            );
        } else {
            state.insert("Catch".into(), catch(&undo));
        }
        state.insert("Next".into(), next.into());
        states.insert(spec.step.clone(), state.into());
    }

    fn parallel_group(&self, specs: &[StepSpec], next: &str, states: &mut Map<String, Value>) {
        let name = group_name(specs);
        let branches: Vec<Value> = specs.iter().map(|spec| self.branch(spec)).collect();
        let joined = format!("{name}-joined");
        states.insert(
            name.clone(),
            json!({ "Type": "Parallel", "Branches": branches, "ResultPath": "$.branches", "Next": joined }),
        );
        let failed = |index: usize| format!("$.branches[{index}].failure");
        let choices: Vec<Value> = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| json!({ "Variable": failed(index), "IsPresent": true, "Next": format!("{}-failed", spec.step) }))
            .collect();
        states.insert(joined, json!({ "Type": "Choice", "Choices": choices, "Default": next }));
        // Every member of the group may have had its effect, so the undo begins at the newest of them.
        let undo = specs.last().map_or_else(|| FAIL.to_owned(), |last| self.undo_from(&last.step));
        for (index, spec) in specs.iter().enumerate() {
            states.insert(
                format!("{}-failed", spec.step),
                json!({
                    "Type": "Choice",
                    "Choices": [{ "Variable": format!("{}.Error", failed(index)), "StringEquals": run::RUN_SUPERSEDED.name, "Next": SUPERSEDED }],
                    "Default": format!("{}-reason", spec.step),
                }),
            );
            states.insert(
                format!("{}-reason", spec.step),
                json!({ "Type": "Pass", "InputPath": failed(index), "ResultPath": "$.failure", "Next": undo }),
            );
        }
    }

    fn branch(&self, spec: &StepSpec) -> Value {
        let caught = format!("{}-caught", spec.step);
        let mut state = self.task(spec, "process", false);
        state.insert("Catch".into(), json!([{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": caught }]));
        state.insert("End".into(), true.into());
        json!({
            "StartAt": spec.step,
            "States": {
                &spec.step: state,
                caught: { "Type": "Pass", "Parameters": { "failure.$": "$.failure" }, "End": true },
            },
        })
    }

    fn undo_chain(&self, states: &mut Map<String, Value>) {
        let order = self.workflow.undo_order();
        for (index, spec) in order.iter().enumerate() {
            let next = order.get(index + 1).map_or_else(|| FAIL.to_owned(), |older| undo_state(&older.step));
            let mut state = self.task(spec, "undo", true);
            state.insert("ResultPath".into(), Value::Null);
            state.insert("Catch".into(), catch_undo());
            state.insert("Next".into(), next.into());
            states.insert(undo_state(&spec.step), state.into());
        }
        let finish = &self.workflow.finish;
        for (name, action, end) in [(FAIL, "fail", FAILED), (PARK, "park", PARKED)] {
            let mut state = self.task(finish, action, true);
            state.insert("ResultPath".into(), Value::Null);
            if action == "fail" {
                state.insert("Catch".into(), catch_undo());
            }
            state.insert("Next".into(), end.into());
            states.insert(name.into(), state.into());
        }
        states.insert(FAILED.into(), json!({ "Type": "Succeed", "Comment": "It failed, and every effect is undone." }));
        states.insert(
            PARKED.into(),
            json!({ "Type": "Fail", "Error": "Order.Parked", "Cause": "An undo could not be finished. An operator was paged and can redrive it." }),
        );
        states.insert(
            SUPERSEDED.into(),
            json!({ "Type": "Succeed", "Comment": "A newer run has taken over; this one does nothing more." }),
        );
    }

    /// A task state without its transitions.
    fn task(&self, spec: &StepSpec, action: &str, undoing: bool) -> Map<String, Value> {
        let mut payload = json!({
            "action": action,
            "id.$": "$.id",
            "run.$": "$.run",
            "correlation_id.$": "$.correlation_id",
            "facts.$": "$.facts",
        });
        match action {
            "process" => {}
            "park" => payload["failure.$"] = "$.undo_failure".into(),
            _ => payload["failure.$"] = "$.failure".into(),
        }
        let function = format!("${{{}}}", function_arn_key(&spec.step));
        let waiting = (action == "process").then_some(spec.wait.as_ref()).flatten();
        let mut state = Map::new();
        state.insert("Type".into(), "Task".into());
        if let Some(wait) = waiting {
            payload["task_token.$"] = "$$.Task.Token".into();
            state.insert("Resource".into(), "arn:aws:states:::lambda:invoke.waitForTaskToken".into());
            state.insert("Parameters".into(), json!({ "FunctionName": function, "Payload": payload }));
            state.insert("TimeoutSeconds".into(), wait.timeout_seconds.into());
        } else {
            state.insert("Resource".into(), function.into());
            state.insert("Parameters".into(), payload);
            state.insert("TimeoutSeconds".into(), spec.timeout_seconds.into());
        }
        let class = match action {
            "park" => RetryClass::Park,
            _ if undoing => RetryClass::Undo,
            _ => spec.retry,
        };
        state.insert("Retry".into(), json!([self.retry(spec, class, waiting.is_some())]));
        state
    }

    fn retry(&self, spec: &StepSpec, class: RetryClass, waiting: bool) -> Value {
        let (interval, rate, attempts, cap) = class.policy();
        let mut errors = (self.retryable)(&spec.step);
        errors.extend(run::CODES.iter().filter(|code| code.class.may_retry()).map(|code| code.name));
        errors.extend(LAMBDA_ERRORS);
        if !waiting {
            // Where a step waits for an answer, its timeout is the answer.
            errors.push("States.Timeout");
        }
        json!({
            "ErrorEquals": errors,
            "IntervalSeconds": interval,
            "BackoffRate": rate,
            "MaxAttempts": attempts,
            "MaxDelaySeconds": cap,
            "JitterStrategy": "FULL",
        })
    }

    fn newest_undo(&self) -> String {
        self.workflow.undo_order().first().map_or_else(|| FAIL.to_owned(), |newest| undo_state(&newest.step))
    }

    /// Where the undo begins when `step` has failed: with its own undo, or with that of the nearest step before it.
    fn undo_from(&self, step: &str) -> String {
        let mut begun: Vec<&StepSpec> = Vec::new();
        for stage in &self.workflow.stages {
            begun.extend(stage.steps());
            if stage.steps().iter().any(|spec| spec.step == step) {
                break;
            }
        }
        begun.iter().rev().find(|spec| spec.undo).map_or_else(|| FAIL.to_owned(), |spec| undo_state(&spec.step))
    }
}

fn catch(undo: &str) -> Value {
    json!([
        { "ErrorEquals": [run::RUN_SUPERSEDED.name], "ResultPath": "$.failure", "Next": SUPERSEDED },
        { "ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": undo },
    ])
}

fn catch_undo() -> Value {
    json!([
        { "ErrorEquals": [run::RUN_SUPERSEDED.name], "ResultPath": "$.undo_failure", "Next": SUPERSEDED },
        { "ErrorEquals": ["States.ALL"], "ResultPath": "$.undo_failure", "Next": PARK },
    ])
}

fn entry_state(stage: Option<&Stage>, workflow: &Workflow) -> String {
    match stage {
        None => workflow.finish.step.clone(),
        Some(Stage::Step(spec)) => spec.step.clone(),
        Some(Stage::Parallel(specs) | Stage::Composite(Composite { steps: specs, .. })) => group_name(specs),
    }
}

fn group_name(specs: &[StepSpec]) -> String {
    specs.iter().map(|spec| spec.step.as_str()).collect::<Vec<_>>().join("-and-")
}

fn undo_state(step: &str) -> String {
    format!("undo-{step}")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
