//! Runs the steps that need nothing from their applicant, begins waits, and mirrors progress.

use carryout_aws::{Aws, DynamoApplicants, DynamoMarkets, EncryptingVault, KmsKeys, S3Documents, SfnWaits};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, lease_until, metrics::Metrics, run_batch, telemetry};
use carryout_onboarding::steps::Ports;
use carryout_partners::{Http, HttpLegacyApplicants, HttpVendors};
use std::sync::Arc;

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
    let wired = Arc::new((
        DynamoApplicants::new(&aws, applicants),
        HttpVendors::new(http.clone(), vendors, answer_to),
        EncryptingVault(KmsKeys::new(&aws, key)),
        SfnWaits::new(&aws, machine),
        HttpLegacyApplicants::new(http, legacy),
        DynamoMarkets::new(&aws, control),
        S3Documents::new(&aws, bucket),
        Metrics::from_env(),
    ));
    run_batch(move |message, invocation| {
        let wired = Arc::clone(&wired);
        async move {
            let ports = Ports { applicants: &wired.0, vendors: &wired.1, vault: &wired.2 };
            let now = SystemClock.now_ms();
            let lease_until = lease_until(invocation.deadline_ms, now);
            let others = (&wired.3, &wired.4, &wired.5, &wired.6);
            advance_applicants::handle(ports, others, &wired.7, &message, (now, lease_until)).await
        }
    })
    .await
}
