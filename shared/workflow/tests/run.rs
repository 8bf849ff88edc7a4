//! One step, forward and undo: the use of its claim, and the answers to a refused claim.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use carryout_environment::{ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{
    Attempt, Claim, ClaimRefused, Direction, Effect, Outcome, Progress, Release, StatusMap, StatusStore, Step, StepAction,
    StepEntry, StepInput, StepState, Subject, UndoOutcome, UndoState, UndoStore, run, run::RunError,
};
use serde_json::{Value, json};
use std::sync::Mutex;

const NOW: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq)]
struct Parcel {
    run: u32,
    direction: Direction,
    closed: bool,
    steps: StatusMap,
}

impl Parcel {
    fn with(change: impl FnOnce(&mut StepEntry)) -> Self {
        let mut entry = StepEntry { attempts: 3, undo_attempts: 2, key_version: 4, ..StepEntry::default() };
        change(&mut entry);
        Self { run: 2, direction: Direction::Forward, closed: false, steps: StatusMap([("send".to_owned(), entry)].into()) }
    }
}

impl Subject for Parcel {
    fn id(&self) -> &str {
        "p1"
    }

    fn status(&self) -> &StatusMap {
        &self.steps
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn is_closed(&self) -> bool {
        self.closed
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum SendError {
    #[error("the address does not exist")]
    NoAddress,
    #[error("the post office is silent")]
    Silent,
}

impl HasErrorCode for SendError {
    const CODES: &'static [ErrorCode] =
        &[ErrorCode::permanent("Send.NoAddress", "Correct it."), ErrorCode::unknown("Send.Silent", "Wait.")];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NoAddress => Self::CODES[0],
            Self::Silent => Self::CODES[1],
        }
    }
}

/// A step with scripted outcomes, which records the key and number of each attempt.
struct Send {
    ends: Result<Outcome<()>, SendError>,
    undo_ends: Result<UndoOutcome<()>, SendError>,
    attempts: Mutex<Vec<(String, u32, i64)>>,
}

impl Send {
    fn ending(ends: Result<Outcome<()>, SendError>) -> Self {
        Self { ends, undo_ends: Ok(UndoOutcome::Undone(())), attempts: Mutex::default() }
    }

    fn undoing(undo_ends: Result<UndoOutcome<()>, SendError>) -> Self {
        Self { undo_ends, ..Self::ending(Ok(Outcome::Skipped)) }
    }

    fn record(&self, attempt: &impl Attempt<()>) {
        self.attempts.lock().unwrap().push((attempt.key(), attempt.number(), attempt.now()));
    }
}

impl Step for Send {
    type Subject = Parcel;
    type Error = SendError;

    fn entry_name(&self) -> &str {
        "send"
    }
}

impl Effect for Send {
    type Note = ();

    async fn process(&self, _: &Parcel, attempt: &impl Attempt<()>) -> Result<Outcome<()>, SendError> {
        attempt.remember("ref", ()).await.unwrap();
        self.record(attempt);
        self.ends.clone()
    }

    async fn undo(&self, _: &Parcel, attempt: &impl Attempt<()>) -> Result<UndoOutcome<()>, SendError> {
        self.record(attempt);
        self.undo_ends.clone()
    }
}

/// A store that answers the first claim as scripted, and records all writes.
struct ScriptedStore {
    claim: Mutex<Option<Result<Parcel, ClaimRefused<Parcel>>>>,
    writes_fail: bool,
    written: Mutex<Vec<String>>,
}

impl ScriptedStore {
    fn giving(claim: Result<Parcel, ClaimRefused<Parcel>>) -> Self {
        Self { claim: Mutex::new(Some(claim)), writes_fail: false, written: Mutex::default() }
    }

    fn held(parcel: Parcel) -> Self {
        Self::giving(Err(ClaimRefused::ConditionFailed(Box::new(parcel))))
    }

    fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }

    fn write(&self, what: String) -> Result<(), StorageError> {
        self.written.lock().unwrap().push(what);
        if self.writes_fail { Err(StorageError::Unavailable("injected failure".to_owned())) } else { Ok(()) }
    }
}

