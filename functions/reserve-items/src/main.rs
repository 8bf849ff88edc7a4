//! Step: takes the items out of stock, and what is limited from its counters.

use carryout_aws::{Aws, DynamoReservations, DynamoStatusStore};
use carryout_checkout::steps::reserve_items::ReserveItems;
use carryout_lambda::{Error, config::Reader, step::run_effect, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    let stores = config.required("STORES_TABLE");
    let counters = config.required("COUNTERS_TABLE");
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = ReserveItems { reservations: DynamoReservations::new(&aws, &orders, stores, counters) };
    run_effect(step, DynamoStatusStore::new(&aws, orders)).await
}
