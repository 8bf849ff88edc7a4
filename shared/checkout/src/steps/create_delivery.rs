//! create-delivery: books a courier. Skipped for a pickup.

use super::entry;
use crate::{
    codes,
    order::{Fulfilment, Order},
    partners::{LOGISTICS, LONGEST_ATTEMPT_MS},
    ports::{CallError, Logistics, OrderNote},
};
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_workflow::{Attempt, Effect, Outcome, Progress, Step, StepState, UndoOutcome};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "create-delivery";

/// Books couriers.
pub struct CreateDelivery<L> {
    /// The logistics partner.
    pub logistics: L,
}

/// Why no courier was booked, or one was not called off.
#[derive(Debug, thiserror::Error)]
pub enum CreateDeliveryError {
    /// No courier can be booked for this order.
    #[error("no courier can bring this order: {0}")]
    Refused(String),
    /// The partner did nothing.
    #[error("no courier could be asked: {0}")]
    Unavailable(String),
    /// The partner may have booked one.
    #[error("whether a courier comes is not known yet: {0}")]
    Unclear(String),
}

impl HasErrorCode for CreateDeliveryError {
    const CODES: &'static [ErrorCode] = &[codes::DELIVERY_REFUSED, codes::DELIVERY_UNAVAILABLE, codes::DELIVERY_UNCLEAR];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) => codes::DELIVERY_REFUSED,
            Self::Unavailable(_) => codes::DELIVERY_UNAVAILABLE,
            Self::Unclear(_) => codes::DELIVERY_UNCLEAR,
        }
    }
}

impl From<CallError> for CreateDeliveryError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { detail, .. } => Self::Unavailable(detail),
            CallError::Unclear { detail, .. } => Self::Unclear(detail),
            CallError::Refused { detail, .. } => Self::Refused(detail),
        }
    }
}

impl<L: Logistics> Step for CreateDelivery<L> {
    type Subject = Order;
    type Error = CreateDeliveryError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<L: Logistics> Effect for CreateDelivery<L> {
    type Note = OrderNote;

    async fn process(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<Outcome<OrderNote>, CreateDeliveryError> {
        let Fulfilment::Delivery { address } = &order.fulfilment else {
            return Ok(Outcome::Skipped);
        };
        // The partner honours keys: the same key gives the delivery that an earlier attempt may have booked.
        let delivery = self.logistics.create(&attempt.key(), order, address).await?;
        let response = json!({ "delivery": delivery.id, "eta_minutes": delivery.eta_minutes });
        Ok(Outcome::Done(Progress { reference: Some(delivery.id), response: Some(response), ..Progress::default() }))
    }

    async fn undo(
        &self,
        order: &Order,
        attempt: &impl Attempt<OrderNote>,
    ) -> Result<UndoOutcome<OrderNote>, CreateDeliveryError> {
        let nothing_left = Ok(UndoOutcome::Undone(OrderNote::default()));
        let Some((entry, sent_at)) = entry(order, NAME).and_then(|entry| Some((entry, entry.sent_at?))) else {
            return nothing_left;
        };
        // A first attempt that was definitely refused has booked nothing, and nothing else was sent.
        let refused_at_once = entry.state == StepState::Failed && entry.attempts == 1;
        if refused_at_once || !order.is_delivery() {
            return nothing_left;
        }
        let deliveries = self.logistics.find(&order.id).await?;
        for delivery in deliveries.iter().filter(|delivery| delivery.live) {
            self.logistics.cancel(&delivery.id).await?;
        }
        // "Not found" is final only once nothing can still arrive: the last attempt sent its request some time after its
        // claim, at the latest when its function ended.
        if deliveries.is_empty() && attempt.now() < sent_at + LONGEST_ATTEMPT_MS + LOGISTICS.longest_processing_ms {
            return Err(CreateDeliveryError::Unclear("a booking may still arrive".to_owned()));
        }
        nothing_left
    }
}