impl StatusStore for ScriptedStore {
    type Subject = Parcel;
    type Note = ();

    async fn claim(&self, claim: &Claim, (): &()) -> Result<Parcel, ClaimRefused<Parcel>> {
        assert_eq!(
            (claim.id.as_str(), claim.step.as_str(), claim.run, claim.now, claim.lease_until),
            ("p1", "send", 2, NOW, NOW + 9)
        );
        self.claim.lock().unwrap().take().unwrap()
    }

    async fn remember(&self, _: &Claim, reference: &str, (): &()) -> Result<(), StorageError> {
        self.written.lock().unwrap().push(format!("remember {reference}"));
        Ok(())
    }

    async fn complete(&self, _: &Claim, state: StepState, progress: &Progress<()>) -> Result<(), StorageError> {
        self.write(format!("complete {state:?} {:?}", progress.reference))
    }

    async fn release(&self, _: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        self.write(format!("release {} {release:?}", failure.code))
    }
}

impl UndoStore for ScriptedStore {
    async fn claim_undo(&self, claim: &Claim, reason: Option<&Failure>) -> Result<Parcel, ClaimRefused<Parcel>> {
        self.written.lock().unwrap().push(format!("flip {:?}", reason.map(|reason| &reason.code)));
        self.claim(claim, &()).await
    }

    async fn complete_undo(&self, _: &Claim, (): &()) -> Result<(), StorageError> {
        self.write("complete_undo".to_owned())
    }

    async fn release_undo(&self, _: &Claim, failure: &Failure) -> Result<(), StorageError> {
        self.write(format!("release_undo {}", failure.code))
    }
}

fn input(failure: Value) -> StepInput {
    StepInput {
        action: StepAction::Process,
        id: "p1".to_owned(),
        run: 2,
        correlation_id: String::new(),
        facts: Value::Null,
        failure,
        task_token: None,
    }
}

async fn forward(step: &Send, store: &ScriptedStore) -> Result<(StepState, Value), RunError<SendError>> {
    run::process(step, store, &input(Value::Null), NOW, NOW + 9).await.map(|reply| (reply.state, reply.response))
}

async fn back(step: &Send, store: &ScriptedStore) -> Result<StepState, RunError<SendError>> {
    run::undo(step, store, &input(json!({ "Error": "A.B", "Cause": "c" })), NOW, NOW + 9).await.map(|reply| reply.state)
}

fn done() -> Outcome<()> {
    Outcome::Done(Progress { reference: Some("ref".to_owned()), response: Some(json!(7)), note: () })
}

#[tokio::test]
async fn a_successful_step_is_completed_under_its_key() {
    for (outcome, answer, written) in [
        (done(), (StepState::Done, json!(7)), vec!["remember ref", "complete Done Some(\"ref\")"]),
        (Outcome::Skipped, (StepState::Skipped, Value::Null), vec!["remember ref", "complete Skipped None"]),
        // What the step has recorded itself is not written again.
        (Outcome::Recorded(json!(8)), (StepState::Done, json!(8)), vec!["remember ref"]),
    ] {
        let (step, store) = (Send::ending(Ok(outcome)), ScriptedStore::giving(Ok(Parcel::with(|_| {}))));
        assert_eq!(forward(&step, &store).await.unwrap(), answer);
        assert_eq!(store.written(), written);
        assert_eq!(*step.attempts.lock().unwrap(), [("p1/send/4".to_owned(), 3, NOW)]);
    }
}

#[tokio::test]
async fn a_failed_step_releases_its_claim_by_the_class_of_its_error() {
    for (error, written) in
        [(SendError::NoAddress, "release Send.NoAddress Refused"), (SendError::Silent, "release Send.Silent Retry")]
    {
        for writes_fail in [false, true] {
            let store = ScriptedStore { writes_fail, ..ScriptedStore::giving(Ok(Parcel::with(|_| {}))) };
            let failed = forward(&Send::ending(Err(error.clone())), &store).await.unwrap_err();
            assert_eq!(failed.failure(), Failure::of(&error), "the step's own error is reported even if it can't be written");
            assert_eq!(store.written()[1], written);
        }
    }
}

