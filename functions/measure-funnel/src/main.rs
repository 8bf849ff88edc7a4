//! Counts how many applicants come how far, as metrics.

use carryout_aws::{Aws, DynamoApplicantPages, DynamoMarkets};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (applicants, control) = (config.required("APPLICANTS_TABLE"), config.required("CONTROL_TABLE"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired = Arc::new((DynamoApplicantPages::new(&aws, applicants), DynamoMarkets::new(&aws, control), Metrics::from_env()));
    run_schedule(move |_| {
        let wired = Arc::clone(&wired);
        async move { measure_funnel::handle(&wired.0, &wired.1, &SystemClock, &wired.2).await }
    })
    .await
}
