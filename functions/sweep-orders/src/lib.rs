//! Finds orders and refunds past their deadline and drives them on.

use carryout_checkout::{
    order::Order,
    ports::{Executions, StuckOrders},
    refund::OrderRefund,
    start::StartError,
    sweep::{Swept, sweep},
    workflows::{orchestrator, refund_orchestrator},
};
use carryout_environment::Clock;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use serde_json::{Value, json};

/// Sweeps both once, and reports what was found as metrics. One that can't be swept does not keep the other from it.
pub async fn handle(
    orders: &impl StuckOrders<Subject = Order>,
    refunds: &impl StuckOrders<Subject = OrderRefund>,
    executions: &impl Executions,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let orders = sweep(orders, executions, &orchestrator(), clock).await;
    let refunds = sweep(refunds, executions, &refund_orchestrator(), clock).await;
    let counted = |swept: &Result<Swept, StartError>, count: fn(&Swept) -> u32| u64::from(swept.as_ref().map_or(0, count));
    metrics.emit(&[
        Metric::count("OrdersRestarted", counted(&orders, |swept| swept.started)),
        Metric::count("OrdersResumed", counted(&orders, |swept| swept.resumed)),
        Metric::count("OrdersNotSwept", counted(&orders, |swept| swept.failed)),
        Metric::count("RefundsRestarted", counted(&refunds, |swept| swept.started)),
        Metric::count("RefundsResumed", counted(&refunds, |swept| swept.resumed)),
        Metric::count("RefundsNotSwept", counted(&refunds, |swept| swept.failed)),
    ]);
    let failed = |error: StartError| TaskError::of(&error);
    Ok(json!({ "orders": orders.map_err(failed)?, "refunds": refunds.map_err(failed)? }))
}
