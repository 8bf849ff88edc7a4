//! The contract of [`Applicants`], as a suite that runs against every adapter: against [`crate::onboarding`] in this crate's tests, against
//! DynamoDB in those of a running stack. It panics on a broken promise.
//!
//! It creates its own applicants, so it may run on a table that is not empty. Adapters may stamp writes with their own clock: leases here
//! end either long ago or in the year 2100.

use carryout_environment::{Failure, StorageError};
use carryout_onboarding::{
    applicant::{Applicant, ApplicantStatus, AuditEntry, Collected, Datum, OperatorAction},
    markets::Markets,
    ports::{Applicants, Awaited, Change},
    start::NewApplication,
};
use carryout_workflow::{Claim, ClaimRefused, Progress, Refused, Release, StepState, Subject as _};
use serde_json::{Map, json};

/// An expired lease.
const ENDED: i64 = 1_000;
/// A lease that is held until the year 2100.
const HELD: i64 = 4_102_444_800_000;
/// Two steps of the workflow of couriers in the US.
const PROFILE: &str = "collect-profile";
const DETAILS: &str = "collect-details";

/// An applicant who has begun, without a scheduled sweep.
#[expect(clippy::unwrap_used, reason = "a test proves that the embedded markets are valid")]
fn applicant(id: String, now: i64) -> Applicant {
    let markets = Markets::embedded().unwrap();
    let workflow = markets.orchestrator().pick("US", "courier").unwrap();
    let application = NewApplication {
        id,
        owner: "first".to_owned(),
        country: "US".to_owned(),
        market_type: "courier".to_owned(),
        correlation_id: "contract".to_owned(),
    };
    Applicant { sweep_at: None, sweep_shard: None, ..application.applicant(workflow, Map::new(), now) }
}

fn claim(id: &str, step: &str, now: i64, lease_until: i64) -> Claim {
    Claim { id: id.to_owned(), step: step.to_owned(), run: 1, now, lease_until }
}

fn note(field: &str) -> Collected {
    Collected { data: [(field.to_owned(), Datum::Plain(json!(field)))].into(), ..Collected::default() }
}

fn change(step: &str, key_version: u32, from: &'static [StepState], to: StepState, at: i64) -> Change {
    Change {
        from,
        audit: Some(AuditEntry {
            at,
            operator: "op_1".to_owned(),
            step: step.to_owned(),
            action: OperatorAction::Approve,
            reason: "reviewed".to_owned(),
        }),
        ..Change::waiting(step, key_version, to, at)
    }
}

