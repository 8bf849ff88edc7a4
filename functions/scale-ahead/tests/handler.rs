//! The scaler over in-memory adapters.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_environment::Clock;
use carryout_lambda::{Invocation, metrics::Metrics};
use carryout_scaling::{Mode, Override, Scaler, ScalingStore as _, Settings};
use carryout_testing::scaling::{FakeCapacity, FakeLoad, FakeSettings, FakeStore};
use jiff::{SignedDuration, Timestamp};
use scale_ahead::handle;
use serde_json::json;

const CHECKOUT: &str = "submit-checkout";

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> i64 {
        self.0.as_millisecond()
    }
}

fn now() -> Timestamp {
    "2026-02-03T17:31:07Z".parse().unwrap()
}

fn scaler() -> Scaler<FakeLoad, FakeStore, FakeCapacity, FakeSettings> {
    let until = now() + SignedDuration::from_hours(1);
    let overrides = [(CHECKOUT.to_owned(), Override { concurrency: 3, until, reason: None })];
    Scaler {
        load: FakeLoad::default(),
        store: FakeStore::default(),
        capacity: FakeCapacity::with_limit(100),
        settings: FakeSettings::of(Settings { mode: Mode::Apply, overrides: overrides.into(), ..Settings::default() }),
        functions: vec![CHECKOUT.to_owned()],
        queued: Vec::new(),
    }
}

fn due(at: &str) -> Invocation {
    Invocation { scheduled_at: Some(at.parse().unwrap()), ..Invocation::default() }
}

#[tokio::test]
async fn a_tick_is_that_of_its_event_and_happens_once() {
    let (scaler, metrics) = (scaler(), Metrics::new("Carryout", "scale-ahead"));
    let answer = handle(&scaler, &At(now()), &metrics, &due("2026-02-03T17:30:00Z")).await.unwrap();
    let changed = [json!({ "function": CHECKOUT, "set": 3 })];
    assert_eq!(answer, json!({ "outcome": "decided", "decided": 1, "changed": changed, "problems": 0 }));
    assert_eq!(scaler.capacity.of(CHECKOUT), 3);
    let again = handle(&scaler, &At(now()), &metrics, &due("2026-02-03T17:30:00Z")).await.unwrap();
    assert_eq!(again["outcome"], "over");
}

#[tokio::test]
async fn an_event_from_next_year_does_not_end_all_ticks_until_then() {
    let (scaler, metrics) = (scaler(), Metrics::new("Carryout", "scale-ahead"));
    handle(&scaler, &At(now()), &metrics, &due("2027-02-03T17:30:00Z")).await.unwrap();
    let decision = scaler.store.decision(CHECKOUT).await.unwrap().unwrap();
    assert!(decision.at <= now() + SignedDuration::from_mins(10), "{decision:?}");
}

#[tokio::test]
async fn settings_that_cannot_be_read_fail_the_function() {
    let (scaler, metrics) = (scaler(), Metrics::new("Carryout", "scale-ahead"));
    scaler.settings.change(None);
    let error = handle(&scaler, &At(now()), &metrics, &Invocation::default()).await.unwrap_err();
    assert_eq!(error.code, "Storage.Unavailable");
}
