//! Step: asks whether the order looks like fraud.

use carryout_aws::{Aws, DynamoStatusStore};
use carryout_checkout::steps::check_fraud::CheckFraud;
use carryout_lambda::{Error, config::Reader, step::run_effect, telemetry};
use carryout_partners::{Http, HttpFraud};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    let fraud = config.required("FRAUD_URL");
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = CheckFraud { fraud: HttpFraud::new(Http::default(), fraud) };
    run_effect(step, DynamoStatusStore::new(&aws, orders)).await
}
