//! The function of the waiting machine.

use await_vendor::AwaitVendor;
use carryout_aws::{Aws, DynamoApplicants, DynamoMarkets, SfnWaits, SqsAdvanceQueue};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, run_task, telemetry};
use carryout_onboarding::{Onboarding, Ports};
use carryout_partners::{Http, HttpVendors};
use std::sync::Arc;

/// The ports of this function: those of waits.
struct Wiring;

impl Ports for Wiring {
    type Applicants = DynamoApplicants;
    type Vendors = HttpVendors;
    type Vault = ();
    type Documents = ();
    type Queue = SqsAdvanceQueue;
    type Waits = SfnWaits;
    type Legacy = ();
    type Markets = DynamoMarkets;
    type Clock = SystemClock;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (applicants, control) = (config.required("APPLICANTS_TABLE"), config.required("CONTROL_TABLE"));
    let (queue, machine) = (config.required("APPLICANTS_QUEUE_URL"), config.required("WAIT_STATE_MACHINE"));
    let (vendors, answer_to) = (config.required("VENDORS_URL"), config.required("VENDOR_WEBHOOK_URL"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let function = Arc::new(AwaitVendor(Onboarding::<Wiring> {
        applicants: DynamoApplicants::new(&aws, applicants),
        vendors: HttpVendors::new(Http::default(), vendors, answer_to),
        vault: (),
        documents: (),
        queue: SqsAdvanceQueue::new(&aws, queue),
        waits: SfnWaits::new(&aws, machine),
        legacy: (),
        markets: DynamoMarkets::new(&aws, control),
        clock: SystemClock,
    }));
    run_task(move |event, _| {
        let function = Arc::clone(&function);
        async move { function.handle(event).await }
    })
    .await
}
