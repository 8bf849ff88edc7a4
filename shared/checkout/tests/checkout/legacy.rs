use carryout_checkout::{
    legacy::{LegacyOrder, LegacySink as _, newest_of_each},
    market::{Country, MarketType},
    order::OrderStatus,
    workflows::orchestrator,
};
use carryout_environment::Failure;
use carryout_testing::{FakeLegacySink, PlainSeal, samples};
use futures::FutureExt as _;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// Orders `a`, `b`, `c` at versions up to 12: repeated, reordered, with gaps, cut into batches anywhere.
fn deliveries() -> impl Strategy<Value = Vec<Vec<(char, u64)>>> {
    let message = (prop_oneof![Just('a'), Just('b'), Just('c')], 1..=12_u64);
    prop::collection::vec(prop::collection::vec(message, 0..10), 0..20)
}

proptest! {
    #[test]
    fn however_messages_are_reordered_and_repeated_the_sink_ends_with_the_newest_version(batches in deliveries()) {
        let sink = FakeLegacySink::default();
        let mut newest = BTreeMap::new();
        for batch in &batches {
            for (id, version) in batch {
                let known = newest.entry(*id).or_insert(0);
                *known = (*version).max(*known);
            }
            let orders = batch.iter().map(|(id, version)| LegacyOrder { version: *version, ..samples::legacy_order(&id.to_string()) });
            for order in newest_of_each(orders) {
                sink.upsert(&order).now_or_never().unwrap().unwrap();
            }
            for id in ['a', 'b', 'c'] {
                prop_assert_eq!(sink.held(&id.to_string()).map(|order| order.version), newest.get(&id).copied());
            }
        }
    }
}

#[test]
fn only_the_newest_version_of_each_order_is_sent_and_orders_keep_their_places() {
    let at = |id: &str, version| LegacyOrder { version, ..samples::legacy_order(id) };
    let sent = newest_of_each([at("a", 1), at("b", 5), at("a", 3), at("b", 4), at("a", 2)]);
    assert_eq!(sent, [at("a", 3), at("b", 5)]);
}

#[test]
fn an_order_is_mirrored_in_the_documented_shape() {
    let store = samples::store("sto_1", Country::US, MarketType::Restaurant);
    let workflow = orchestrator().pick("US", "restaurant").unwrap().clone();
    let mut order = samples::order("ord_1", "quo_1", &store, &workflow, &PlainSeal::default());
    order.status = OrderStatus::Failed;
    order.failure = Some(Failure { code: "Payment.Declined".to_owned(), message: "no funds".to_owned(), advice: String::new() });
    order.version = 9;
    order.updated_at += 1_500;
    assert_eq!(
        serde_json::to_value(LegacyOrder::from(&order)).unwrap(),
        json!({
            "id": "ord_1",
            "version": 9,
            "status": "FAILED",
            "failure": "Payment.Declined",
            "consumer": { "id": "con_sample", "name": "Ada Example" },
            "store": { "id": "sto_1", "name": "Golden Wok" },
            "country": "US",
            "fulfilment": "delivery",
            "lines": [
                { "item_id": "itm_sto_1_ramen", "name": "Ramen", "quantity": 1, "amount": { "minor": 1_450, "currency": "USD" } },
                { "item_id": "itm_sto_1_gyoza", "name": "Gyoza", "quantity": 1, "amount": { "minor": 725, "currency": "USD" } },
            ],
            "total": { "minor": 2_175, "currency": "USD" },
            "created_at": samples::NOON,
            "updated_at": samples::NOON + 1_500,
            "correlation_id": "corr-ord_1",
        })
    );
}
