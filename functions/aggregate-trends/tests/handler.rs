//! Batches of the quotes' stream over in-memory trends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aggregate_trends::handle;
use carryout_aws::quotes_made;
use carryout_lambda::metrics::Metrics;
use carryout_market::ids;
use carryout_price_monitoring::{Span, Statistics, Trends as _};
use carryout_pricing::PriceMeasure;
use carryout_testing::FakeTrends;
use serde_json::{Value, json};

/// When the quote of the event was made.
const MADE_AT: i64 = 1_780_416_000_000;

fn event() -> Value {
    let path = format!("{}/../../events/dynamodb/quotes-made.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn metrics() -> Metrics {
    Metrics::new("Carryout", "aggregate-trends")
}

async fn total(trends: &FakeTrends, span: Span) -> Statistics {
    trends.slot(ids::US, PriceMeasure::Total, span, span.start_of(MADE_AT)).await.unwrap().unwrap_or_default()
}

#[tokio::test]
async fn quote_counts_once_when_it_is_made() {
    let trends = FakeTrends::default();
    for _ in 0..2 {
        handle(&trends, &metrics(), event()).await.unwrap();
        for span in Span::ALL {
            assert_eq!((total(&trends, span).await.count(), total(&trends, span).await.sum), (1, 2_175));
        }
    }
}

#[tokio::test]
async fn redelivered_batch_counts_each_quote_once_after_a_partial_failure() {
    let trends = FakeTrends::default();
    let mut event = event();
    let mut second = event["Records"][0].clone();
    second["eventID"] = json!("second");
    event["Records"].as_array_mut().unwrap().push(second);
    trends.fail_next(1);
    assert_eq!(handle(&trends, &metrics(), event.clone()).await.unwrap_err().code, "Storage.Unavailable");
    handle(&trends, &metrics(), event).await.unwrap();
    assert_eq!(total(&trends, Span::Hour).await.count(), 2);
}

#[tokio::test]
async fn unreadable_record_does_not_block_the_others() {
    let trends = FakeTrends::default();
    let mut event = event();
    let mut nowhere = event["Records"][0].clone();
    nowhere["dynamodb"]["NewImage"]["market"] = json!({ "S": "nowhere" });
    let records = event["Records"].as_array_mut().unwrap();
    records.insert(0, nowhere);
    records
        .insert(0, json!({ "eventID": "e-0", "eventName": "INSERT", "dynamodb": { "NewImage": { "id": { "S": "broken" } } } }));
    records.insert(0, json!({ "eventID": "e-1", "eventName": "REMOVE", "dynamodb": { "Keys": { "id": { "S": "expired" } } } }));
    handle(&trends, &metrics(), event).await.unwrap();
    assert_eq!(total(&trends, Span::Hour).await.count(), 1);
}

#[test]
fn invalid_prices_and_repriced_orders_are_skipped() {
    let event = event();
    let wrong = |image: &mut serde_json::Map<String, Value>| {
        image.remove("price");
        image.insert("invalid".to_owned(), json!({ "S": "the price is wrong: the total is -1" }));
    };
    let again = |image: &mut serde_json::Map<String, Value>| {
        image.insert("reprices".to_owned(), json!({ "S": "ord_1" }));
    };
    for change in [&wrong as &dyn Fn(&mut serde_json::Map<String, Value>), &again] {
        let mut event = event.clone();
        change(event["Records"][0]["dynamodb"]["NewImage"].as_object_mut().unwrap());
        let found = quotes_made(event).unwrap();
        assert!(found.made.is_empty() && found.unreadable.is_empty(), "{found:?}");
    }
}
