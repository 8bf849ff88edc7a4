//! What every adapter of [`Applicants`] promises, as a suite that runs against any of them: against [`crate::onboarding`] in this crate's
//! tests, against DynamoDB where a cloud runs. It panics where a promise is broken.
//!
//! It makes its own applicants under the ids that it is given, so it may run in a store that is not empty. Adapters may stamp writes
//! with their own clock: leases here end either long ago or in the year 2100.

use carryout_environment::{Failure, StorageError};
use carryout_onboarding::{
    applicant::{Applicant, ApplicantStatus, AuditEntry, Collected, Datum},
    markets::Markets,
    operate::Action,
    ports::{Applicants, Awaited, Change},
    start::Beginner,
};
use carryout_workflow::{Claim, ClaimRefused, Progress, Refused, Release, StepState, Subject as _};
use serde_json::{Map, json};

/// A lease that ended before anybody was born.
const ENDED: i64 = 1_000;
/// A lease that is still held: until the year 2100.
const HELD: i64 = 4_102_444_800_000;
/// Two steps of the workflow of couriers in the US.
const LOOK: &str = "collect-profile";
const LEAP: &str = "collect-details";

/// Somebody who has begun, and nobody looks after.
#[expect(clippy::unwrap_used, reason = "the embedded markets are held right by a test")]
fn applicant(id: String, now: i64) -> Applicant {
    let markets = Markets::embedded().unwrap();
    let workflow = markets.orchestrator().pick("US", "courier").unwrap();
    let beginner = Beginner {
        id,
        owner: "somebody".to_owned(),
        country: "US".to_owned(),
        market_type: "courier".to_owned(),
        correlation_id: "contract".to_owned(),
    };
    Applicant { sweep_at: None, sweep_shard: None, ..beginner.applicant(workflow, Map::new(), now) }
}

fn claim(id: &str, step: &str, now: i64, lease_until: i64) -> Claim {
    Claim { id: id.to_owned(), step: step.to_owned(), run: 1, now, lease_until }
}

fn note(field: &str) -> Collected {
    Collected { data: [(field.to_owned(), Datum::Plain(json!(field)))].into(), ..Collected::default() }
}

fn change(step: &str, key_version: u32, from: &'static [StepState], to: StepState, at: i64) -> Change {
    Change {
        step: step.to_owned(),
        key_version,
        from,
        to,
        next_key: false,
        failure: None,
        response: None,
        activated_until: None,
        audit: Some(AuditEntry {
            at,
            operator: "op_1".to_owned(),
            step: step.to_owned(),
            action: Action::Approve,
            reason: "looked".to_owned(),
        }),
        at,
    }
}

