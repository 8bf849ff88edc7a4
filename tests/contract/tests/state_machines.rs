//! Workflows, state machines and step codes agree.
#![expect(clippy::expect_used, reason = "a file that can't be read fails the test, and says why")]

use carryout_checkout::{
    codes,
    order::{OrderFacts, OrderSubmitted, execution_input},
    routing::ReleaseTrack,
    steps, workflows,
};
use carryout_environment::Class;
use carryout_onboarding::wait::{WAIT_MACHINE, wait_machine};
use carryout_workflow::{Direction, Orchestrator, SagaStep, Workflow, function_resource, run};
use contract::files;
use contract::findings::{Findings, set};
use contract::template::keys;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the Lambda service, a dying process and Step Functions itself report.
/// Source: <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>,
/// <https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html>
const OF_AWS: &[&str] = &[
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
];
/// A task or a wait took longer than its `TimeoutSeconds`.
const TIMEOUT: &str = "States.Timeout";

/// The fields that each type of state may have: the subset that AWS and the emulators agree on.
const FIELDS: &[(&str, &[&str])] = &[
    ("Task", &["Type", "Comment", "Resource", "Parameters", "ResultPath", "TimeoutSeconds", "Retry", "Catch", "Next", "End"]),
    ("Parallel", &["Type", "Comment", "Branches", "ResultPath", "Next", "End"]),
    ("Choice", &["Type", "Comment", "Choices", "Default"]),
    ("Pass", &["Type", "Comment", "InputPath", "Parameters", "Result", "ResultPath", "Next", "End"]),
    ("Succeed", &["Type", "Comment"]),
    ("Fail", &["Type", "Comment", "Error", "Cause"]),
];

/// Every workflow of every orchestrator.
fn all_workflows() -> Vec<Workflow> {
    workflows::orchestrators().iter().flat_map(Orchestrator::workflows).cloned().collect()
}

fn path(workflow: &str) -> String {
    format!("statemachines/{workflow}.asl.json")
}

/// The state machines as they are checked in.
fn machines() -> Vec<(Workflow, Value)> {
    let read = |workflow: &Workflow| serde_json::from_str(&files::read(&path(&workflow.name))).unwrap_or_default();
    all_workflows().into_iter().map(|workflow| (workflow.clone(), read(&workflow))).collect()
}

/// Every level of a machine: the machine itself, and each branch of each parallel state.
fn levels(machine: &Value) -> Vec<&Value> {
    let mut found = vec![machine];
    for state in machine["States"].as_object().into_iter().flatten().map(|(_, state)| state) {
        found.extend(state["Branches"].as_array().into_iter().flatten().flat_map(levels));
    }
    found
}

fn states(level: &Value) -> impl Iterator<Item = (&str, &Value)> {
    level["States"].as_object().into_iter().flatten().map(|(name, state)| (name.as_str(), state))
}

fn tasks(machine: &Value) -> Vec<(&str, &Value)> {
    levels(machine).into_iter().flat_map(states).filter(|(_, state)| state["Type"] == "Task").collect()
}

/// The states that may come after `state`, each with the path under which something is added on the way.
fn transitions(state: &Value) -> Vec<(&str, Option<&str>)> {
    let mut found = Vec::new();
    let result = state["ResultPath"].as_str();
    for next in [&state["Next"], &state["Default"]] {
        found.extend(next.as_str().map(|next| (next, result)));
    }
    for choice in state["Choices"].as_array().into_iter().flatten() {
        found.extend(choice["Next"].as_str().map(|next| (next, None)));
    }
    for catcher in state["Catch"].as_array().into_iter().flatten() {
        found.extend(catcher["Next"].as_str().map(|next| (next, catcher["ResultPath"].as_str())));
    }
    found
}

/// The step and the input template of a task.
fn called(task: &Value) -> (&str, &Value) {
    let (function, payload) = match &task["Parameters"]["FunctionName"] {
        Value::String(function) => (function.as_str(), &task["Parameters"]["Payload"]),
        _ => (task["Resource"].as_str().unwrap_or_default(), &task["Parameters"]),
    };
    (function, payload)
}

/// The step whose function a task calls.
fn step_of<'w>(workflow: &'w Workflow, task: &Value) -> Option<&'w SagaStep> {
    let (function, _) = called(task);
    workflow.steps().find(|spec| function == function_resource(&spec.step))
}

fn sample_input() -> Value {
    let total = serde_json::from_value(json!({ "minor": 100, "currency": "USD" })).expect("an amount of money");
    execution_input(&OrderSubmitted {
        order_id: "ord_1".into(),
        country: "US".into(),
        market_type: "restaurant".into(),
        workflow: None,
        release_track: ReleaseTrack::Live,
        run: 1,
        direction: Direction::Forward,
        failure: None,
        facts: OrderFacts { quote_id: "quo_1".into(), total },
        correlation_id: "c-1".into(),
    })
}

