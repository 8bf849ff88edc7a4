//! complete-order: closes the order, as placed when every step is done, as failed or cancelled when every effect is
//! undone, and as parked when an undo could not be finished.

use crate::{
    order::{Order, OrderFacts, OrderStatus},
    ports::{Closing, Orders, Pager, ParkedOrder, Refused},
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{
    ClaimRefused, Step, StepAction, StepInput, StepReply, StepState, Subject as _, run::CANCEL_REQUESTED, run::RunError,
    run::answer_refused_claim,
};
use serde::Deserialize;
use serde_json::json;

/// The step's name.
pub const NAME: &str = "complete-order";

/// Closes orders.
pub struct CompleteOrder<O, C, P> {
    /// Reads the order that is about to be parked.
    pub orders: O,
    /// Where orders are closed.
    pub closing: C,
    /// Tells operators about parked ones.
    pub pager: P,
}

/// Why an order was not closed. It has no reasons of its own; those of every step are in [`RunError`].
#[derive(Debug, thiserror::Error)]
pub enum CompleteOrderError {}

impl HasErrorCode for CompleteOrderError {
    const CODES: &'static [ErrorCode] = &[];

    fn code(&self) -> ErrorCode {
        match *self {}
    }
}

impl<O: Orders, C: Closing, P: Pager> Step for CompleteOrder<O, C, P> {
    type Subject = Order;
    type Error = CompleteOrderError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<O: Orders, C: Closing, P: Pager> CompleteOrder<O, C, P> {
    /// Closes the order in `input` as its action says; `now` in milliseconds since the Unix epoch.
    pub async fn process(&self, input: &StepInput, now: i64) -> Result<StepReply, RunError<CompleteOrderError>> {
        match input.action {
            StepAction::Process => match self.closing.place(NAME, &input.id, input.run, now).await {
                Ok(()) => Ok(reply(StepState::Done, OrderStatus::Placed)),
                Err(Refused::ConditionFailed(order)) => {
                    answer_refused_claim(self, ClaimRefused::ConditionFailed(order), input.run, now)
                }
                Err(refused) => Err(other(refused)),
            },
            StepAction::Undo | StepAction::Fail => {
                let facts = OrderFacts::deserialize(&input.facts).map_err(|_| RunError::Unknown)?;
                let reason = input.reason();
                let ended = match &reason {
                    Some(reason) if reason.code == CANCEL_REQUESTED.name => OrderStatus::Cancelled,
                    _ => OrderStatus::Failed,
                };
                match self.closing.fail(&input.id, input.run, &facts.quote_id, ended, reason.as_ref(), now).await {
                    Ok(()) => Ok(reply(StepState::Skipped, ended)),
                    Err(Refused::ConditionFailed(order))
                        if matches!(order.status, OrderStatus::Failed | OrderStatus::Cancelled) =>
                    {
                        Ok(reply(StepState::Skipped, order.status))
                    }
                    Err(Refused::ConditionFailed(order)) if order.run != input.run => {
                        Err(RunError::Superseded(input.run, order.run))
                    }
                    Err(Refused::ConditionFailed(_)) => Err(RunError::Closed),
                    Err(refused) => Err(other(refused)),
                }
            }
            StepAction::Park => {
                let order = self.orders.order(&input.id).await?.ok_or(RunError::Unknown)?;
                if order.run != input.run {
                    return Err(RunError::Superseded(input.run, order.run));
                }
                if order.status == OrderStatus::Parked {
                    return Ok(reply(StepState::Skipped, order.status));
                }
                if order.is_closed() {
                    return Err(RunError::Closed);
                }
                let parked = ParkedOrder {
                    order_id: order.id.clone(),
                    refund_id: None,
                    remaining: remaining_effects(&order),
                    failure: input.reason(),
                    correlation_id: order.correlation_id.clone(),
                };
                // First: once the order is closed, nobody comes back to it whom the page could still be sent by.
                self.pager.page(&parked).await?;
                match self.closing.park(&input.id, input.run, now).await {
                    Ok(_) => Ok(reply(StepState::Skipped, OrderStatus::Parked)),
                    Err(Refused::ConditionFailed(order)) if order.status == OrderStatus::Parked => {
                        Ok(reply(StepState::Skipped, order.status))
                    }
                    Err(Refused::ConditionFailed(order)) if order.run != input.run => {
                        Err(RunError::Superseded(input.run, order.run))
                    }
                    Err(Refused::ConditionFailed(_)) => Err(RunError::Closed),
                    Err(refused) => Err(other(refused)),
                }
            }
        }
    }
}

/// The steps of an order whose effects may still be there, of those that have any to leave behind.
pub fn remaining_effects(order: &Order) -> Vec<String> {
    const LEAVE_NOTHING: &[&str] = &["confirm-price", "check-fraud", "await-merchant", "complete-order"];
    order.steps.remaining_effects().filter(|step| !LEAVE_NOTHING.contains(step)).map(str::to_owned).collect()
}

fn reply(state: StepState, status: OrderStatus) -> StepReply {
    StepReply { step: "complete-order".to_owned(), state, response: json!({ "status": status }) }
}

fn other(refused: Refused) -> RunError<CompleteOrderError> {
    match refused {
        Refused::NotFound | Refused::Other | Refused::ConditionFailed(_) => RunError::Unknown,
        Refused::Conflict => RunError::Storage(StorageError::Unavailable("somebody else writes this order".into())),
        Refused::Storage(error) => RunError::Storage(error),
    }
}
