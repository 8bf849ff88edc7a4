//! Batches of the orders' stream over an in-memory queue.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::order::OrderStatus;
use carryout_lambda::metrics::Metrics;
use carryout_testing::FakeLegacyQueue;
use mirror_orders::handle;
use serde_json::{Value, json};

fn event() -> Value {
    let path = format!("{}/../../events/dynamodb/orders-written.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn metrics() -> Metrics {
    Metrics::new("Carryout", "mirror-orders")
}

#[tokio::test]
async fn the_newest_version_of_a_written_order_is_sent() {
    let queue = FakeLegacyQueue::default();
    handle(&queue, &metrics(), event()).await.unwrap();
    let sent = queue.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].version, sent[0].status), (2, OrderStatus::Processing));
}

#[tokio::test]
async fn a_batch_that_could_not_be_sent_whole_comes_again_whole() {
    let queue = FakeLegacyQueue::default();
    queue.fail_next(1);
    assert_eq!(handle(&queue, &metrics(), event()).await.unwrap_err().code, "Storage.Unavailable");
    handle(&queue, &metrics(), event()).await.unwrap();
    assert_eq!(queue.sent().last().map(|order| order.version), Some(2));
}

#[tokio::test]
async fn a_record_that_can_not_be_read_stops_nobody_else() {
    let queue = FakeLegacyQueue::default();
    let mut event = event();
    let records = event["Records"].as_array_mut().unwrap();
    records.insert(0, json!({ "eventID": "e-0", "dynamodb": { "NewImage": { "id": { "S": "ord_broken" } } } }));
    records.insert(0, json!({ "eventID": "e-1", "dynamodb": { "Keys": { "id": { "S": "ord_removed" } } } }));
    handle(&queue, &metrics(), event).await.unwrap();
    assert_eq!(queue.sent().len(), 1);
}

#[tokio::test]
async fn another_event_is_refused() {
    let queue = FakeLegacyQueue::default();
    assert_eq!(handle(&queue, &metrics(), json!({ "id": 1 })).await.unwrap_err().code, "Storage.Corrupt");
}
