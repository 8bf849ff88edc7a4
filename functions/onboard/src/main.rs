//! Applications of couriers and merchants, over HTTP.

use carryout_aws::{Aws, DynamoApplicants, DynamoMarkets, EncryptingVault, KmsKeys, S3Documents, SfnWaits, SqsAdvanceQueue};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, ids::new_id, run_http, telemetry, token::TokenVerifier};
use carryout_onboarding::{Onboarding, Ports};
use carryout_partners::{Http, HttpLegacyApplicants, HttpVendors};
use onboard::Onboard;
use std::sync::Arc;

/// The ports of this function: all of them.
struct Wiring;

impl Ports for Wiring {
    type Applicants = DynamoApplicants;
    type Vendors = HttpVendors;
    type Vault = EncryptingVault<KmsKeys>;
    type Documents = S3Documents;
    type Queue = SqsAdvanceQueue;
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
    let (queue, machine) = (config.required("APPLICANTS_QUEUE_URL"), config.required("WAIT_STATE_MACHINE"));
    let (key, bucket) = (config.required("PERSONAL_KEY"), config.required("DOCUMENTS_BUCKET"));
    let (vendors, answer_to) = (config.required("VENDORS_URL"), config.required("VENDOR_WEBHOOK_URL"));
    let legacy = config.optional("LEGACY_URL").unwrap_or_default();
    let tokens = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    let http = Http::default();
    let onboarding = Onboarding::<Wiring> {
        applicants: DynamoApplicants::new(&aws, applicants),
        vendors: HttpVendors::new(http.clone(), vendors, answer_to),
        vault: EncryptingVault(KmsKeys::new(&aws, key)),
        documents: S3Documents::new(&aws, bucket),
        queue: SqsAdvanceQueue::new(&aws, queue),
        waits: SfnWaits::new(&aws, machine),
        legacy: HttpLegacyApplicants::new(http, legacy),
        markets: DynamoMarkets::new(&aws, control),
        clock: SystemClock,
    };
    let function = Arc::new(Onboard { onboarding, new_id, tokens });
    run_http(move |request| {
        let function = Arc::clone(&function);
        async move { function.handle(&request).await }
    })
    .await
}
