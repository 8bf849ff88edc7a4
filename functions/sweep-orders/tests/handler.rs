//! One sweep over in-memory ports.

use carryout_lambda::metrics::Metrics;
use carryout_market::ids;
use carryout_testing::{
    FakeExecutions, ManualClock, Store,
    samples::{self, NOON},
};
use sweep_orders::handle;

#[tokio::test]
async fn what_is_stuck_is_driven_on_and_counted() {
    let clock = ManualClock::at(NOON);
    let (store, executions) = (Store::new(&clock), FakeExecutions::default());
    for id in ["ord_1", "ord_2"] {
        let order = samples::restaurant_order(id, ids::US).unwrap();
        samples::submit(&store, order).await.unwrap();
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
