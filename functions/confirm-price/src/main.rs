//! Step: the locked quote still holds.

use carryout_aws::{Aws, DynamoQuoteLocks};
use carryout_checkout::steps::confirm_price::ConfirmPrice;
use carryout_lambda::{Error, config::Reader, step::run_local, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, quotes) = (config.required("ORDERS_TABLE"), config.required("QUOTES_TABLE"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = Arc::new(ConfirmPrice { locks: DynamoQuoteLocks::new(&aws, orders, quotes) });
    run_local(move |input, now| {
        let step = Arc::clone(&step);
        async move { step.process(&input, now).await }
    })
    .await
}
