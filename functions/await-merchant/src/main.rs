//! Step: waits for the merchant's answer.

use carryout_aws::{Aws, DynamoAnswers, SfnCallbacks};
use carryout_checkout::steps::await_merchant::AwaitMerchant;
use carryout_lambda::{Error, config::Reader, step::run_local, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = Arc::new(AwaitMerchant { answers: DynamoAnswers::new(&aws, orders), callbacks: SfnCallbacks::new(&aws) });
    run_local(move |input, now| {
        let step = Arc::clone(&step);
        async move { step.process(&input, now).await }
    })
    .await
}
