//! Finds orders past their deadline and drives them on.

use carryout_checkout::{
    ports::{Clock, Executions, StuckOrders},
    sweep::sweep,
};
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_workflow::Orchestrator;
use serde_json::Value;

/// Sweeps once, and reports what was found as metrics.
pub async fn handle(
    stuck: &impl StuckOrders,
    executions: &impl Executions,
    orchestrator: &Orchestrator,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let swept = sweep(stuck, executions, orchestrator, clock).await.map_err(|error| TaskError::of(&error))?;
    metrics.emit(&[
        Metric::count("OrdersRestarted", u64::from(swept.started)),
        Metric::count("OrdersResumed", u64::from(swept.resumed)),
        Metric::count("OrdersNotSwept", u64::from(swept.failed)),
    ]);
    serde_json::to_value(&swept).map_err(|error| TaskError::new("Store.Corrupt", error))
}
