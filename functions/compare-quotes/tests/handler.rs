//! Samples from the queue with an in-memory legacy system.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use carryout_lambda::{batch::Message, metrics::Metrics};
use carryout_market::ids;
use carryout_migration::parity::{Comparisons as _, LegacyPriceRequest, PriceSample};
use carryout_money::Currency;
use carryout_pricing::{Context, ContextLine, PriceMeasure, price};
use carryout_testing::{FakeComparisons, FakeLegacyPrices, samples::NOON};
use compare_quotes::handle;

fn message() -> Message {
    let context = Context::new(Currency::CAD, vec![ContextLine::new("itm_1", "Poutine", 3, 1_149)]);
    let ours = PriceMeasure::all_of(&price(&context).unwrap());
    let request = LegacyPriceRequest { quote_id: "quo_1".to_owned(), consumer_id: "con_1".to_owned(), market: ids::CA, context };
    let sample = PriceSample { request, ours, at: NOON, correlation_id: "c".to_owned() };
    Message { body: serde_json::to_string(&sample).unwrap(), ..Message::default() }
}

#[tokio::test]
async fn legacy_failure_loses_no_sample_and_a_duplicate_counts_once() {
    let (legacy, comparisons) = (FakeLegacyPrices::spoiling(|price| price.tip.minor += 5), FakeComparisons::default());
    let metrics = Metrics::new("Carryout", "compare-quotes");
    let compared = async || comparisons.between(ids::CA, NOON, NOON + 1).await.unwrap();
    legacy.fail_next(1);
    let refused = handle(&legacy, &comparisons, &metrics, &message()).await.unwrap_err();
    assert_eq!(refused.code, "Legacy.Unavailable");
    assert!(compared().await.is_empty());
    for _ in 0..2 {
        handle(&legacy, &comparisons, &metrics, &message()).await.unwrap();
        let found = compared().await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].differences.keys().collect::<Vec<_>>(), [&PriceMeasure::Tip]);
    }
}

#[tokio::test]
async fn malformed_message_is_redelivered() {
    let message = Message { body: "{}".to_owned(), ..Message::default() };
    let metrics = Metrics::new("Carryout", "compare-quotes");
    let refused = handle(&FakeLegacyPrices::default(), &FakeComparisons::default(), &metrics, &message).await.unwrap_err();
    assert_eq!(refused.code, "Message.Malformed");
}
