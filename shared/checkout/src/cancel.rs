//! Takes a consumer's cancellation, until the store has accepted the order.
//!
//! It only marks the order. The next step that would begin finds the mark in its claim and fails with
//! `Order.CancelRequested`; then the order is undone as after any other failure, and ends as cancelled. A workflow that
//! waits for the store's answer is woken, so that nobody waits for nothing.

use crate::{
    order::{Order, OrderStatus},
    ports::{Callbacks, Cancellations, Refused},
    steps::{await_merchant, notify_merchant},
};
use carryout_environment::{ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{Direction, StepState, run};

/// Why an order is not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such order, or it is somebody else's.
    #[error("there is no such order")]
    Unknown,
    /// The store has accepted it, or it is placed.
    #[error("the store has accepted the order")]
    TooLate,
    /// It failed, or is on its way to fail.
    #[error("the order has failed")]
    Nothing,
    /// The order could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Cancels the consumer's order and returns it as it then stands; also where it was cancelled before. `now` in
/// milliseconds since the Unix epoch.
pub async fn cancel(
    cancellations: &impl Cancellations,
    callbacks: &impl Callbacks,
    consumer_id: &str,
    order_id: &str,
    now: i64,
) -> Result<Order, CancelError> {
    let order = match cancellations.request(order_id, consumer_id, now).await {
        Ok(order) => order,
        Err(Refused::ConditionFailed(order)) if order.consumer.id != consumer_id => return Err(CancelError::Unknown),
        Err(Refused::ConditionFailed(order)) => match (order.status, order.cancel_requested_at) {
            (OrderStatus::Placed, _) => return Err(CancelError::TooLate),
            (OrderStatus::Failed, _) => return Err(CancelError::Nothing),
            (_, Some(_)) | (OrderStatus::Cancelled, _) => *order,
            _ if order.direction == Direction::Undo => return Err(CancelError::Nothing),
            _ => return Err(CancelError::TooLate),
        },
        Err(Refused::NotFound | Refused::Other) => return Err(CancelError::Unknown),
        Err(Refused::Conflict) => return Err(StorageError::Unavailable("somebody else writes this order".to_owned()).into()),
        Err(Refused::Storage(error)) => return Err(error.into()),
    };
    wake(callbacks, &order).await?;
    Ok(order)
}

/// Whether the order's store has agreed to make it: by its answer where the workflow waits for one, else by taking it.
pub fn is_accepted(order: &Order) -> bool {
    let agreed = order.steps.entry(await_merchant::NAME).or_else(|| order.steps.entry(notify_merchant::NAME));
    agreed.is_some_and(|entry| entry.state == StepState::Done)
}

/// Tells the step that waits for the store's answer, if one does, that none is needed any more.
async fn wake(callbacks: &impl Callbacks, order: &Order) -> Result<(), StorageError> {
    let waiting = order.steps.entry(await_merchant::NAME).filter(|entry| entry.state == StepState::Waiting);
    match waiting.and_then(|entry| entry.task_token.as_deref()) {
        Some(token) if !order.status.is_closed() => callbacks.fail(token, &Failure::of(&CancelRequested)).await,
        _ => Ok(()),
    }
}

/// What a step that waits is told.
#[derive(Debug, thiserror::Error)]
#[error("the consumer cancelled the order")]
struct CancelRequested;

impl HasErrorCode for CancelRequested {
    const CODES: &'static [ErrorCode] = &[run::CANCEL_REQUESTED];

    fn code(&self) -> ErrorCode {
        run::CANCEL_REQUESTED
    }
}