#[test]
fn the_checked_in_files_are_what_the_workflows_compile_to() {
    let mut findings = Findings::new();
    for workflow in all_workflows() {
        let compiled = format!("{:#}\n", workflows::state_machine(&workflow).expect("the definition is valid"));
        let file = path(&workflow.name);
        findings.check(files::read(&file) == compiled, || format!("{file} is not current: run `make statemachines`"));
    }
    let workflows = all_workflows();
    let names = workflows.iter().map(|workflow| workflow.name.as_str()).chain([WAIT_MACHINE]);
    let expected = set(names.map(|name| format!("{name}.asl.json")));
    findings.same(
        &set(files::list("statemachines")),
        &expected,
        |file| format!("statemachines/{file} belongs to no workflow: remove it, or add the workflow to an orchestrator"),
        |file| format!("statemachines/{file} is missing: run `make statemachines`"),
    );
    findings.conclude();
}

#[test]
fn the_waiting_machine_is_current() {
    let checked_in: Value = serde_json::from_str(&files::read(&path(WAIT_MACHINE))).unwrap_or_default();
    assert_eq!(checked_in, wait_machine(), "run `make statemachines`");
}

#[test]
fn routes_lead_to_workflows_and_every_workflow_has_a_route() {
    let mut findings = Findings::new();
    for orchestrator in workflows::orchestrators() {
        findings.same(
            &set(orchestrator.routes().iter().map(|route| route.workflow.clone())),
            &set(orchestrator.workflows().iter().map(|workflow| workflow.name.clone())),
            |name| format!("an orchestrator has a route to {name}, which is no workflow of it: add it to the list of workflows"),
            |name| format!("no route of its orchestrator leads to {name}: add one, or remove the workflow"),
        );
    }
    findings.conclude();
}

#[test]
fn every_state_is_reached_and_every_transition_leads_somewhere() {
    let mut findings = Findings::new();
    for (workflow, machine) in machines() {
        let file = path(&workflow.name);
        for level in levels(&machine) {
            let start = level["StartAt"].as_str().unwrap_or_default();
            let mut reached = BTreeSet::new();
            let mut open = vec![start];
            while let Some(name) = open.pop() {
                if reached.insert(name.to_owned()) {
                    open.extend(transitions(&level["States"][name]).into_iter().map(|(next, _)| next));
                }
            }
            findings.same(
                &reached,
                &keys(&level["States"]),
                |name| {
                    format!("{file}: a transition leads to {name:?}, which does not exist: correct shared/workflow/src/asl.rs")
                },
                |name| format!("{file}: {name} is never reached: correct shared/workflow/src/asl.rs"),
            );
            for (name, state) in states(level) {
                let ends = state["End"] == true || state["Type"] == "Succeed" || state["Type"] == "Fail";
                findings.check(ends == transitions_forward(state).is_empty(), || {
                    format!("{file}: {name} must either end or lead on: correct shared/workflow/src/asl.rs")
                });
            }
        }
    }
    findings.conclude();
}

/// Where a state goes when nothing fails.
fn transitions_forward(state: &Value) -> Vec<&str> {
    let choices = state["Choices"].as_array().into_iter().flatten().map(|choice| &choice["Next"]);
    [&state["Next"], &state["Default"]].into_iter().chain(choices).filter_map(Value::as_str).collect()
}

#[test]
fn only_the_subset_that_the_emulators_share_is_used() {
    let mut findings = Findings::new();
    for (workflow, machine) in machines() {
        let file = path(&workflow.name);
        let top = set(["Comment", "StartAt", "States"]);
        for key in keys(&machine).difference(&top) {
            findings.add(format!("{file}: a machine has no {key} in the subset: remove it from shared/workflow/src/asl.rs"));
        }
        for (name, state) in levels(&machine).into_iter().flat_map(states) {
            let kind = state["Type"].as_str().unwrap_or_default();
            match FIELDS.iter().find(|(known, _)| *known == kind) {
                None => {
                    findings.add(format!("{file}: {name} is a {kind}: use one of Task, Parallel, Choice, Pass, Succeed, Fail"))
                }
                Some((_, fields)) => {
                    for field in keys(state).difference(&set(fields.iter().copied())) {
                        findings
                            .add(format!("{file}: {name} has {field}, which a {kind} of the subset does not have: remove it"));
                    }
                }
            }
        }
    }
    findings.conclude();
}