/// [`Applicants`]. `new_id` MUST give another id each time; `now` is in milliseconds since the Unix epoch.
///
/// # Panics
///
/// Where a promise is broken.
#[expect(clippy::unwrap_used, reason = "a suite reports what should not happen by panicking")]
pub async fn applicants(store: &impl Applicants, new_id: impl Fn() -> String, now: i64) {
    let begun = async || {
        let applicant = applicant(new_id(), now);
        assert!(store.create(&applicant).await.unwrap().is_none());
        applicant.id
    };
    let stored = async |id: &str| store.applicant(id).await.unwrap().unwrap();

    // An id is taken once, and what it has is given to whoever comes second.
    let id = begun().await;
    let second = Applicant { owner: "somebody else".to_owned(), ..applicant(id.clone(), now) };
    assert_eq!(store.create(&second).await.unwrap().unwrap().owner, "somebody");
    assert_eq!(stored(&id).await, applicant(id.clone(), now), "what is read is what was written");
    assert!(store.applicant(&new_id()).await.unwrap().is_none());

    // Of two at once one acts; after its lease the other may, and the first has lost.
    let first = claim(&id, LOOK, now, ENDED);
    let claimed = store.claim(&first, &note("first")).await.unwrap();
    assert_eq!((claimed.steps.entry(LOOK).unwrap().state, claimed.version), (StepState::Running, 2));
    let held = claim(&id, LOOK, now, HELD);
    store.claim(&held, &note("second")).await.unwrap();
    assert!(matches!(store.claim(&claim(&id, LOOK, now, HELD + 1), &note("x")).await, Err(ClaimRefused::ConditionFailed(_))));
    let progress = Progress { reference: None, response: Some(json!({ "seen": true })), note: note("seen") };
    assert!(matches!(store.complete(&first, StepState::Done, &progress).await, Err(StorageError::ClaimLost)));
    store.remember(&held, "ref", &note("reference")).await.unwrap();
    store.complete(&held, StepState::Done, &progress).await.unwrap();
    let after = stored(&id).await;
    let entry = after.steps.entry(LOOK).unwrap();
    assert_eq!((entry.state, entry.attempts, entry.reference.as_deref()), (StepState::Done, 2, Some("ref")));
    assert_eq!(entry.response, Some(json!({ "seen": true })));
    assert_eq!(after.data.keys().map(String::as_str).collect::<Vec<_>>(), ["first", "reference", "second", "seen"]);
    assert_eq!(after.version, 5, "each write counts");
    assert!(
        matches!(store.claim(&held, &note("x")).await, Err(ClaimRefused::ConditionFailed(_))),
        "what is done is not begun again"
    );
    assert!(matches!(store.claim(&claim(&id, "nothing", now, HELD), &note("x")).await, Err(ClaimRefused::NotFound)));
    assert!(matches!(store.claim(&claim(&new_id(), LOOK, now, HELD), &note("x")).await, Err(ClaimRefused::NotFound)));

    // What is given back may be begun again, and says why it was.
    let held = claim(&id, LEAP, now, HELD);
    store.claim(&held, &Collected::default()).await.unwrap();
    let failure = Failure { code: "Test.Failed".to_owned(), message: "too far".to_owned(), advice: "Try again.".to_owned() };
    store.release(&held, &failure, Release::Retry).await.unwrap();
    assert_eq!(
        stored(&id).await.steps.entry(LEAP).unwrap().failure.as_ref().map(|failure| failure.code.as_str()),
        Some("Test.Failed")
    );
    store.claim(&held, &Collected::default()).await.unwrap();

    // A wait is registered for the key that is waited for, and a change applies from where it says.
    store
        .complete(&held, StepState::Waiting, &Progress { reference: None, response: None, note: Collected::default() })
        .await
        .unwrap();
    let key_version = stored(&id).await.steps.entry(LEAP).unwrap().key_version;
    let awaited = |key_version| Awaited {
        id: id.clone(),
        step: LEAP.to_owned(),
        key_version,
        reminder_seconds: 60,
        reminders: 1,
        correlation_id: "contract".to_owned(),
    };
    let version = stored(&id).await.version;
    assert!(store.register(&awaited(key_version), "token").await.unwrap());
    assert!(!store.register(&awaited(key_version + 1), "another").await.unwrap());
    let waiting = stored(&id).await;
    assert_eq!((waiting.steps.entry(LEAP).unwrap().task_token.as_deref(), waiting.version), (Some("token"), version));
    let wrong_key = change(LEAP, key_version + 1, &[StepState::Waiting], StepState::Done, now);
    let wrong_state = change(LEAP, key_version, &[StepState::Failed], StepState::Done, now);
    for wrong in [wrong_key, wrong_state] {
        assert!(matches!(store.change(&id, &wrong).await, Err(Refused::ConditionFailed(_))), "{wrong:?}");
    }
    let approved = store.change(&id, &change(LEAP, key_version, &[StepState::Waiting], StepState::Done, now)).await.unwrap();
    assert_eq!(approved.steps.entry(LEAP).unwrap().state, StepState::Done);
    assert_eq!((approved.audit.len(), approved.version), (1, version + 1));
    assert!(approved.sweep_at.is_some_and(|at| at > now), "somebody looks after them");
    assert_eq!(stored(&id).await, approved);
    let nobody = store.change(&new_id(), &change(LEAP, 1, &[StepState::Pending], StepState::Done, now)).await;
    assert!(matches!(nobody, Err(Refused::NotFound | Refused::ConditionFailed(_))), "{nobody:?}");

    // Rest holds for the version that it was decided on, and is no write.
    store.rest(&id, approved.version - 1, None).await.unwrap();
    assert!(stored(&id).await.sweep_at.is_some());
    store.rest(&id, approved.version, Some(HELD)).await.unwrap();
    assert_eq!((stored(&id).await.sweep_at, stored(&id).await.version), (Some(HELD), approved.version));
    store.rest(&id, approved.version, None).await.unwrap();
    assert_eq!((stored(&id).await.sweep_at, stored(&id).await.sweep_shard), (None, None));

    // A whole applicant is replaced by whoever has seen the last version.
    let mut next = stored(&id).await;
    next.version += 2;
    assert!(matches!(store.replace(&next).await, Err(Refused::ConditionFailed(_))));
    next.version -= 1;
    next.status = ApplicantStatus::Erased;
    store.replace(&next).await.unwrap();
    assert_eq!(stored(&id).await, next);

    // Nobody acts on an application that is closed; the step that completes it closes it.
    let closed = begun().await;
    let last = claim(&closed, LEAP, now, HELD);
    store.claim(&last, &Collected { sweep_at: Some(HELD), ..Collected::default() }).await.unwrap();
    assert_eq!(stored(&closed).await.sweep_at, Some(HELD));
    let activated = Collected { activated_until: Some(HELD), ..Collected::default() };
    store.complete(&last, StepState::Done, &Progress { reference: None, response: None, note: activated }).await.unwrap();
    let active = stored(&closed).await;
    assert_eq!((active.status, active.ttl, active.sweep_at), (ApplicantStatus::Active, HELD, None));
    assert!(active.is_closed());
    assert!(matches!(store.claim(&claim(&closed, LOOK, now, HELD), &note("x")).await, Err(ClaimRefused::ConditionFailed(_))));
    // So does whoever completes it from outside.
    let other = begun().await;
    let waits = claim(&other, LEAP, now, HELD);
    store.claim(&waits, &Collected { sweep_at: Some(HELD), ..Collected::default() }).await.unwrap();
    store
        .complete(&waits, StepState::Waiting, &Progress { reference: None, response: None, note: Collected::default() })
        .await
        .unwrap();
    let key_version = stored(&other).await.steps.entry(LEAP).unwrap().key_version;
    let approval =
        Change { activated_until: Some(HELD), ..change(LEAP, key_version, &[StepState::Waiting], StepState::Done, now) };
    let active = store.change(&other, &approval).await.unwrap();
    assert_eq!((active.status, active.ttl, active.sweep_at), (ApplicantStatus::Active, HELD, None));
    assert_eq!(stored(&other).await, active);
    let late = store.change(&closed, &change(LOOK, key_version, &[StepState::Pending], StepState::Done, now)).await;
    assert!(matches!(late, Err(Refused::ConditionFailed(_))), "{late:?}");
}