/// The contract of [`Applicants`]. `new_id` MUST return a unique id each time; `now` is in milliseconds since the Unix epoch.
///
/// # Panics
///
/// If a promise is broken.
#[expect(clippy::unwrap_used, reason = "a suite fails by panicking")]
pub async fn applicants(store: &impl Applicants, new_id: impl Fn() -> String, now: i64) {
    let begun = async || {
        let applicant = applicant(new_id(), now);
        assert!(store.create(&applicant).await.unwrap().is_none());
        applicant.id
    };
    let stored = async |id: &str| store.applicant(id).await.unwrap().unwrap();

    // An id is created once; a second creation gets the stored applicant.
    let id = begun().await;
    let second = Applicant { owner: "second".to_owned(), ..applicant(id.clone(), now) };
    assert_eq!(store.create(&second).await.unwrap().unwrap().owner, "first");
    assert_eq!(stored(&id).await, applicant(id.clone(), now), "a read returns the written applicant");
    assert!(store.applicant(&new_id()).await.unwrap().is_none());

    // One of two concurrent claims is granted; after its lease expires another is, and the first claim is lost.
    let first = claim(&id, PROFILE, now, ENDED);
    let claimed = store.claim(&first, &note("first")).await.unwrap();
    assert_eq!((claimed.steps.entry(PROFILE).unwrap().state, claimed.version), (StepState::Running, 2));
    let held = claim(&id, PROFILE, now, HELD);
    store.claim(&held, &note("second")).await.unwrap();
    assert!(matches!(store.claim(&claim(&id, PROFILE, now, HELD + 1), &note("x")).await, Err(ClaimRefused::ConditionFailed(_))));
    let progress = Progress { reference: None, response: Some(json!({ "seen": true })), note: note("seen") };
    assert!(matches!(store.complete(&first, StepState::Done, &progress).await, Err(StorageError::ClaimLost)));
    store.remember(&held, "ref", &note("reference")).await.unwrap();
    store.complete(&held, StepState::Done, &progress).await.unwrap();
    let after = stored(&id).await;
    let entry = after.steps.entry(PROFILE).unwrap();
    assert_eq!((entry.state, entry.attempts, entry.reference.as_deref()), (StepState::Done, 2, Some("ref")));
    assert_eq!(entry.response, Some(json!({ "seen": true })));
    assert_eq!(after.data.keys().map(String::as_str).collect::<Vec<_>>(), ["first", "reference", "second", "seen"]);
    assert_eq!(after.version, 5, "each write counts");
    assert!(
        matches!(store.claim(&held, &note("x")).await, Err(ClaimRefused::ConditionFailed(_))),
        "a complete step is not claimed again"
    );
    assert!(matches!(store.claim(&claim(&id, "nothing", now, HELD), &note("x")).await, Err(ClaimRefused::NotFound)));
    assert!(matches!(store.claim(&claim(&new_id(), PROFILE, now, HELD), &note("x")).await, Err(ClaimRefused::NotFound)));

    // A released entry may be claimed again, and records its failure.
    let held = claim(&id, DETAILS, now, HELD);
    store.claim(&held, &Collected::default()).await.unwrap();
    let failure = Failure { code: "Test.Failed".to_owned(), message: "too far".to_owned(), advice: "Try again.".to_owned() };
    store.release(&held, &failure, Release::Retry).await.unwrap();
    assert_eq!(
        stored(&id).await.steps.entry(DETAILS).unwrap().failure.as_ref().map(|failure| failure.code.as_str()),
        Some("Test.Failed")
    );
    store.claim(&held, &Collected::default()).await.unwrap();

    // A wait is registered for the awaited key only, and a change applies from the given states only.
    store
        .complete(&held, StepState::Waiting, &Progress { reference: None, response: None, note: Collected::default() })
        .await
        .unwrap();
    let key_version = stored(&id).await.steps.entry(DETAILS).unwrap().key_version;
    let awaited = |key_version| Awaited {
        id: id.clone(),
        step: DETAILS.to_owned(),
        key_version,
        reminder_seconds: 60,
        reminders: 1,
        correlation_id: "contract".to_owned(),
    };
    let version = stored(&id).await.version;
    assert!(store.register(&awaited(key_version), "token").await.unwrap());
    assert!(!store.register(&awaited(key_version + 1), "another").await.unwrap());
    let waiting = stored(&id).await;
    assert_eq!((waiting.steps.entry(DETAILS).unwrap().task_token.as_deref(), waiting.version), (Some("token"), version));
    let wrong_key = change(DETAILS, key_version + 1, &[StepState::Waiting], StepState::Done, now);
    let wrong_state = change(DETAILS, key_version, &[StepState::Failed], StepState::Done, now);
    for wrong in [wrong_key, wrong_state] {
        assert!(matches!(store.change(&id, &wrong).await, Err(Refused::ConditionFailed(_))), "{wrong:?}");
    }
    let approved = store.change(&id, &change(DETAILS, key_version, &[StepState::Waiting], StepState::Done, now)).await.unwrap();
    assert_eq!(approved.steps.entry(DETAILS).unwrap().state, StepState::Done);
    assert_eq!((approved.audit.len(), approved.version), (1, version + 1));
    assert!(approved.sweep_at.is_some_and(|at| at > now), "a sweep is scheduled");
    assert_eq!(stored(&id).await, approved);
    let unknown = store.change(&new_id(), &change(DETAILS, 1, &[StepState::Pending], StepState::Done, now)).await;
    assert!(matches!(unknown, Err(Refused::NotFound | Refused::ConditionFailed(_))), "{unknown:?}");

    // A rest applies to its version only, and does not count as a write.
    store.rest(&id, approved.version - 1, None).await.unwrap();
    assert!(stored(&id).await.sweep_at.is_some());
    store.rest(&id, approved.version, Some(HELD)).await.unwrap();
    assert_eq!((stored(&id).await.sweep_at, stored(&id).await.version), (Some(HELD), approved.version));
    store.rest(&id, approved.version, None).await.unwrap();
    assert_eq!((stored(&id).await.sweep_at, stored(&id).await.sweep_shard), (None, None));

    // An applicant is replaced only from the last version.
    let mut next = stored(&id).await;
    next.version += 2;
    assert!(matches!(store.replace(&next).await, Err(Refused::ConditionFailed(_))));
    next.version -= 1;
    next.status = ApplicantStatus::Erased;
    store.replace(&next).await.unwrap();
    assert_eq!(stored(&id).await, next);

    // The step that completes an application closes it, and a closed one takes no claims.
    let closed = begun().await;
    let last = claim(&closed, DETAILS, now, HELD);
    store.claim(&last, &Collected { sweep_at: Some(HELD), ..Collected::default() }).await.unwrap();
    assert_eq!(stored(&closed).await.sweep_at, Some(HELD));
    let activated = Collected { activated_until: Some(HELD), ..Collected::default() };
    store.complete(&last, StepState::Done, &Progress { reference: None, response: None, note: activated }).await.unwrap();
    let active = stored(&closed).await;
    assert_eq!((active.status, active.ttl, active.sweep_at), (ApplicantStatus::Active, HELD, None));
    assert!(active.is_closed());
    assert!(matches!(store.claim(&claim(&closed, PROFILE, now, HELD), &note("x")).await, Err(ClaimRefused::ConditionFailed(_))));
    // So does a change from outside that completes it.
    let other = begun().await;
    let waits = claim(&other, DETAILS, now, HELD);
    store.claim(&waits, &Collected { sweep_at: Some(HELD), ..Collected::default() }).await.unwrap();
    store
        .complete(&waits, StepState::Waiting, &Progress { reference: None, response: None, note: Collected::default() })
        .await
        .unwrap();
    let key_version = stored(&other).await.steps.entry(DETAILS).unwrap().key_version;
    let approval =
        Change { activated_until: Some(HELD), ..change(DETAILS, key_version, &[StepState::Waiting], StepState::Done, now) };
    let active = store.change(&other, &approval).await.unwrap();
    assert_eq!((active.status, active.ttl, active.sweep_at), (ApplicantStatus::Active, HELD, None));
    assert_eq!(stored(&other).await, active);
    let late = store.change(&closed, &change(PROFILE, key_version, &[StepState::Pending], StepState::Done, now)).await;
    assert!(matches!(late, Err(Refused::ConditionFailed(_))), "{late:?}");
}
