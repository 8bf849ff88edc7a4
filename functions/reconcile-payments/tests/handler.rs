//! One reconciliation over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    order::Order,
    ports::{Payments as _, Reports as _},
    reconcile::{Reconcile, SETTLED_AFTER_MS},
    workflows::orchestrator,
};
use carryout_lambda::metrics::Metrics;
use carryout_market::{MarketType, ids};
use carryout_testing::{
    FakePayments, FakeReports, Fault, ManualClock, PlainSeal, Store,
    samples::{self, NOON},
};
use reconcile_payments::handle;

/// The payment of an order that is not there, taken.
async fn orphan(payments: &FakePayments) -> Order {
    let shop = samples::store("sto_1", ids::US, MarketType::Restaurant);
    let orchestrator = orchestrator();
    let workflow = orchestrator.pick("US", "restaurant").unwrap();
    let order = samples::order("ord_gone", "quo_1", &shop, workflow, &PlainSeal::default());
    let intent = payments.create("k", &order).await.unwrap();
    payments.confirm("k", &intent.id, "pm_card_visa").await.unwrap();
    payments.capture("k", &intent.id, order.total()).await.unwrap();
    order
}

#[tokio::test]
async fn what_is_wrong_is_mended_counted_and_reported() {
    let clock = ManualClock::at(NOON);
    let (payments, store, reports) = (FakePayments::new(&clock, true), Store::new(&clock), FakeReports::default());
    let order = orphan(&payments).await;
    clock.advance(SETTLED_AFTER_MS);
    let reconcile = Reconcile {
        payments: payments.clone(),
        orders: store.clone(),
        ledgers: store,
        reports: reports.clone(),
        clock,
        settled_after: SETTLED_AFTER_MS,
    };
    let metrics = Metrics::new("Test", "reconcile-payments");
    payments.faults().script("list", Fault::Unavailable);
    let error = handle(&reconcile, 0, &metrics).await.unwrap_err();
    assert_eq!(error.code, "Payment.Unavailable");
    assert!(reports.latest().await.unwrap().is_none(), "what was not looked at is not reported");
    let counted = handle(&reconcile, 0, &metrics).await.unwrap();
    assert_eq!((&counted["refunded"], &counted["finished"]), (&1.into(), &true.into()));
    assert!(payments.books(&order.id).is_clean());
    assert_eq!(reports.latest().await.unwrap().unwrap().findings.len(), 1);
}
