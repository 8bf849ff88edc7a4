//! Detects hours with anomalous prices.

use carryout_aws::{Aws, DynamoReports, DynamoTrends};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use carryout_market::Markets;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (trends, reports) = (config.required("TRENDS_TABLE"), config.required("REPORTS_TABLE"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired =
        Arc::new((DynamoTrends::new(&aws, trends), DynamoReports::new(&aws, reports), Metrics::from_env(), Markets::embedded()?));
    run_schedule(move |_| {
        let wired = Arc::clone(&wired);
        async move { watch_prices::handle(&wired.0, &wired.1, &wired.3, &SystemClock, &wired.2).await }
    })
    .await
}
