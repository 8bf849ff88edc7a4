//! Takes signed callbacks from partners.

use carryout_aws::{
    Aws, DynamoAnswers, DynamoApplicants, DynamoLedgers, DynamoMarkets, ManagedSecret, SfnCallbacks, SfnWaits, SqsAdvanceQueue,
};
use carryout_checkout::steps::await_merchant::AwaitMerchant;
use carryout_lambda::{Error, clock::SystemClock, config::Reader, run_http, telemetry};
use carryout_onboarding::{Onboarding, Ports};
use carryout_partners::{Http, StripePayments};
use receive_webhooks::{payments::Payments, vendors::VendorAnswers};
use std::sync::Arc;

/// The ports of onboarding that this function has.
struct Wiring;

impl Ports for Wiring {
    type Applicants = DynamoApplicants;
    type Vendors = ();
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
    let (orders, secret) = (config.required("ORDERS_TABLE"), config.required("WEBHOOK_SECRET"));
    let (payment, key) = (config.required("PAYMENT_URL"), config.required("PAYMENT_SECRET"));
    let events = config.required("PAYMENT_WEBHOOK_SECRET");
    let answers = config.required("VENDOR_WEBHOOK_SECRET");
    let (applicants, control) = (config.required("APPLICANTS_TABLE"), config.required("CONTROL_TABLE"));
    let (queue, machine) = (config.required("APPLICANTS_QUEUE_URL"), config.required("WAIT_STATE_MACHINE"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let step = AwaitMerchant { answers: DynamoAnswers::new(&aws, &orders), callbacks: SfnCallbacks::new(&aws) };
    let payments = Payments {
        ledgers: DynamoLedgers::new(&aws, orders),
        payments: StripePayments::new(Http::default(), payment, ManagedSecret::new(&aws, key)),
        secret: ManagedSecret::new(&aws, events),
    };
    let onboarding = Onboarding::<Wiring> {
        applicants: DynamoApplicants::new(&aws, applicants),
        vendors: (),
        vault: (),
        documents: (),
        queue: SqsAdvanceQueue::new(&aws, queue),
        waits: SfnWaits::new(&aws, machine),
        legacy: (),
        markets: DynamoMarkets::new(&aws, control),
        clock: SystemClock,
    };
    let vendors = VendorAnswers { onboarding, secret: ManagedSecret::new(&aws, answers) };
    let wired = Arc::new((step, ManagedSecret::new(&aws, secret), payments, vendors));
    run_http(move |request| {
        let wired = Arc::clone(&wired);
        async move {
            match request.route.as_str() {
                "/v1/webhooks/vendors" => wired.3.handle(&request).await,
                "/v1/webhooks/payments" => wired.2.handle(&SystemClock, &request).await,
                _ => receive_webhooks::handle(&wired.0, &wired.1, &SystemClock, &request).await,
            }
        }
    })
    .await
}
