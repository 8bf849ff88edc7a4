//! Finds orders past their deadline and drives them on.

use carryout_aws::{Aws, DynamoStuckOrders, SfnExecutions};
use carryout_checkout::workflows::orchestrator;
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, prefix) = (config.required("ORDERS_TABLE"), config.required("STATE_MACHINE_PREFIX"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let stuck = DynamoStuckOrders::new(&aws, orders);
    let wired = Arc::new((stuck, SfnExecutions::new(&aws, prefix), orchestrator(), Metrics::from_env()));
    run_schedule(move |_| {
        let wired = Arc::clone(&wired);
        async move { sweep_orders::handle(&wired.0, &wired.1, &wired.2, &SystemClock, &wired.3).await }
    })
    .await
}
