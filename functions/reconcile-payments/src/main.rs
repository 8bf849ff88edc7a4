//! Holds the processor's payments against orders and ledgers.

use carryout_aws::{Aws, DynamoLedgers, DynamoOrders, DynamoReports, ManagedSecret};
use carryout_checkout::reconcile::{Reconcile, SETTLED_AFTER_MS};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use carryout_partners::{Http, StripePayments};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, reports) = (config.required("ORDERS_TABLE"), config.required("REPORTS_TABLE"));
    let (payment, secret) = (config.required("PAYMENT_URL"), config.required("PAYMENT_SECRET"));
    config.finish()?;

    let aws = Aws::from_env().await;
    let reconcile = Reconcile {
        payments: StripePayments::new(Http::default(), payment, ManagedSecret::new(&aws, secret)),
        ledgers: DynamoLedgers::new(&aws, &orders),
        orders: DynamoOrders::new(&aws, orders),
        reports: DynamoReports::new(&aws, reports),
        clock: SystemClock,
        settled_after: SETTLED_AFTER_MS,
    };
    let wired = Arc::new((reconcile, Metrics::from_env()));
    run_schedule(move |invocation| {
        let wired = Arc::clone(&wired);
        async move { reconcile_payments::handle(&wired.0, invocation.deadline_ms, &wired.1).await }
    })
    .await
}
