//! The shape of a compiled state machine.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use carryout_workflow::{SagaStage, SagaStep, SagaWait, Workflow, compile};
use serde_json::{Value, json};

fn spec(step: &str, undo: bool) -> SagaStep {
    SagaStep { step: step.to_owned(), undo, ..SagaStep::default() }
}

/// look → (take ∥ judge) → pay → ask (waits) → close
fn workflow() -> Workflow {
    let wait = SagaWait { timeout_seconds: 300, silence: "Store.Silent".to_owned(), message: "nobody answered".to_owned() };
    Workflow {
        version: 1,
        name: "small".to_owned(),
        purpose: "Small.".to_owned(),
        stages: vec![
            SagaStage::Step(spec("look", false)),
            SagaStage::Parallel(vec![spec("take", true), spec("judge", false)]),
            SagaStage::Step(spec("pay", true)),
            SagaStage::Step(SagaStep { wait: Some(wait), ..spec("ask", false) }),
        ],
        finish: spec("close", false),
    }
}

fn machine() -> Value {
    compile(&workflow(), |step| if step == "pay" { vec!["Pay.Unclear"] } else { Vec::new() }).unwrap()
}

fn state(name: &str) -> Value {
    let state = machine()["States"][name].clone();
    assert!(!state.is_null(), "there is no state {name}");
    state
}

/// Where a state goes after this error.
fn caught(state: &Value, error: &str) -> Option<String> {
    let fits = |catch: &&Value| catch["ErrorEquals"].as_array().unwrap().iter().any(|name| name == error || name == "States.ALL");
    state["Catch"].as_array()?.iter().find(fits).and_then(|catch| catch["Next"].as_str()).map(str::to_owned)
}

/// Every task, those in branches too, with its name.
fn tasks() -> Vec<(String, Value)> {
    fn collect(states: &Value, tasks: &mut Vec<(String, Value)>) {
        for (name, state) in states.as_object().unwrap() {
            if state["Type"] == "Task" {
                tasks.push((name.clone(), state.clone()));
            }
            for branch in state["Branches"].as_array().into_iter().flatten() {
                collect(&branch["States"], tasks);
            }
        }
    }
    let mut tasks = Vec::new();
    collect(&machine()["States"], &mut tasks);
    tasks
}

#[test]
fn the_direction_decides_where_it_begins() {
    let machine = machine();
    let choice = state(machine["StartAt"].as_str().unwrap());
    assert_eq!((&choice["Type"], &choice["Default"]), (&json!("Choice"), &json!("look")));
    assert_eq!(choice["Choices"], json!([{ "Variable": "$.direction", "StringEquals": "UNDO", "Next": "undo-pay" }]));
}

#[test]
fn the_way_forward_follows_the_stages() {
    assert_eq!(state("look")["Next"], "take-and-judge");
    assert_eq!(state("take-and-judge")["Next"], "take-and-judge-joined");
    assert_eq!(state("take-and-judge-joined")["Default"], "pay");
    assert_eq!(
        (&state("pay")["Next"], &state("ask")["Next"], &state("close")["End"]),
        (&json!("ask"), &json!("close"), &json!(true))
    );
}

#[test]
fn a_failed_step_is_undone_itself_and_then_those_before_it_newest_first() {
    assert_eq!(caught(&state("pay"), "Pay.Declined").as_deref(), Some("undo-pay"), "its own outcome may be unknown");
    assert_eq!(caught(&state("close"), "A.B").as_deref(), Some("undo-pay"));
    assert_eq!(caught(&state("ask"), "A.B").as_deref(), Some("undo-pay"), "what has no undo leads to the one before");
    assert_eq!(caught(&state("look"), "A.B").as_deref(), Some("close-as-failed"), "nothing has begun");
    assert_eq!((&state("undo-pay")["Next"], &state("undo-take")["Next"]), (&json!("undo-take"), &json!("close-as-failed")));
    assert_eq!((&state("close-as-failed")["Next"], &state("failed-clean")["Type"]), (&json!("failed-clean"), &json!("Succeed")));
}

#[test]
fn all_branches_of_a_group_end_before_its_undo_begins() {
    let group = state("take-and-judge");
    assert_eq!(group["Catch"], Value::Null, "an error that leaves the group would cancel the other branches");
    for (index, branch) in group["Branches"].as_array().unwrap().iter().enumerate() {
        let name = branch["StartAt"].as_str().unwrap();
        let caught = caught(&branch["States"][name], "A.B").unwrap();
        assert_eq!(branch["States"][&caught]["End"], true);
        let choice = &state("take-and-judge-joined")["Choices"][index];
        assert_eq!((&choice["Variable"], &choice["IsPresent"]), (&json!(format!("$.branches[{index}].failure")), &json!(true)));
        assert_eq!(state(choice["Next"].as_str().unwrap())["Default"], format!("{name}-reason"));
        // Also where only the neighbour failed: what the group may have done is undone.
        assert_eq!(state(&format!("{name}-reason"))["Next"], "undo-take");
    }
}

#[test]
fn a_wait_ends_with_an_answer_or_with_silence_and_is_not_asked_again() {
    let ask = state("ask");
    assert_eq!(
        (&ask["Resource"], &ask["TimeoutSeconds"]),
        (&json!("arn:aws:states:::lambda:invoke.waitForTaskToken"), &json!(300))
    );
    assert_eq!(ask["Parameters"]["Payload"]["task_token.$"], "$$.Task.Token");
    assert_eq!(caught(&ask, "States.Timeout").as_deref(), Some("ask-silent"));
    let silent = state("ask-silent");
    assert_eq!(silent["Result"], json!({ "Error": "Store.Silent", "Cause": "nobody answered" }));
    assert_eq!((&silent["ResultPath"], &silent["Next"]), (&json!("$.failure"), &json!("undo-pay")));
    assert!(!ask["Retry"][0]["ErrorEquals"].as_array().unwrap().contains(&json!("States.Timeout")));
    assert!(state("pay")["Retry"][0]["ErrorEquals"].as_array().unwrap().contains(&json!("States.Timeout")));
}

