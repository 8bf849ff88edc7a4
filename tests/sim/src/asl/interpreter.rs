//! Runs a machine, as Step Functions would, against whatever calls functions and spends time for it.

use super::machine::{Catcher, Machine, Retrier, State, Task, Test};
use super::path::ResultPath;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Either, select, try_join_all},
};
use serde_json::{Value, json};

/// An error that a state raised: Step Functions' `Error` and `Cause`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// The error's name.
    pub error: String,
    /// What happened.
    pub cause: String,
}

impl Raised {
    /// An error of this name.
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { error: error.into(), cause: cause.into() }
    }

    /// What a machine itself does wrong. Nothing catches it.
    fn runtime(cause: impl Into<String>) -> Self {
        Self::new("States.Runtime", cause)
    }
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// With this output.
    Succeeded(Value),
    /// With this error.
    Failed(Raised),
}

/// What a machine needs of the world.
pub trait Platform: Send + Sync {
    /// Calls a function and gives its answer.
    fn invoke<'a>(&'a self, function: &'a str, payload: Value) -> BoxFuture<'a, Result<Value, Raised>>;

    /// A token that nobody else has.
    fn token(&self) -> String;

    /// Calls a function, then waits for the answer to this token; fails with the function.
    fn invoke_and_wait<'a>(&'a self, function: &'a str, payload: Value, token: &'a str) -> BoxFuture<'a, Result<Value, Raised>>;

    /// Lets `ms` milliseconds pass.
    fn sleep(&self, ms: i64) -> BoxFuture<'static, ()>;

    /// A time from nothing to `longest_ms`, each as likely: full jitter.
    fn jitter(&self, longest_ms: i64) -> i64;

    /// A state is entered.
    fn entered(&self, state: &str);
}

/// Runs `machine` with `input` to its end.
pub async fn run(machine: &Machine, input: Value, platform: &dyn Platform) -> Ended {
    match run_states(machine, input, platform).await {
        Ok(output) => Ended::Succeeded(output),
        Err(raised) => Ended::Failed(raised),
    }
}

/// One level: the machine itself, or a branch of a parallel state.
fn run_states<'a>(machine: &'a Machine, input: Value, platform: &'a dyn Platform) -> BoxFuture<'a, Result<Value, Raised>> {
    async move {
        let (mut name, mut value) = (machine.start.as_str(), input);
        loop {
            platform.entered(name);
            let state = machine.states.get(name).ok_or_else(|| Raised::runtime(format!("there is no state {name}")))?;
            let next = match state {
                State::Succeed => return Ok(value),
                State::Fail { error, cause } => return Err(Raised::new(error, cause)),
                State::Choice { choices, default } => {
                    let mut chosen = default.as_deref();
                    for (path, test, next) in choices {
                        let found = path.find(&value, &Value::Null);
                        let holds = match test {
                            Test::Present(present) => found.is_some() == *present,
                            Test::Equals(text) => {
                                found.ok_or_else(|| Raised::runtime(format!("{name}: the variable is not there")))?.as_str()
                                    == Some(text)
                            }
                        };
                        if holds {
                            chosen = Some(next);
                            break;
                        }
                    }
                    Some(chosen.ok_or_else(|| Raised::new("States.NoChoiceMatched", name))?)
                }
                State::Pass { input, output, result, next } => {
                    let missing = || Raised::runtime(format!("{name}: a path leads nowhere"));
                    let given = match input {
                        Some(path) => path.find(&value, &Value::Null).ok_or_else(missing)?.clone(),
                        None => value.clone(),
                    };
                    let made = match output {
                        Some(template) => template.fill(&given, &Value::Null).ok_or_else(missing)?,
                        None => given,
                    };
                    value = place(result, value, made)?;
                    next.as_deref()
                }
                State::Parallel { branches, result, next } => {
                    let branches = branches.iter().map(|branch| run_states(branch, value.clone(), platform));
                    let outputs = try_join_all(branches).await?;
                    value = place(result, value, Value::Array(outputs))?;
                    next.as_deref()
                }
                State::Task(task) => match with_retries(name, task, &value, platform).await {
                    Ok(output) => {
                        value = place(&task.result, value, output)?;
                        task.next.as_deref()
                    }
                    Err(raised) => {
                        let catcher = task.catchers.iter().find(|catcher| catches(&catcher.error_equals, &raised.error));
                        let Some(Catcher { result, next, .. }) = catcher else { return Err(raised) };
                        value = place(result, value, json!({ "Error": raised.error, "Cause": raised.cause }))?;
                        Some(next.as_str())
                    }
                },
            };
            match next {
                Some(next) => name = next,
                None => return Ok(value),
            }
        }
    }
    .boxed()
}

