//! Takes an operator's refund of a placed order, and takes a parked refund up again.

use carryout_aws::{Aws, DynamoOrders, DynamoParkedRefunds, DynamoRefundRequests, SfnExecutions};
use carryout_checkout::{request_refund::RequestRefund, workflows::refund_orchestrator};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, ids::RandomIds, run_http, telemetry, token::TokenVerifier};
use carryout_market::Markets;
use refund_order::RefundOrder;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (orders, refunds) = (config.required("ORDERS_TABLE"), config.required("REFUNDS_TABLE"));
    let (idempotency, prefix) = (config.required("IDEMPOTENCY_TABLE"), config.required("STATE_MACHINE_PREFIX"));
    let tokens = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    let function = Arc::new(RefundOrder {
        take: RequestRefund {
            orders: DynamoOrders::new(&aws, &orders),
            refunds: DynamoRefundRequests::new(&aws, &orders, &refunds, idempotency),
            executions: SfnExecutions::new(&aws, prefix),
            markets: Markets::embedded()?.into_source(),
            orchestrator: refund_orchestrator(),
            clock: SystemClock,
            ids: RandomIds,
        },
        parked: DynamoParkedRefunds::new(&aws, &refunds),
        tokens,
    });
    run_http(move |request| {
        let function = Arc::clone(&function);
        async move { function.handle(&request).await }
    })
    .await
}