#[tokio::test]
async fn an_effect_that_could_not_be_recorded_is_reported_as_a_failure() {
    let store = ScriptedStore { writes_fail: true, ..ScriptedStore::giving(Ok(Parcel::with(|_| {}))) };
    assert_eq!(forward(&Send::ending(Ok(done())), &store).await.unwrap_err().failure().code, "Storage.Unavailable");
    let store = ScriptedStore { writes_fail: true, ..ScriptedStore::giving(Ok(Parcel::with(|_| {}))) };
    let undone = Send::undoing(Ok(UndoOutcome::Undone(())));
    assert_eq!(back(&undone, &store).await.unwrap_err().failure().code, "Storage.Unavailable");
}

#[tokio::test]
async fn a_refused_claim_is_answered_from_the_stored_subject_and_the_step_does_not_run() {
    let failed = Failure { code: "Send.NoAddress".to_owned(), message: "no".to_owned(), advice: "a".to_owned() };
    let leased = || Parcel::with(|entry| entry.lease_until = NOW + 5);
    let cases: [(Parcel, &str); 7] = [
        (leased(), "Step.InProgress"),
        (Parcel { direction: Direction::Undo, ..leased() }, "Run.Turned"),
        (Parcel { closed: true, ..leased() }, "Run.Superseded"),
        (Parcel { run: 3, ..leased() }, "Run.Superseded"),
        // A newer run's answer is not this run's.
        (Parcel { run: 3, ..Parcel::with(|entry| entry.state = StepState::Done) }, "Run.Superseded"),
        (Parcel::with(|entry| (entry.state, entry.failure) = (StepState::Failed, Some(failed.clone()))), "Send.NoAddress"),
        (Parcel { steps: StatusMap::default(), ..leased() }, "Step.Unknown"),
    ];
    for (parcel, code) in cases {
        let (step, store) = (Send::ending(Ok(done())), ScriptedStore::held(parcel.clone()));
        assert_eq!(forward(&step, &store).await.unwrap_err().failure().code, code, "{parcel:?}");
        assert!(step.attempts.lock().unwrap().is_empty() && store.written().is_empty());
    }
    for (refused, code) in [
        (ClaimRefused::NotFound, "Step.Unknown"),
        (ClaimRefused::Storage(StorageError::Unavailable("x".to_owned())), "Storage.Unavailable"),
        (ClaimRefused::Storage(StorageError::Corrupt("x".to_owned())), "Storage.Corrupt"),
    ] {
        let store = ScriptedStore::giving(Err(refused));
        assert_eq!(forward(&Send::ending(Ok(done())), &store).await.unwrap_err().failure().code, code);
    }
}

#[tokio::test]
async fn a_completed_step_repeats_its_response_even_if_the_subject_is_compensating_or_closed() {
    for state in [StepState::Done, StepState::Skipped] {
        let parcel = Parcel::with(|entry| (entry.state, entry.response) = (state, Some(json!(7))));
        for parcel in
            [parcel.clone(), Parcel { direction: Direction::Undo, ..parcel.clone() }, Parcel { closed: true, ..parcel.clone() }]
        {
            let step = Send::ending(Err(SendError::Silent));
            assert_eq!(forward(&step, &ScriptedStore::held(parcel)).await.unwrap(), (state, json!(7)));
        }
    }
}

#[tokio::test]
async fn an_undo_is_completed_or_released() {
    let running = || ScriptedStore::giving(Ok(Parcel::with(|entry| entry.state = StepState::Running)));
    let (step, store) = (Send::undoing(Ok(UndoOutcome::Undone(()))), running());
    assert_eq!(back(&step, &store).await.unwrap(), StepState::Running);
    assert_eq!(store.written(), ["flip Some(\"A.B\")", "complete_undo"]);
    assert_eq!(*step.attempts.lock().unwrap(), [("p1/send/4".to_owned(), 2, NOW)], "the number counts undos");

    let store = running();
    back(&Send::undoing(Ok(UndoOutcome::Recorded)), &store).await.unwrap();
    assert_eq!(store.written().len(), 1, "an undo that recorded itself is not written again");

    let store = running();
    assert_eq!(back(&Send::undoing(Err(SendError::Silent)), &store).await.unwrap_err().failure().code, "Send.Silent");
    assert_eq!(store.written()[1], "release_undo Send.Silent");
}

