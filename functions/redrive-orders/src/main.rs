//! Parked orders, for operators: lists them, and takes the undo of one up again.

use carryout_aws::{Aws, DynamoParkedOrders, SfnExecutions};
use carryout_checkout::workflows::orchestrator;
use carryout_lambda::{Error, clock::SystemClock, config::Reader, run_http, telemetry, token::TokenVerifier};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, prefix) = (config.required("ORDERS_TABLE"), config.required("STATE_MACHINE_PREFIX"));
    let tokens = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired = Arc::new((DynamoParkedOrders::new(&aws, orders), SfnExecutions::new(&aws, prefix), orchestrator(), tokens));
    run_http(move |request| {
        let wired = Arc::clone(&wired);
        async move { redrive_orders::handle(&wired.0, &wired.1, &wired.2, &SystemClock, &wired.3, &request).await }
    })
    .await
}
