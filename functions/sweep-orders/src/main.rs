//! Finds orders and refunds past their deadline and drives them on.

use carryout_aws::{Aws, DynamoStuckOrders, SfnExecutions};
use carryout_checkout::{order::Order, refund::OrderRefund};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, refunds) = (config.required("ORDERS_TABLE"), config.required("REFUNDS_TABLE"));
    let prefix = config.required("STATE_MACHINE_PREFIX");
    config.finish()?;

    let aws = Aws::from_env().await;
    let orders = DynamoStuckOrders::<Order>::new(&aws, orders);
    let refunds = DynamoStuckOrders::<OrderRefund>::new(&aws, refunds);
    let wired = Arc::new((orders, refunds, SfnExecutions::new(&aws, prefix), Metrics::from_env()));
    run_schedule(move |_| {
        let wired = Arc::clone(&wired);
        async move { sweep_orders::handle(&wired.0, &wired.1, &wired.2, &SystemClock, &wired.3).await }
    })
    .await
}
