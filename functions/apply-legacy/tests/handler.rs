//! Messages of the legacy queue over an in-memory sink.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use apply_legacy::handle;
use carryout_lambda::{Invocation, batch::handle_batch, metrics::Metrics};
use carryout_migration::mirror::LegacyOrder;
use carryout_testing::{
    FakeLegacySink, ManualClock,
    samples::{self, NOON},
};
use serde_json::{Value, json};

fn message(id: &str, version: u64) -> Value {
    let order = LegacyOrder { version, ..samples::legacy_order(id) };
    let body = serde_json::to_string(&order).unwrap();
    json!({ "messageId": format!("{id}-{version}"), "body": body, "attributes": { "MessageGroupId": id } })
}

/// Handles a batch; returns the ids of the messages that come back.
async fn apply(sink: &FakeLegacySink, messages: &[Value]) -> Vec<String> {
    let (clock, metrics) = (ManualClock::at(NOON + 2_000), Metrics::new("Carryout", "apply-legacy"));
    let event = json!({ "Records": messages });
    let answer = handle_batch(event, Invocation::default(), &|message, _| {
        let (sink, clock, metrics) = (sink.clone(), clock.clone(), metrics.clone());
        async move { handle(&sink, &clock, &metrics, &message).await }
    })
    .await
    .unwrap();
    let failed = answer["batchItemFailures"].as_array().unwrap().iter();
    failed.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

fn version(sink: &FakeLegacySink, id: &str) -> Option<u64> {
    sink.held(id).map(|order| order.version)
}

#[tokio::test]
async fn the_newest_version_stays_and_an_old_one_is_done_with() {
    let sink = FakeLegacySink::default();
    for versions in [[1, 4], [3, 2], [4, 4]] {
        let failed = apply(&sink, &versions.map(|version| message("ord_1", version))).await;
        assert!(failed.is_empty());
    }
    assert_eq!(version(&sink, "ord_1"), Some(4));
}

#[tokio::test]
async fn what_a_failing_sink_did_not_take_comes_back_in_its_order() {
    let sink = FakeLegacySink::default();
    sink.fail_next(1);
    let messages = [message("ord_1", 1), message("ord_1", 2)];
    assert_eq!(apply(&sink, &messages).await, ["ord_1-1", "ord_1-2"]);
    assert_eq!(version(&sink, "ord_1"), None);
    assert!(apply(&sink, &messages).await.is_empty());
    assert_eq!(version(&sink, "ord_1"), Some(2));
}

#[tokio::test]
async fn a_message_that_is_no_order_comes_back_and_stops_nobody_else() {
    let sink = FakeLegacySink::default();
    let malformed = json!({ "messageId": "m", "body": "{}", "attributes": { "MessageGroupId": "ord_2" } });
    assert_eq!(apply(&sink, &[malformed, message("ord_1", 1)]).await, ["m"]);
    assert_eq!(version(&sink, "ord_1"), Some(1));
}
