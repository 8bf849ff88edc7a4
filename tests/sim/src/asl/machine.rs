//! A machine, read once and then only run.

use super::path::{Path, ResultPath, Template};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A part of a machine that the interpreter does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not understood: {0}")]
pub struct NotUnderstood(pub String);

/// A state machine.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(super) start: String,
    pub(super) states: BTreeMap<String, State>,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Task(Task),
    Parallel { branches: Vec<Machine>, result: ResultPath, next: Option<String> },
    Choice { choices: Vec<(Path, Test, String)>, default: Option<String> },
    Pass { input: Option<Path>, output: Option<Template>, result: ResultPath, next: Option<String> },
    Succeed,
    Fail { error: String, cause: String },
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Equals(String),
    Present(bool),
}

#[derive(Debug, Clone)]
pub(super) struct Task {
    /// What the resource was substituted with.
    pub(super) function: String,
    /// Whether it waits for an answer to its token.
    pub(super) waits: bool,
    pub(super) payload: Template,
    pub(super) timeout_ms: i64,
    pub(super) retriers: Vec<Retrier>,
    pub(super) catchers: Vec<Catcher>,
    pub(super) result: ResultPath,
    pub(super) next: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Retrier {
    pub(super) error_equals: Vec<String>,
    pub(super) interval_seconds: f64,
    pub(super) backoff_rate: f64,
    pub(super) max_attempts: u32,
    pub(super) max_delay_seconds: f64,
    jitter_strategy: Jitter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Jitter {
    Full,
}

impl Retrier {
    /// The longest wait before retry `number` (from 0), milliseconds; the wait itself is drawn between nothing and it.
    pub(super) fn longest_wait_ms(&self, number: u32) -> i64 {
        debug_assert_eq!(self.jitter_strategy, Jitter::Full);
        let seconds = self.interval_seconds * self.backoff_rate.powi(number.cast_signed());
        (seconds.min(self.max_delay_seconds) * 1_000.0) as i64
    }
}

#[derive(Debug, Clone)]
pub(super) struct Catcher {
    pub(super) error_equals: Vec<String>,
    pub(super) result: ResultPath,
    pub(super) next: String,
}

// As it is written. Every field that is not named is refused.

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WrittenMachine {
    #[serde(default, rename = "Comment")]
    _comment: String,
    start_at: String,
    states: BTreeMap<String, WrittenState>,
}

#[derive(Deserialize)]
#[serde(tag = "Type", deny_unknown_fields)]
enum WrittenState {
    #[serde(rename_all = "PascalCase")]
    Task {
        resource: String,
        parameters: Value,
        timeout_seconds: i64,
        #[serde(default)]
        retry: Vec<Retrier>,
        #[serde(default)]
        catch: Vec<WrittenCatcher>,
        #[serde(default, deserialize_with = "given")]
        result_path: Option<Value>,
        next: Option<String>,
        #[serde(default)]
        end: bool,
    },
    #[serde(rename_all = "PascalCase")]
    Parallel {
        branches: Vec<WrittenMachine>,
        #[serde(default, deserialize_with = "given")]
        result_path: Option<Value>,
        next: Option<String>,
        #[serde(default)]
        end: bool,
    },
    #[serde(rename_all = "PascalCase")]
    Choice { choices: Vec<WrittenChoice>, default: Option<String> },
    #[serde(rename_all = "PascalCase")]
    Pass {
        input_path: Option<String>,
        parameters: Option<Value>,
        result: Option<Value>,
        #[serde(default, deserialize_with = "given")]
        result_path: Option<Value>,
        next: Option<String>,
        #[serde(default)]
        end: bool,
    },
    #[serde(rename_all = "PascalCase")]
    Succeed {
        #[serde(default, rename = "Comment")]
        _comment: String,
    },
    #[serde(rename_all = "PascalCase")]
    Fail { error: String, cause: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WrittenCatcher {
    error_equals: Vec<String>,
    #[serde(default, deserialize_with = "given")]
    result_path: Option<Value>,
    next: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WrittenChoice {
    variable: String,
    string_equals: Option<String>,
    is_present: Option<bool>,
    next: String,
}

/// A field that is there, be it null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

const WAITS_FOR_TOKEN: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";

impl Machine {
    /// Reads a machine. `substitute` gives what stands for a resource such as `${FunctionPrefix}-authorize-payment:${Alias}`.
    ///
    /// # Errors
    ///
    /// Where it has anything that the interpreter does not know, or leads nowhere.
    pub fn read(written: &Value, substitute: &dyn Fn(&str) -> Option<String>) -> Result<Self, NotUnderstood> {
        let written = WrittenMachine::deserialize(written).map_err(|error| NotUnderstood(error.to_string()))?;
        Self::of(written, substitute)
    }

    fn of(written: WrittenMachine, substitute: &dyn Fn(&str) -> Option<String>) -> Result<Self, NotUnderstood> {
        let mut states = BTreeMap::new();
        for (name, state) in written.states {
            let state = State::of(state, substitute).map_err(|NotUnderstood(what)| NotUnderstood(format!("{name}: {what}")))?;
            states.insert(name, state);
        }
        let machine = Self { start: written.start_at, states };
        let mut named = machine.states.values().flat_map(State::transitions).chain([machine.start.as_str()]);
        if let Some(missing) = named.find(|name| !machine.states.contains_key(*name)) {
            return Err(NotUnderstood(format!("a transition to {missing}, which is no state")));
        }
        drop(named);
        Ok(machine)
    }
}

impl State {
    fn of(written: WrittenState, substitute: &dyn Fn(&str) -> Option<String>) -> Result<Self, NotUnderstood> {
        Ok(match written {
            WrittenState::Task { resource, parameters, timeout_seconds, retry, catch, result_path, next, end } => {
                let waits = resource == WAITS_FOR_TOKEN;
                let (function, payload) = if waits {
                    (parameters["FunctionName"].as_str().unwrap_or_default(), &parameters["Payload"])
                } else {
                    (resource.as_str(), &parameters)
                };
                let function = substitute(function).ok_or_else(|| NotUnderstood(format!("the resource {function:?}")))?;
                let catcher = |written: WrittenCatcher| {
                    let result = ResultPath::parse(written.result_path.as_ref())?;
                    Ok(Catcher { error_equals: written.error_equals, result, next: written.next })
                };
                Self::Task(Task {
                    function,
                    waits,
                    payload: Template::parse(payload)?,
                    timeout_ms: timeout_seconds * 1_000,
                    retriers: retry,
                    catchers: catch.into_iter().map(catcher).collect::<Result<_, _>>()?,
                    result: ResultPath::parse(result_path.as_ref())?,
                    next: leads_to(next, end)?,
                })
            }
            WrittenState::Parallel { branches, result_path, next, end } => Self::Parallel {
                branches: branches.into_iter().map(|branch| Machine::of(branch, substitute)).collect::<Result<_, _>>()?,
                result: ResultPath::parse(result_path.as_ref())?,
                next: leads_to(next, end)?,
            },
            WrittenState::Choice { choices, default } => {
                let choice = |written: WrittenChoice| {
                    let test = match (written.string_equals, written.is_present) {
                        (Some(text), None) => Test::Equals(text),
                        (None, Some(present)) => Test::Present(present),
                        _ => return Err(NotUnderstood("a choice has one of StringEquals and IsPresent".to_owned())),
                    };
                    Ok((Path::parse(&written.variable)?, test, written.next))
                };
                Self::Choice { choices: choices.into_iter().map(choice).collect::<Result<_, _>>()?, default }
            }
            WrittenState::Pass { input_path, parameters, result, result_path, next, end } => {
                let output = match (result, parameters) {
                    (Some(result), None) => Some(Template::Literal(result)),
                    (None, Some(parameters)) => Some(Template::parse(&parameters)?),
                    (None, None) => None,
                    (Some(_), Some(_)) => return Err(NotUnderstood("both Result and Parameters".to_owned())),
                };
                Self::Pass {
                    input: input_path.as_deref().map(Path::parse).transpose()?,
                    output,
                    result: ResultPath::parse(result_path.as_ref())?,
                    next: leads_to(next, end)?,
                }
            }
            WrittenState::Succeed { .. } => Self::Succeed,
            WrittenState::Fail { error, cause } => Self::Fail { error, cause },
        })
    }

    /// Every name that a transition leads to.
    fn transitions(&self) -> Vec<&str> {
        let (next, others): (Option<&String>, Vec<&str>) = match self {
            Self::Task(task) => (task.next.as_ref(), task.catchers.iter().map(|catcher| catcher.next.as_str()).collect()),
            Self::Parallel { next, .. } | Self::Pass { next, .. } => (next.as_ref(), Vec::new()),
            Self::Choice { choices, default } => (default.as_ref(), choices.iter().map(|(.., next)| next.as_str()).collect()),
            Self::Succeed | Self::Fail { .. } => (None, Vec::new()),
        };
        others.into_iter().chain(next.map(String::as_str)).collect()
    }
}

/// The next state; nothing where the machine ends.
fn leads_to(next: Option<String>, end: bool) -> Result<Option<String>, NotUnderstood> {
    if next.is_some() == end { Err(NotUnderstood("a state has one of Next and End".to_owned())) } else { Ok(next) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(states: Value) -> Result<Machine, NotUnderstood> {
        let machine = json!({ "StartAt": "a", "States": states });
        Machine::read(&machine, &|resource| (resource == "${A}").then(|| "a".to_owned()))
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let task = |field: &str, value: Value| {
            let mut task = json!({ "Type": "Task", "Resource": "${A}", "Parameters": {}, "TimeoutSeconds": 1, "End": true });
            task[field] = value;
            read(json!({ "a": task }))
        };
        assert!(task("Comment", json!("x")).is_err(), "a field");
        assert!(task("HeartbeatSeconds", json!(1)).is_err(), "a field");
        assert!(task("Resource", json!("${B}")).is_err(), "a resource");
        assert!(task("Next", json!("a")).is_err(), "Next and End");
        assert!(task("Retry", json!([{ "ErrorEquals": ["E"] }])).is_err(), "a retrier that leaves much to defaults");
        assert!(task("TimeoutSeconds", json!(2)).is_ok());
        assert!(read(json!({ "a": { "Type": "Map", "End": true } })).is_err(), "a type");
        assert!(read(json!({ "a": { "Type": "Pass", "Next": "b" } })).is_err(), "a transition");
        assert!(read(json!({ "b": { "Type": "Pass", "End": true } })).is_err(), "the start");
        assert!(
            read(json!({ "a": { "Type": "Choice", "Choices": [{ "Variable": "$.a", "NumericEquals": 1, "Next": "a" }] } }))
                .is_err()
        );
        assert!(read(json!({ "a": { "Type": "Pass", "Parameters": { "x.$": "States.UUID()" }, "End": true } })).is_err());
    }

    #[test]
    fn waits_grow_and_are_capped() {
        let retrier = json!({
            "ErrorEquals": ["E"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 6, "MaxDelaySeconds": 20, "JitterStrategy": "FULL",
        });
        let retrier: Retrier = serde_json::from_value(retrier).unwrap();
        assert_eq!([0, 1, 4, 5, 60].map(|n| retrier.longest_wait_ms(n)), [1_000, 2_000, 16_000, 20_000, 20_000]);
    }
}