fn place(path: &ResultPath, input: Value, result: Value) -> Result<Value, Raised> {
    path.place(input, result).ok_or_else(|| Raised::new("States.ResultPathMatchFailure", "the input has no place for the result"))
}

/// A task with its retries. Each retrier counts for itself.
async fn with_retries(name: &str, task: &Task, input: &Value, platform: &dyn Platform) -> Result<Value, Raised> {
    let mut retried = vec![0; task.retriers.len()];
    loop {
        let raised = match attempt(name, task, input, platform).await {
            Ok(output) => return Ok(output),
            Err(raised) => raised,
        };
        let fits = |(retrier, _): &(&Retrier, &mut u32)| catches(&retrier.error_equals, &raised.error);
        match task.retriers.iter().zip(&mut retried).find(fits) {
            Some((retrier, number)) if *number < retrier.max_attempts => {
                let wait = platform.jitter(retrier.longest_wait_ms(*number));
                *number += 1;
                platform.sleep(wait).await;
            }
            _ => return Err(raised),
        }
    }
}

async fn attempt(name: &str, task: &Task, input: &Value, platform: &dyn Platform) -> Result<Value, Raised> {
    let token = if task.waits { platform.token() } else { String::new() };
    let context = json!({ "Task": { "Token": token } });
    let payload = task.payload.fill(input, &context);
    let payload = payload.ok_or_else(|| Raised::new("States.ParameterPathFailure", format!("{name}: a path leads nowhere")))?;
    let work = match task.waits {
        true => platform.invoke_and_wait(&task.function, payload, &token),
        false => platform.invoke(&task.function, payload),
    };
    match select(work, platform.sleep(task.timeout_ms)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Raised::new("States.Timeout", "")),
    }
}