#[test]
fn every_task_has_a_timeout_a_retry_and_a_step() {
    let mut findings = Findings::new();
    for (workflow, machine) in machines() {
        let file = path(&workflow.name);
        for (name, task) in tasks(&machine) {
            let seconds = task["TimeoutSeconds"].as_u64();
            match step_of(&workflow, task) {
                None => findings.add(format!("{file}: {name} calls {:?}, which is no step of {}", called(task).0, workflow.name)),
                Some(spec) => {
                    let waits = task["Parameters"]["Payload"]["task_token.$"].is_string();
                    let wait = spec.wait.as_ref().filter(|_| waits);
                    let expected = wait.map_or(spec.timeout_seconds, |wait| wait.timeout_seconds);
                    findings.check(seconds == Some(u64::from(expected)), || {
                        format!("{file}: {name} must have TimeoutSeconds {expected}, not {seconds:?}: run `make statemachines`")
                    });
                }
            }
            let retries = task["Retry"].as_array().into_iter().flatten();
            let bounded = retries.clone().count() > 0
                && retries.clone().all(|retry| {
                    retry["JitterStrategy"] == "FULL"
                        && ["IntervalSeconds", "MaxAttempts", "MaxDelaySeconds"]
                            .iter()
                            .all(|field| retry[field].as_u64() > Some(0))
                });
            findings.check(bounded, || {
                format!("{file}: {name} needs a Retry with IntervalSeconds, MaxAttempts, MaxDelaySeconds and JitterStrategy FULL")
            });
        }
    }
    findings.conclude();
}

#[test]
fn every_path_of_a_task_is_in_its_input_by_then() {
    let mut findings = Findings::new();
    for (workflow, machine) in machines() {
        check_paths(&machine, &keys(&sample_input()), &path(&workflow.name), &mut findings);
    }
    findings.conclude();
}

/// Follows what is certainly there on the way to each state, and looks up every path that the state reads.
fn check_paths(level: &Value, input: &BTreeSet<String>, file: &str, findings: &mut Findings) {
    let start = level["StartAt"].as_str().unwrap_or_default().to_owned();
    let mut there: BTreeMap<String, BTreeSet<String>> = BTreeMap::from([(start.clone(), input.clone())]);
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        let known = there.get(&name).cloned().unwrap_or_default();
        for (next, added) in transitions(&level["States"][&name]) {
            let mut after = known.clone();
            after.extend(added.and_then(first_member));
            let before = there.get(next);
            let narrowed = before.map_or_else(|| after.clone(), |before| before.intersection(&after).cloned().collect());
            if before != Some(&narrowed) {
                there.insert(next.to_owned(), narrowed);
                open.push(next.to_owned());
            }
        }
    }
    for (name, state) in states(level) {
        let known = there.get(name).cloned().unwrap_or_default();
        for read in paths_read(state) {
            if read.starts_with("$$.") {
                let waits = state["Resource"].as_str().is_some_and(|resource| resource.ends_with(".waitForTaskToken"));
                findings.check(read == "$$.Task.Token" && waits, || {
                    format!("{file}: {name} reads {read}, which only a task with .waitForTaskToken has: remove it")
                });
                continue;
            }
            let member = first_member(&read);
            findings.check(member.as_ref().is_some_and(|member| known.contains(member)), || {
                format!("{file}: {name} reads {read}, which is not there on every way to it: add it to execution_input() or to a ResultPath before")
            });
            if let Some(rest) = read.strip_prefix("$.branches[") {
                check_branch_path(level, &read, rest, file, findings);
            }
        }
        for branch in state["Branches"].as_array().into_iter().flatten() {
            check_paths(branch, &known, file, findings);
        }
    }
}

/// `$.branches[1].failure`: some parallel state has such a branch, and it can end with that member.
fn check_branch_path(level: &Value, read: &str, rest: &str, file: &str, findings: &mut Findings) {
    let (index, rest) = rest.split_once("].").unwrap_or((rest, ""));
    let member = rest.split('.').next().unwrap_or_default();
    let branch = states(level)
        .filter(|(_, state)| state["ResultPath"] == "$.branches")
        .find_map(|(_, state)| state["Branches"].get(index.parse::<usize>().ok()?));
    let given = branch.into_iter().flat_map(states).any(|(_, state)| {
        let parameters = &state["Parameters"];
        state["End"] == true && (parameters.get(member).is_some() || parameters.get(format!("{member}.$")).is_some())
    });
    findings.check(given, || {
        format!("{file}: {read} is read, and no end of that branch gives {member}: correct shared/workflow/src/asl.rs")
    });
}

fn first_member(path: &str) -> Option<String> {
    let rest = path.strip_prefix("$.")?;
    rest.split(['.', '[']).next().map(str::to_owned)
}