#[test]
fn a_superseded_run_ends_without_undoing_anything() {
    for (name, task) in tasks() {
        if matches!(name.as_str(), "take" | "judge" | "park") {
            continue;
        }
        assert_eq!(caught(&task, "Run.Superseded").as_deref(), Some("superseded"), "{name}");
    }
    for name in ["take", "judge"] {
        let choice = &state(&format!("{name}-failed"))["Choices"][0];
        assert_eq!((&choice["StringEquals"], &choice["Next"]), (&json!("Run.Superseded"), &json!("superseded")));
    }
    assert_eq!(state("superseded")["Type"], "Succeed");
}

#[test]
fn an_undo_that_can_not_be_finished_parks() {
    for name in ["undo-pay", "undo-take", "close-as-failed"] {
        assert_eq!(caught(&state(name), "A.B").as_deref(), Some("park"), "{name}");
    }
    let park = state("park");
    assert_eq!(park["Parameters"]["failure.$"], "$.undo_failure", "the page says why the undo could not end");
    assert_eq!((&park["Next"], &state("parked")["Type"]), (&json!("parked"), &json!("Fail")));
    // A queue that is down for an hour loses no page.
    let (attempts, cap) =
        (park["Retry"][0]["MaxAttempts"].as_u64().unwrap(), park["Retry"][0]["MaxDelaySeconds"].as_u64().unwrap());
    assert!(attempts * cap / 2 > 4 * 60 * 60, "{attempts} attempts at most {cap} s apart");
}

#[test]
fn every_task_has_a_timeout_and_retries_with_full_jitter_under_a_cap() {
    let tasks = tasks();
    assert_eq!(tasks.len(), 6 + 2 + 2, "six ways forward, two undos, two ends");
    for (name, task) in tasks {
        assert!(task["TimeoutSeconds"].as_u64().is_some_and(|seconds| seconds > 0), "{name}");
        let retry = &task["Retry"][0];
        assert_eq!(retry["JitterStrategy"], "FULL", "{name}");
        assert!(retry["MaxDelaySeconds"].as_u64().is_some_and(|seconds| (1..=60).contains(&seconds)), "{name}");
        assert!(retry["MaxAttempts"].as_u64().is_some_and(|attempts| attempts > 0), "{name}");
        let errors = retry["ErrorEquals"].as_array().unwrap();
        for code in ["Storage.Unavailable", "Step.InProgress", "Lambda.TooManyRequestsException"] {
            assert!(errors.contains(&json!(code)), "{name}: {code}");
        }
        for code in ["Run.Superseded", "Run.Turned", "Step.Unknown", "Storage.Corrupt", "States.ALL"] {
            assert!(!errors.contains(&json!(code)), "{name}: {code} does not pass by itself");
        }
    }
    for name in ["pay", "undo-pay"] {
        assert!(state(name)["Retry"][0]["ErrorEquals"].as_array().unwrap().contains(&json!("Pay.Unclear")));
    }
    assert!(state("undo-pay")["Retry"][0]["MaxAttempts"].as_u64() > state("pay")["Retry"][0]["MaxAttempts"].as_u64());
}

#[test]
fn payloads_carry_ids_and_small_facts() {
    for (name, task) in tasks() {
        let payload = if task["Parameters"]["Payload"].is_null() { &task["Parameters"] } else { &task["Parameters"]["Payload"] };
        for member in ["id.$", "run.$", "correlation_id.$", "facts.$"] {
            assert!(payload[member].is_string(), "{name}: {member}");
        }
        let forward = payload["action"] == "process";
        assert_eq!(payload["failure.$"].is_null(), forward, "{name}");
    }
    assert_eq!(state("pay")["Resource"], "${FunctionPrefix}-pay:${Alias}");
}

#[test]
fn what_can_not_be_compiled_says_why() {
    type Change = fn(&mut Workflow);
    let cases: [(Change, &str); 8] = [
        (|w| w.stages.clear(), "it has no stage"),
        (|w| w.stages.push(SagaStage::Step(spec("pay", true))), "pay occurs twice"),
        (|w| w.stages.push(SagaStage::Step(spec("Pay-Again", true))), "lower-case words"),
        (|w| w.stages.push(SagaStage::Step(spec("pay--again", true))), "lower-case words"),
        (|w| w.stages.push(SagaStage::Step(SagaStep { timeout_seconds: 0, ..spec("more", true) })), "more needs a timeout"),
        (|w| w.stages.push(SagaStage::Parallel(vec![spec("alone", true)])), "at least two"),
        (
            |w| {
                let wait = SagaWait { timeout_seconds: 1, silence: "A.B".to_owned(), message: String::new() };
                w.stages.push(SagaStage::Parallel(vec![spec("one", true), SagaStep { wait: Some(wait), ..spec("two", true) }]));
            },
            "two waits for a callback",
        ),
        (|w| w.finish.undo = true, "the finish has no undo"),
    ];
    for (change, reason) in cases {
        let mut changed = workflow();
        change(&mut changed);
        let error = compile(&changed, |_| Vec::new()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}