#[tokio::test]
async fn a_refused_undo_waits_out_the_lease_and_accepts_an_undone_entry() {
    let leased = || Parcel::with(|entry| entry.lease_until = NOW + 5);
    let undone = Parcel::with(|entry| (entry.state, entry.undo) = (StepState::Done, UndoState::Done));
    for (parcel, code) in [
        (leased(), "Step.InProgress"),
        (Parcel { direction: Direction::Undo, ..leased() }, "Step.InProgress"),
        (Parcel { closed: true, ..leased() }, "Run.Superseded"),
        (Parcel { closed: true, ..undone.clone() }, "Run.Superseded"),
        (Parcel { run: 3, ..undone.clone() }, "Run.Superseded"),
        (Parcel { steps: StatusMap::default(), ..leased() }, "Step.Unknown"),
    ] {
        let (step, store) = (Send::ending(Ok(done())), ScriptedStore::held(parcel.clone()));
        assert_eq!(back(&step, &store).await.unwrap_err().failure().code, code, "{parcel:?}");
        assert!(step.attempts.lock().unwrap().is_empty());
    }
    assert_eq!(back(&Send::ending(Ok(done())), &ScriptedStore::held(undone)).await.unwrap(), StepState::Done);
    let empty = ScriptedStore::giving(Err(ClaimRefused::NotFound));
    assert_eq!(back(&Send::ending(Ok(done())), &empty).await.unwrap_err().failure().code, "Step.Unknown");
}

#[test]
fn the_reason_is_read_from_every_source() {
    let reason = |failure: Value| input(failure).reason().map(|failure| (failure.code, failure.message, failure.advice));
    let of = |code: &str, message: &str, advice: &str| Some((code.to_owned(), message.to_owned(), advice.to_owned()));
    // As a subject records it.
    let recorded = json!({ "code": "Payment.Declined", "message": "no money", "advice": "another card" });
    assert_eq!(reason(recorded), of("Payment.Declined", "no money", "another card"));
    // As Step Functions reports a Lambda's own error, a killed one, a callback, a timeout.
    let cause = r#"{"errorMessage":"no money","errorType":"Payment.Declined","trace":[]}"#;
    assert_eq!(reason(json!({ "Error": "Payment.Declined", "Cause": cause })), of("Payment.Declined", "no money", ""));
    assert_eq!(reason(json!({ "Error": "Sandbox.Timedout", "Cause": "10 s" })), of("Sandbox.Timedout", "10 s", ""));
    assert_eq!(reason(json!({ "Error": "Merchant.Refused", "Cause": "42" })), of("Merchant.Refused", "42", ""));
    assert_eq!(reason(json!({ "Error": "Merchant.Refused", "Cause": "{\"a\":1}" })), of("Merchant.Refused", "{\"a\":1}", ""));
    assert_eq!(reason(json!({ "Error": "States.Timeout" })), of("States.Timeout", "", ""));
    for nothing in [Value::Null, json!({}), json!("x"), json!({ "Error": 1 })] {
        assert_eq!(reason(nothing), None);
    }
}

#[test]
fn an_effect_remains_until_it_is_known_to_be_undone() {
    let remains = |state, undo| StepEntry { state, undo, ..StepEntry::default() }.may_have_effect();
    for state in [StepState::Running, StepState::Waiting, StepState::Done] {
        assert!(remains(state, UndoState::None) && remains(state, UndoState::Running) && !remains(state, UndoState::Done));
    }
    for undo in [UndoState::None, UndoState::Running, UndoState::Done] {
        assert!(!remains(StepState::Pending, undo) && !remains(StepState::Skipped, undo));
        assert_eq!(remains(StepState::Failed, undo), undo == UndoState::Running);
        // A refusal says nothing about the attempts before it, even if their undo could not be requested.
        let tried_before = StepEntry { state: StepState::Failed, undo, attempts: 2, ..StepEntry::default() };
        assert_eq!(tried_before.may_have_effect(), undo != UndoState::Done);
    }
}
