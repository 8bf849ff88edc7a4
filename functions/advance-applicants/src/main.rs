//! Runs the steps that need nothing from their applicant, begins waits, and mirrors progress.

use advance_applicants::AdvanceApplicants;
use carryout_aws::{Aws, DynamoApplicants, DynamoMarkets, EncryptingVault, KmsKeys, S3Documents, SfnWaits};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_batch, telemetry};
use carryout_onboarding::{Onboarding, Ports};
use carryout_partners::{Http, HttpLegacyApplicants, HttpVendors};
use std::sync::Arc;

/// The ports of this function: all but the queue that it reads from.
struct Wiring;

impl Ports for Wiring {
    type Applicants = DynamoApplicants;
    type Vendors = HttpVendors;
    type Vault = EncryptingVault<KmsKeys>;
    type Documents = S3Documents;
    type Queue = ();
    type Waits = SfnWaits;
    type Legacy = HttpLegacyApplicants;
    type Markets = DynamoMarkets;
    type Clock = SystemClock;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (applicants, control) = (config.required("APPLICANTS_TABLE"), config.required("CONTROL_TABLE"));
    let (key, bucket) = (config.required("PERSONAL_KEY"), config.required("DOCUMENTS_BUCKET"));
    let machine = config.required("WAIT_STATE_MACHINE");
    let (vendors, answer_to) = (config.required("VENDORS_URL"), config.required("VENDOR_WEBHOOK_URL"));
    let legacy = config.optional("LEGACY_URL").unwrap_or_default();
    config.finish()?;

    let aws = Aws::from_env().await;
    let http = Http::default();
    let onboarding = Onboarding::<Wiring> {
        applicants: DynamoApplicants::new(&aws, applicants),
        vendors: HttpVendors::new(http.clone(), vendors, answer_to),
        vault: EncryptingVault(KmsKeys::new(&aws, key)),
        documents: S3Documents::new(&aws, bucket),
        queue: (),
        waits: SfnWaits::new(&aws, machine),
        legacy: HttpLegacyApplicants::new(http, legacy),
        markets: DynamoMarkets::new(&aws, control),
        clock: SystemClock,
    };
    let function = Arc::new(AdvanceApplicants { onboarding, metrics: Metrics::from_env() });
    run_batch(move |message, invocation| {
        let function = Arc::clone(&function);
        async move { function.handle(&message, invocation.deadline_ms).await }
    })
    .await
}
