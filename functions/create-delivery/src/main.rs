//! Step: books a courier.

use carryout_aws::{Aws, DynamoStatusStore};
use carryout_checkout::steps::create_delivery::CreateDelivery;
use carryout_lambda::{Error, config::Reader, step::run_effect, telemetry};
use carryout_partners::{Http, HttpLogistics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    let logistics = config.required("LOGISTICS_URL");
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = CreateDelivery { logistics: HttpLogistics::new(Http::default(), logistics) };
    run_effect(step, DynamoStatusStore::new(&aws, orders)).await
}
