//! One sweep over in-memory ports.

use carryout_checkout::{
    market::{Country, MarketType},
    memory::{
        FakeExecutions, ManualClock, PlainSeal, Store,
        samples::{self, NOON},
    },
    ports::{IdempotencyKey, Quotes as _, Submission, Submissions as _},
    workflows::orchestrator,
};
use carryout_lambda::metrics::Metrics;
use sweep_orders::handle;

#[tokio::test]
async fn what_is_stuck_is_driven_on_and_counted() {
    let clock = ManualClock::at(NOON);
    let (store, executions) = (Store::new(&clock), FakeExecutions::default());
    let shop = samples::store("sto_1", Country::US, MarketType::Restaurant);
    for id in ["ord_1", "ord_2"] {
        let orchestrator = orchestrator();
        let workflow = orchestrator.pick("US", "restaurant").unwrap();
        let order = samples::order(id, &format!("quo_{id}"), &shop, workflow, &PlainSeal::default());
        store.save(&order.quote, &samples::context()).await.unwrap();
        let key = IdempotencyKey { record_id: id.to_owned(), validation: "v".to_owned() };
        let submission = Submission { order, key, answer: "{}".to_owned(), remember_until: i64::MAX, stuck_at: NOON };
        store.submit(&submission).await.unwrap();
    }
    let metrics = Metrics::new("Test", "sweep-orders");
    executions.fail_next(1);
    let counted = handle(&store, &store.refunds(), &executions, &clock, &metrics).await.unwrap();
    assert_eq!(
        counted.to_string(),
        r#"{"orders":{"failed":1,"resumed":0,"running":0,"started":1},"refunds":{"failed":0,"resumed":0,"running":0,"started":0}}"#
    );
    assert_eq!(executions.started().len(), 1);
}
