//! Finds applicants whose steps stopped halfway, and has them advanced.

use carryout_aws::{Aws, DynamoApplicants, DynamoStuckOrders, SqsNudges};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use carryout_onboarding::applicant::Applicant;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (applicants, queue) = (config.required("APPLICANTS_TABLE"), config.required("APPLICANTS_QUEUE_URL"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let stuck = DynamoStuckOrders::<Applicant>::new(&aws, &applicants);
    let applicants = DynamoApplicants::new(&aws, applicants);
    let wired = Arc::new((stuck, applicants, SqsNudges::new(&aws, queue), Metrics::from_env()));
    run_schedule(move |_| {
        let wired = Arc::clone(&wired);
        async move { sweep_applicants::handle((&wired.0, &wired.1), &wired.2, &SystemClock, &wired.3).await }
    })
    .await
}
