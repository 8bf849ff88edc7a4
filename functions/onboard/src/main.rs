//! Applications of couriers and merchants, over HTTP.

use carryout_aws::{Aws, DynamoApplicants, DynamoMarkets, EncryptingVault, KmsKeys, S3Documents, SfnWaits, SqsNudges};
use carryout_lambda::{
    Error, clock::SystemClock, config::Reader, http::Request, ids::new_id, run_http, telemetry, token::TokenVerifier,
};
use carryout_partners::{Http, HttpLegacyApplicants, HttpVendors};
use onboard::Onboard;
use std::sync::Arc;

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
    let function = Arc::new(Onboard {
        applicants: DynamoApplicants::new(&aws, applicants),
        // The API has this function in its routes, so the function can't be given the API's address.
        vendors: {
            let http = http.clone();
            move |request: &Request| HttpVendors::new(http.clone(), &vendors, answer_to.replace('*', &request.api_id))
        },
        vault: EncryptingVault(KmsKeys::new(&aws, key)),
        documents: S3Documents::new(&aws, bucket),
        new_id,
        nudges: SqsNudges::new(&aws, queue),
        waits: SfnWaits::new(&aws, machine),
        legacy: HttpLegacyApplicants::new(http, legacy),
        markets: DynamoMarkets::new(&aws, control),
        tokens,
        clock: SystemClock,
    });
    run_http(move |request| {
        let function = Arc::clone(&function);
        async move { function.handle(&request).await }
    })
    .await
}
