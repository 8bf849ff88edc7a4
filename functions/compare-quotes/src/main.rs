//! Compares sampled prices with the legacy system's.

use carryout_aws::{Aws, DynamoComparisons};
use carryout_lambda::{Error, config::Reader, metrics::Metrics, run_batch, telemetry};
use carryout_migration::partners::LEGACY;
use carryout_partners::{Http, HttpLegacyPrices};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (parity, legacy) = (config.required("PARITY_TABLE"), config.required("LEGACY_URL"));
    config.finish()?;

    let aws = Aws::from_env().await;
    // No caller waits for this answer, so the full timeout applies.
    let prices = HttpLegacyPrices::new(Http::default(), legacy, LEGACY);
    let wired = Arc::new((prices, DynamoComparisons::new(&aws, parity), Metrics::from_env()));
    run_batch(move |message, _| {
        let wired = Arc::clone(&wired);
        async move { compare_quotes::handle(&wired.0, &wired.1, &wired.2, &message).await }
    })
    .await
}
