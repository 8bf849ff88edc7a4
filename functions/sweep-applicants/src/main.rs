//! Finds applicants whose steps stopped halfway, and requests that they are advanced.

use carryout_aws::{Aws, DynamoApplicants, DynamoStuckOrders, SqsAdvanceQueue};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use carryout_onboarding::{Onboarding, Ports, applicant::Applicant};
use std::sync::Arc;
use sweep_applicants::SweepApplicants;

/// The ports of this function.
struct Wiring;

impl Ports for Wiring {
    type Applicants = DynamoApplicants;
    type Vendors = ();
    type Vault = ();
    type Documents = ();
    type Queue = SqsAdvanceQueue;
    type Waits = ();
    type Legacy = ();
    type Markets = ();
    type Clock = SystemClock;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (applicants, queue) = (config.required("APPLICANTS_TABLE"), config.required("APPLICANTS_QUEUE_URL"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let stuck = DynamoStuckOrders::<Applicant>::new(&aws, &applicants);
    let onboarding = Onboarding::<Wiring> {
        applicants: DynamoApplicants::new(&aws, applicants),
        vendors: (),
        vault: (),
        documents: (),
        queue: SqsAdvanceQueue::new(&aws, queue),
        waits: (),
        legacy: (),
        markets: (),
        clock: SystemClock,
    };
    let function = Arc::new(SweepApplicants { stuck, onboarding, metrics: Metrics::from_env() });
    run_schedule(move |_| {
        let function = Arc::clone(&function);
        async move { function.handle().await }
    })
    .await
}
