//! Publishes the funnel of applicants as metrics.

use carryout_aws::{Aws, DynamoApplicantPages, DynamoMarkets};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use measure_funnel::{MeasureFunnel, Ports};
use std::sync::Arc;

/// The ports of this function.
struct Wiring;

impl Ports for Wiring {
    type Applicants = DynamoApplicantPages;
    type Markets = DynamoMarkets;
    type Clock = SystemClock;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (applicants, control) = (config.required("APPLICANTS_TABLE"), config.required("CONTROL_TABLE"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let function = Arc::new(MeasureFunnel::<Wiring> {
        applicants: DynamoApplicantPages::new(&aws, applicants),
        markets: DynamoMarkets::new(&aws, control),
        clock: SystemClock,
        metrics: Metrics::from_env(),
    });
    run_schedule(move |_| {
        let function = Arc::clone(&function);
        async move { function.handle().await }
    })
    .await
}
