//! The in-memory store keeps what the ports promise. The same suites run against DynamoDB in `tests/e2e`.

use carryout_market::{MarketType, ids};
use carryout_testing::{
    FakeComparisons, FakeLegacySink, FakeReports, FakeTrends, ManualClock, SequentialIds, Store,
    contract::{self, Fixture},
    samples::{self, NOON},
};

fn fixture() -> (Fixture<Store, Store, Store, SequentialIds>, Store) {
    let store = Store::new(&ManualClock::at(NOON));
    let shop = samples::store("sto_contract", ids::AU, MarketType::Restaurant);
    store.put_store(shop.clone());
    let all = store.clone();
    (
        Fixture { submissions: store.clone(), quotes: store.clone(), orders: store, ids: SequentialIds::default(), store: shop },
        all,
    )
}

#[tokio::test]
async fn catalog() {
    let (fixture, store) = fixture();
    contract::catalog(&fixture, &store).await;
}

#[tokio::test]
async fn consumers() {
    let (fixture, store) = fixture();
    let known = samples::consumer("con_1");
    store.put_consumer(known.clone());
    contract::consumers(&store, &known, &fixture.ids).await;
}

#[tokio::test]
async fn promotions() {
    let (_, store) = fixture();
    let known = samples::promotions();
    store.put_promotions(ids::US, known.clone());
    contract::promotions(&store, (ids::US, &known), ids::PR).await;
}

#[tokio::test]
async fn quotes() {
    contract::quotes(&fixture().0).await;
}

#[tokio::test]
async fn quote_records() {
    let (fixture, store) = fixture();
    contract::quote_records(&fixture, &store, &store).await;
}

#[tokio::test]
async fn submissions() {
    contract::submissions(&fixture().0).await;
}

#[tokio::test]
async fn status_store() {
    let (fixture, store) = fixture();
    contract::status_store(&fixture, &store, &store, &store).await;
}

#[tokio::test]
async fn ledgers() {
    let (fixture, store) = fixture();
    contract::ledgers(&fixture, &store, &store).await;
}

#[tokio::test]
async fn reports() {
    contract::reports(&FakeReports::default()).await;
}

#[tokio::test]
async fn comparisons() {
    contract::comparisons(&FakeComparisons::default()).await;
}

#[tokio::test]
async fn trends() {
    contract::trends(&FakeTrends::default()).await;
}

#[tokio::test]
async fn quote_locks() {
    let (fixture, store) = fixture();
    contract::quote_locks(&fixture, &store, &store).await;
}

#[tokio::test]
async fn reservations() {
    let (fixture, store) = fixture();
    contract::reservations(&fixture, &store, &store, &store).await;
}

#[tokio::test]
async fn limits() {
    let (fixture, store) = fixture();
    contract::limits(&fixture, &store, &store, &store).await;
}

#[tokio::test]
async fn closing() {
    let (fixture, store) = fixture();
    contract::closing(&fixture, &store, &store, &store).await;
}

#[tokio::test]
async fn answers() {
    let (fixture, store) = fixture();
    contract::answers(&fixture, &store, &store).await;
}

#[tokio::test]
async fn stuck_orders() {
    let (fixture, store) = fixture();
    contract::stuck_orders(&fixture, &store).await;
}

#[tokio::test]
async fn cancellations() {
    let (fixture, store) = fixture();
    contract::cancellations(&fixture, &store, &store, &store, &store, &store).await;
}

#[tokio::test]
async fn parked_orders() {
    let (fixture, store) = fixture();
    contract::parked_orders(&fixture, &store, &store, &store, &store).await;
}

#[tokio::test]
async fn refunds() {
    let (fixture, store) = fixture();
    let refunds = store.refunds();
    contract::refunds(&fixture, &store, &refunds, &refunds, &refunds, &refunds, &refunds).await;
}

#[tokio::test]
async fn legacy_sink() {
    let sink = FakeLegacySink::default();
    contract::legacy_sink(&sink, &SequentialIds::default(), async |id| sink.held(id).map(|order| order.version)).await;
}
