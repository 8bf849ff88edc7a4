//! Step: closes a refund with its order, or parks it.

use carryout_aws::{Aws, DynamoRefundClosing, SqsQueue};
use carryout_checkout::steps::complete_refund::CompleteRefund;
use carryout_lambda::{Error, config::Reader, step::run_local, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, refunds) = (config.required("ORDERS_TABLE"), config.required("REFUNDS_TABLE"));
    let parked = config.required("PARKED_QUEUE_URL");
    config.finish()?;

    let aws = Aws::from_env().await;
    let closing = DynamoRefundClosing::new(&aws, orders, refunds);
    let step = Arc::new(CompleteRefund { closing, pager: SqsQueue::new(&aws, parked) });
    run_local(move |input, now| {
        let step = Arc::clone(&step);
        async move { step.process(&input, now).await }
    })
    .await
}
