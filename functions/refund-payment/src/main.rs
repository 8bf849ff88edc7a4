//! Step: gives back what a refund says.

use carryout_aws::{Aws, DynamoStatusStore, ManagedSecret};
use carryout_checkout::steps::refund_payment::RefundPayment;
use carryout_lambda::{Error, config::Reader, step::run_effect, telemetry};
use carryout_partners::{Http, StripePayments};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let refunds = config.required("REFUNDS_TABLE");
    let payment = config.required("PAYMENT_URL");
    let secret = config.required("PAYMENT_SECRET");
    config.finish()?;

    let aws = Aws::from_env().await;
    let payments = StripePayments::new(Http::default(), payment, ManagedSecret::new(&aws, secret));
    let step = RefundPayment { payments };
    run_effect(step, DynamoStatusStore::new(&aws, refunds)).await
}
