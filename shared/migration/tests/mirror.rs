//! The order mirror: delivery in any sequence, and the documented shape.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_market::{MarketType, ids};
use carryout_checkout::{
    order::OrderStatus,
    workflows::orchestrator,
};
use carryout_environment::Failure;
use carryout_migration::mirror::{LegacyOrder, LegacySink as _, newest_of_each};
use carryout_testing::{FakeLegacySink, PlainSeal, samples};
use futures::FutureExt as _;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// Batches with versions 1 to 12 of the orders `a`, `b` and `c`: duplicated, reordered, with gaps.
fn deliveries() -> impl Strategy<Value = Vec<Vec<(char, u64)>>> {
    let message = (prop_oneof![Just('a'), Just('b'), Just('c')], 1..=12_u64);
    prop::collection::vec(prop::collection::vec(message, 0..10), 0..20)
}

proptest! {
    #[test]
    fn sink_holds_the_newest_version_after_reordered_and_duplicated_messages(batches in deliveries()) {
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
fn newest_of_each_keeps_one_version_per_order_in_first_seen_sequence() {
    let at = |id: &str, version| LegacyOrder { version, ..samples::legacy_order(id) };
    let sent = newest_of_each([at("a", 1), at("b", 5), at("a", 3), at("b", 4), at("a", 2)]);
    assert_eq!(sent, [at("a", 3), at("b", 5)]);
}

#[test]
fn order_is_mirrored_in_the_documented_shape() {
    let store = samples::store("sto_1", ids::US, MarketType::Restaurant);
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