/// Every JSONPath that a state reads, those of its branches apart.
fn paths_read(state: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_dynamic(&state["Parameters"], &mut found);
    found.extend(state["InputPath"].as_str().map(str::to_owned));
    for choice in state["Choices"].as_array().into_iter().flatten() {
        found.extend(choice["Variable"].as_str().map(str::to_owned));
    }
    found
}

fn collect_dynamic(value: &Value, found: &mut Vec<String>) {
    for (key, member) in value.as_object().unwrap_or(&Map::new()) {
        if key.ends_with(".$") {
            found.extend(member.as_str().map(str::to_owned));
        } else {
            collect_dynamic(member, found);
        }
    }
}

#[test]
fn a_step_gets_what_its_input_type_reads() {
    let mut findings = Findings::new();
    for (workflow, machine) in machines() {
        for (name, task) in tasks(&machine) {
            let (_, payload) = called(task);
            let sample: Map<String, Value> = payload
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| match (key.strip_suffix(".$"), value.as_str()) {
                    (Some("task_token"), _) => ("task_token".to_owned(), json!("token")),
                    (Some(key), Some(path)) => {
                        (key.to_owned(), first_member(path).map(|member| sample_input()[member].clone()).unwrap_or_default())
                    }
                    _ => (key.clone(), value.clone()),
                })
                .collect();
            let parsed = serde_json::from_value::<carryout_workflow::StepInput>(sample.into());
            findings.check(parsed.is_ok(), || format!("{}: {name}: StepInput can't be read: {parsed:?}", path(&workflow.name)));
        }
    }
    findings.conclude();
}

#[test]
fn each_retry_has_the_codes_of_its_step_and_no_others() {
    let mut findings = Findings::new();
    for (workflow, machine) in machines() {
        let file = path(&workflow.name);
        for (name, task) in tasks(&machine) {
            let Some(spec) = step_of(&workflow, task) else { continue };
            let waits = task["Parameters"]["Payload"]["task_token.$"].is_string();
            let own = steps::codes_of(&spec.step).iter().chain(run::CODES);
            let mut expected = set(own.filter(|code| code.class != Class::Permanent).map(|code| code.name));
            expected.extend(OF_AWS.iter().map(|name| (*name).to_owned()));
            if !waits {
                expected.insert(TIMEOUT.to_owned());
            }
            let named = task["Retry"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|retry| retry["ErrorEquals"].as_array().into_iter().flatten());
            let step = &spec.step;
            findings.same(
                &set(named.filter_map(Value::as_str)),
                &expected,
                |code| {
                    format!("{file}: {name} retries {code}, which is permanent, no code of {step}, or unknown to AWS: remove it from the Retry")
                },
                |code| format!("{file}: {name} does not retry {code}: add it to CODES of {step} or run `make statemachines`"),
            );
        }
    }
    findings.conclude();
}

#[test]
fn what_is_caught_is_known() {
    let mut findings = Findings::new();
    let known = set(run::CODES.iter().chain(codes::STEP_CODES).map(|code| code.name).chain([TIMEOUT, "States.ALL"]));
    let silences: BTreeMap<&str, Class> = codes::STEP_CODES.iter().map(|code| (code.name, code.class)).collect();
    for (workflow, machine) in machines() {
        let file = path(&workflow.name);
        for (name, state) in levels(&machine).into_iter().flat_map(states) {
            let caught = state["Catch"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|catcher| catcher["ErrorEquals"].as_array().into_iter().flatten());
            for code in caught.filter_map(Value::as_str).filter(|code| !known.contains(*code)) {
                findings
                    .add(format!("{file}: {name} catches {code}, which nobody ends with: correct shared/workflow/src/asl.rs"));
            }
        }
        for wait in workflow.steps().filter_map(|spec| spec.wait.as_ref()) {
            findings.check(silences.get(wait.silence.as_str()) == Some(&Class::Permanent), || {
                format!(
                    "{}: the silence {} must be a permanent code of shared/checkout/src/codes.rs",
                    workflow.name, wait.silence
                )
            });
        }
    }
    findings.conclude();
}

#[test]
fn every_step_code_belongs_to_a_step() {
    let mut findings = Findings::new();
    let of_steps: BTreeSet<String> = all_workflows()
        .iter()
        .flat_map(|workflow| workflow.steps().flat_map(|spec| steps::codes_of(&spec.step)))
        .map(|code| code.name.to_owned())
        .collect();
    findings.same(
        &set(codes::STEP_CODES.iter().map(|code| code.name)),
        &of_steps,
        |code| format!("{code} is in STEP_CODES and no step ends with it: add it to the step's CODES, or remove it"),
        |code| format!("a step ends with {code}: add it to STEP_CODES in shared/checkout/src/codes.rs"),
    );
    findings.conclude();
}
