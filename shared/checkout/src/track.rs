//! Tells where an order stands.

use crate::{
    codes,
    ledger::{self, Balance, LedgerEvent},
    order::{Order, OrderStatus},
    ports::Orders,
};
use carryout_environment::{Failure, StorageError};
use carryout_money::Money;
use carryout_workflow::{Orchestrator, StepState, UndoState, run};
use serde::{Deserialize, Serialize};

/// An order as its consumer sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// The store's name.
    pub store: String,
    /// The market's country.
    pub country: String,
    /// The workflow that handles it.
    pub workflow: String,
    /// `delivery` or `pickup`.
    pub fulfilment: String,
    /// What it costs.
    pub total: Money,
    /// Why it failed, and what the consumer can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When its consumer cancelled it. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_requested_at: Option<i64>,
    /// What was decided by a fallback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Its steps, in the workflow's order.
    pub steps: Vec<StepView>,
    /// What happened to the money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<LedgerEvent>,
    /// Where the money is, by the ledger; absent where the ledger contradicts itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// Attempts beyond the first, over all steps.
    pub retries: u32,
    /// The run that it is in.
    pub run: u32,
    /// When it was submitted. Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it was last written. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// Finds it in the logs.
    pub correlation_id: String,
}

/// A step as the order's consumer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Its name.
    pub step: String,
    /// Where it stands on its way forward.
    pub state: StepState,
    /// Where it stands on its way back.
    pub undo: UndoState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it last began. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<i64>,
    /// When it ended. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Why its last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The order, if it is this consumer's. One read.
pub async fn track(
    orders: &impl Orders,
    orchestrator: &Orchestrator,
    consumer_id: &str,
    order_id: &str,
) -> Result<Option<OrderView>, StorageError> {
    let order = orders.order(order_id).await?;
    Ok(order.filter(|order| order.consumer.id == consumer_id).map(|order| view(&order, orchestrator)))
}

/// The view of an order.
pub fn view(order: &Order, orchestrator: &Orchestrator) -> OrderView {
    let workflow = orchestrator.workflows().iter().find(|workflow| workflow.name == order.workflow);
    let mut names: Vec<&str> =
        workflow.map(|workflow| workflow.steps().map(|spec| spec.step.as_str()).collect()).unwrap_or_default();
    // A workflow may have changed since: what the order has and the workflow no longer has comes last.
    names.extend(order.steps.0.keys().map(String::as_str).filter(|step| !names.contains(step)).collect::<Vec<_>>());
    let steps = names.into_iter().filter_map(|step| order.steps.entry(step).map(|entry| (step, entry)));
    OrderView {
        id: order.id.clone(),
        status: order.status,
        store: order.store.name.clone(),
        country: order.country.as_str().to_owned(),
        workflow: order.workflow.clone(),
        fulfilment: if order.is_delivery() { "delivery" } else { "pickup" }.to_owned(),
        total: order.total(),
        failure: order.failure.clone().map(advised),
        cancel_requested_at: order.cancel_requested_at,
        flags: order.flags.iter().cloned().collect(),
        steps: steps
            .map(|(step, entry)| StepView {
                step: step.to_owned(),
                state: entry.state,
                undo: entry.undo,
                attempts: entry.attempts,
                sent_at: entry.sent_at,
                ended_at: entry.ended_at,
                failure: entry.failure.clone().map(advised),
            })
            .collect(),
        ledger: order.ledger.clone(),
        balance: ledger::fold(&order.ledger).ok(),
        retries: order.steps.retries(),
        run: order.run,
        created_at: order.created_at,
        updated_at: order.updated_at,
        correlation_id: order.correlation_id.clone(),
    }
}

/// The failure with its code's advice. What Step Functions reports has code and message only.
fn advised(failure: Failure) -> Failure {
    if !failure.advice.is_empty() {
        return failure;
    }
    let known = codes::STEP_CODES.iter().chain(run::CODES).find(|code| code.name == failure.code);
    Failure { advice: known.map(|code| code.advice.to_owned()).unwrap_or_default(), ..failure }
}
