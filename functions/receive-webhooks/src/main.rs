//! Takes signed callbacks from partners.

use carryout_aws::{Aws, DynamoAnswers, ManagedSecret, SfnCallbacks};
use carryout_checkout::steps::await_merchant::AwaitMerchant;
use carryout_lambda::{Error, clock::SystemClock, config::Reader, run_http, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, secret) = (config.required("ORDERS_TABLE"), config.required("WEBHOOK_SECRET"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = AwaitMerchant { answers: DynamoAnswers::new(&aws, orders), callbacks: SfnCallbacks::new(&aws) };
    let wired = Arc::new((step, ManagedSecret::new(&aws, secret)));
    run_http(move |request| {
        let wired = Arc::clone(&wired);
        async move { receive_webhooks::handle(&wired.0, &wired.1, &SystemClock, &request).await }
    })
    .await
}
