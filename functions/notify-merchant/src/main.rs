//! Step: sends the order to the merchant.

use carryout_aws::{Aws, DynamoStatusStore};
use carryout_checkout::steps::notify_merchant::NotifyMerchant;
use carryout_lambda::{Error, config::Reader, step::run_effect, telemetry};
use carryout_partners::{Http, HttpMerchants};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    let merchants = config.required("MERCHANT_URL");
    let answer_to = config.required("MERCHANT_WEBHOOK_URL");
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = NotifyMerchant { merchants: HttpMerchants::new(Http::default(), merchants, answer_to) };
    run_effect(step, DynamoStatusStore::new(&aws, orders)).await
}
