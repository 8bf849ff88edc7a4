//! Tells whether the service, and what it depends on, answers.

use carryout_aws::{Aws, DynamoOrders};
use carryout_lambda::{Error, config::Reader, run_http, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    config.finish()?;

    let aws = Aws::from_env().await;
    let orders = Arc::new(DynamoOrders::new(&aws, orders));
    run_http(move |request| {
        let orders = Arc::clone(&orders);
        async move { check_health::handle(orders.as_ref(), &request).await }
    })
    .await
}
