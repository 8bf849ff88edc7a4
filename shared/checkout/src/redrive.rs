//! Takes up the undo of a parked order, or a parked refund, again, once its cause is mended.

use crate::{
    order::{Order, OrderStatus, OrderSubmitted},
    ports::{Executions, ParkedOrders, ParkedRefunds, Refused},
    refund::{OrderRefund, RefundStatus},
    start::{start, start_run},
    steps::complete_order::remaining_effects,
};
use carryout_environment::{Clock, Failure, StorageError};
use carryout_money::Money;
use carryout_workflow::Orchestrator;
use serde::{Deserialize, Serialize};

/// When the sweeper looks after a redriven order. Milliseconds.
const LOOK_AGAIN_AFTER_MS: i64 = 60_000;

/// Why an order is not redriven.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// There is no such order.
    #[error("there is no such order")]
    Unknown,
    /// It is not parked.
    #[error("the order is {0}, not PARKED")]
    NotParked(OrderStatus),
    /// The order could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Opens a parked order again and starts its next run, which takes up its undo; returns the order.
///
/// If the run can't be started now, the sweeper starts it.
pub async fn redrive(
    parked: &impl ParkedOrders,
    executions: &impl Executions,
    orchestrator: &Orchestrator,
    clock: &impl Clock,
    order_id: &str,
) -> Result<Order, RedriveError> {
    let order = match parked.reopen(order_id, clock.now() + LOOK_AGAIN_AFTER_MS).await {
        Ok(order) => order,
        Err(Refused::ConditionFailed(order)) => return Err(RedriveError::NotParked(order.status)),
        Err(Refused::NotFound | Refused::Other) => return Err(RedriveError::Unknown),
        Err(Refused::Conflict) => return Err(StorageError::Unavailable("somebody else writes this order".to_owned()).into()),
        Err(Refused::Storage(error)) => return Err(error.into()),
    };
    if let Err(error) = start(orchestrator, executions, &OrderSubmitted::of(&order)).await {
        tracing::warn!(order.id = %order.id, %error, "the redriven order was not started; the sweeper does it");
    }
    Ok(order)
}

/// Why a refund is not redriven.
#[derive(Debug, thiserror::Error)]
pub enum RedriveRefundError {
    /// There is no such refund.
    #[error("there is no such refund")]
    Unknown,
    /// It is not parked.
    #[error("the refund is {0}, not PARKED")]
    NotParked(RefundStatus),
    /// The refund could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Opens a parked refund again and starts its next run, which looks what came of it; returns the refund.
///
/// If the run can't be started now, the sweeper starts it.
pub async fn redrive_refund(
    parked: &impl ParkedRefunds,
    executions: &impl Executions,
    orchestrator: &Orchestrator,
    clock: &impl Clock,
    refund_id: &str,
) -> Result<OrderRefund, RedriveRefundError> {
    let refund = match parked.reopen(refund_id, clock.now() + LOOK_AGAIN_AFTER_MS).await {
        Ok(refund) => refund,
        Err(Refused::ConditionFailed(refund)) => return Err(RedriveRefundError::NotParked(refund.status)),
        Err(Refused::NotFound | Refused::Other) => return Err(RedriveRefundError::Unknown),
        Err(Refused::Conflict) => return Err(StorageError::Unavailable("somebody else writes this refund".to_owned()).into()),
        Err(Refused::Storage(error)) => return Err(error.into()),
    };
    if let Err(error) = start_run(orchestrator, executions, &refund, refund.run).await {
        tracing::warn!(refund.id = %refund.id, %error, "the redriven refund was not started; the sweeper does it");
    }
    Ok(refund)
}

/// Parked orders as an operator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedList {
    /// Longest parked first.
    pub orders: Vec<ParkedView>,
}

/// A parked order as an operator sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedView {
    /// Its id.
    pub order_id: String,
    /// The market's country.
    pub country: String,
    /// What it costs.
    pub total: Money,
    /// Why it turned round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Steps whose effects remain, each with the partner's reference and why its undo failed.
    pub remaining: Vec<RemainingEffect>,
    /// When it was parked. Milliseconds since the Unix epoch.
    pub parked_at: i64,
    /// Finds it in the logs.
    pub correlation_id: String,
}

/// An effect that could not be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemainingEffect {
    /// The step.
    pub step: String,
    /// The partner's name for the effect, such as a payment intent's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it could not be taken back; nothing where it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl ParkedView {
    /// The view of a parked order.
    pub fn of(order: &Order) -> Self {
        let remaining = remaining_effects(order).into_iter().map(|step| {
            let entry = order.steps.entry(&step);
            RemainingEffect {
                reference: entry.and_then(|entry| entry.reference.clone()),
                failure: entry.filter(|entry| entry.undo_attempts > 0).and_then(|entry| entry.failure.clone()),
                step,
            }
        });
        Self {
            order_id: order.id.clone(),
            country: order.country.as_str().to_owned(),
            total: order.total(),
            failure: order.failure.clone(),
            remaining: remaining.collect(),
            parked_at: order.updated_at,
            correlation_id: order.correlation_id.clone(),
        }
    }
}
