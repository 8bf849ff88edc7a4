//! notify-merchant: sends the order to the store. Undone by telling the store not to make it.

use super::{await_merchant, entry};
use crate::{
    codes,
    order::Order,
    ports::{CallError, Merchants, OrderNote},
};
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_workflow::{Attempt, Effect, Outcome, Progress, Step, UndoOutcome};

/// The step's name.
pub const NAME: &str = "notify-merchant";

/// Notifies merchants.
pub struct NotifyMerchant<M> {
    /// The merchants' order systems.
    pub merchants: M,
}

/// Why a merchant was not told.
#[derive(Debug, thiserror::Error)]
pub enum NotifyMerchantError {
    /// The store's system does not take the order.
    #[error("the store can't take this order: {0}")]
    Refused(String),
    /// It was not reached.
    #[error("the store's system was not reached: {0}")]
    Unavailable(String),
    /// It may have got the order.
    #[error("whether the store got the order is not known yet: {0}")]
    Unclear(String),
}

impl HasErrorCode for NotifyMerchantError {
    const CODES: &'static [ErrorCode] = &[codes::MERCHANT_REFUSED, codes::MERCHANT_UNAVAILABLE, codes::MERCHANT_UNCLEAR];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) => codes::MERCHANT_REFUSED,
            Self::Unavailable(_) => codes::MERCHANT_UNAVAILABLE,
            Self::Unclear(_) => codes::MERCHANT_UNCLEAR,
        }
    }
}

impl From<CallError> for NotifyMerchantError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { detail, .. } => Self::Unavailable(detail),
            CallError::Unclear { detail, .. } => Self::Unclear(detail),
            CallError::Refused { detail, .. } => Self::Refused(detail),
        }
    }
}

impl<M: Merchants> Step for NotifyMerchant<M> {
    type Subject = Order;
    type Error = NotifyMerchantError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<M: Merchants> Effect for NotifyMerchant<M> {
    type Note = OrderNote;

    async fn process(
        &self,
        order: &Order,
        _attempt: &impl Attempt<OrderNote>,
    ) -> Result<Outcome<OrderNote>, NotifyMerchantError> {
        // Sending is a PUT under the order's id: sending again changes nothing.
        let wants_answer = entry(order, await_merchant::NAME).is_some();
        self.merchants.send(order, wants_answer).await?;
        Ok(Outcome::Done(Progress::default()))
    }

    async fn undo(
        &self,
        order: &Order,
        _attempt: &impl Attempt<OrderNote>,
    ) -> Result<UndoOutcome<OrderNote>, NotifyMerchantError> {
        if entry(order, NAME).is_some_and(|entry| entry.sent_at.is_some()) {
            // The cancellation stays at the store, so that an order still on its way is refused there.
            self.merchants.cancel(order).await?;
        }
        Ok(UndoOutcome::Undone(OrderNote::default()))
    }
}
