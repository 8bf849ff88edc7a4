//! Step: closes the order as placed, failed or parked.

use carryout_aws::{Aws, DynamoClosing, DynamoOrders, SqsQueue};
use carryout_checkout::steps::complete_order::CompleteOrder;
use carryout_lambda::{Error, config::Reader, step::run_local, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, quotes) = (config.required("ORDERS_TABLE"), config.required("QUOTES_TABLE"));
    let parked = config.required("PARKED_QUEUE_URL");
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = Arc::new(CompleteOrder {
        orders: DynamoOrders::new(&aws, &orders),
        closing: DynamoClosing::new(&aws, orders, quotes),
        pager: SqsQueue::new(&aws, parked),
    });
    run_local(move |input, now| {
        let step = Arc::clone(&step);
        async move { step.process(&input, now).await }
    })
    .await
}
