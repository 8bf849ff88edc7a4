//! Aggregates the prices of quotes into trends, measure by measure.

use carryout_aws::{Aws, DynamoTrends};
use carryout_lambda::{Error, config::Reader, metrics::Metrics, run_stream, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let trends = config.required("TRENDS_TABLE");
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired = Arc::new((DynamoTrends::new(&aws, trends), Metrics::from_env()));
    run_stream(move |event, _| {
        let wired = Arc::clone(&wired);
        async move { aggregate_trends::handle(&wired.0, &wired.1, event).await }
    })
    .await
}