/// Whether a list of error names covers this one. `States.ALL` covers all but what the machine itself does wrong.
fn catches(names: &[String], error: &str) -> bool {
    names.iter().any(|name| name == error || (name == "States.ALL" && error != "States.Runtime"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    /// Functions that answer from a script, and a clock that only counts.
    #[derive(Default)]
    struct Script {
        answers: Mutex<BTreeMap<String, Vec<Result<Value, Raised>>>>,
        called: Mutex<Vec<(String, Value)>>,
        entered: Mutex<Vec<String>>,
        slept: Mutex<Vec<i64>>,
    }

    impl Platform for Script {
        fn invoke<'a>(&'a self, function: &'a str, payload: Value) -> BoxFuture<'a, Result<Value, Raised>> {
            self.called.lock().unwrap().push((function.to_owned(), payload));
            let answer = self.answers.lock().unwrap().get_mut(function).and_then(Vec::pop);
            async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
            .boxed()
        }

        fn token(&self) -> String {
            format!("token-{}", self.called.lock().unwrap().len())
        }

        fn invoke_and_wait<'a>(&'a self, function: &'a str, payload: Value, _: &'a str) -> BoxFuture<'a, Result<Value, Raised>> {
            self.invoke(function, payload)
        }

        fn sleep(&self, ms: i64) -> BoxFuture<'static, ()> {
            self.slept.lock().unwrap().push(ms);
            async {}.boxed()
        }

        fn jitter(&self, longest_ms: i64) -> i64 {
            longest_ms
        }

        fn entered(&self, state: &str) {
            self.entered.lock().unwrap().push(state.to_owned());
        }
    }

    fn task(extra: Value) -> Machine {
        let mut task = json!({
            "Type": "Task",
            "Resource": "${F}",
            "Parameters": { "id.$": "$.id" },
            "TimeoutSeconds": 15,
            "ResultPath": null,
            "Retry": [{
                "ErrorEquals": ["Busy", "States.Timeout"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2,
                "MaxDelaySeconds": 20, "JitterStrategy": "FULL",
            }],
            "Catch": [
                { "ErrorEquals": ["Special"], "ResultPath": "$.failure", "Next": "special" },
                { "ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "caught" },
            ],
            "End": true,
        });
        for (name, value) in extra.as_object().into_iter().flatten() {
            task[name] = value.clone();
        }
        let end = json!({ "Type": "Succeed" });
        let machine = json!({ "StartAt": "task", "States": { "task": task, "special": end, "caught": end } });
        Machine::read(&machine, &|_| Some("f".to_owned())).unwrap()
    }

    fn script(mut answers: Vec<Result<Value, Raised>>) -> Script {
        answers.reverse();
        Script { answers: Mutex::new(BTreeMap::from([("f".to_owned(), answers)])), ..Script::default() }
    }

    fn run_now(machine: &Machine, script: &Script) -> Ended {
        run(machine, json!({ "id": "o" }), script).now_or_never().unwrap()
    }

    fn raises(error: &str) -> Result<Value, Raised> {
        Err(Raised::new(error, "why"))
    }

    #[test]
    fn a_task_is_given_its_parameters_and_its_result_is_placed() {
        let script = script(vec![Ok(json!(1))]);
        assert_eq!(run_now(&task(json!({})), &script), Ended::Succeeded(json!({ "id": "o" })));
        assert_eq!(*script.called.lock().unwrap(), [("f".to_owned(), json!({ "id": "o" }))]);
    }

    #[test]
    fn retries_back_off_and_end() {
        let script = script(vec![raises("Busy"), raises("Busy"), raises("Busy")]);
        let caught = json!({ "id": "o", "failure": { "Error": "Busy", "Cause": "why" } });
        assert_eq!(run_now(&task(json!({})), &script), Ended::Succeeded(caught));
        assert_eq!(*script.slept.lock().unwrap(), [15_000, 1_000, 15_000, 2_000, 15_000]);
        assert_eq!(*script.entered.lock().unwrap(), ["task", "caught"]);
    }

    #[test]
    fn what_no_retrier_names_is_caught_at_once_by_the_first_catcher_that_fits() {
        for (error, state) in [("Special", "special"), ("Other", "caught")] {
            let script = script(vec![raises(error)]);
            run_now(&task(json!({})), &script);
            assert_eq!(*script.entered.lock().unwrap(), ["task", state]);
        }
    }

    #[test]
    fn what_nothing_catches_fails_the_execution() {
        let script = script(vec![raises("Other")]);
        assert_eq!(run_now(&task(json!({ "Catch": [] })), &script), Ended::Failed(Raised::new("Other", "why")));
    }

    #[test]
    fn silence_is_a_timeout_and_each_try_has_a_token_of_its_own() {
        let waiting = json!({
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": { "FunctionName": "${F}", "Payload": { "task_token.$": "$$.Task.Token" } },
        });
        let script = script(vec![]);
        let failure = json!({ "id": "o", "failure": { "Error": "States.Timeout", "Cause": "" } });
        assert_eq!(run_now(&task(waiting), &script), Ended::Succeeded(failure));
        let tokens: Vec<Value> = script.called.lock().unwrap().iter().map(|(_, payload)| payload["task_token"].clone()).collect();
        assert_eq!(tokens, ["token-0", "token-1", "token-2"]);
    }

    #[test]
    fn a_missing_parameter_is_caught_and_a_missing_choice_variable_is_not() {
        let script = script(vec![]);
        let ended = run(&task(json!({})), json!({}), &script).now_or_never().unwrap();
        assert!(matches!(ended, Ended::Succeeded(output) if output["failure"]["Error"] == "States.ParameterPathFailure"));
        let choice = json!({ "StartAt": "a", "States": {
            "a": { "Type": "Choice", "Choices": [{ "Variable": "$.x", "StringEquals": "y", "Next": "b" }], "Default": "b" },
            "b": { "Type": "Succeed" },
        }});
        let machine = Machine::read(&choice, &|_| None).unwrap();
        let ended = run(&machine, json!({}), &script).now_or_never().unwrap();
        assert!(matches!(ended, Ended::Failed(raised) if raised.error == "States.Runtime"));
    }
}
