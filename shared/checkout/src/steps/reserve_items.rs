//! reserve-items: takes every line of the order out of stock, and what its price takes of limited promotions and credits
//! from their counters, all or nothing.
//!
//! Stock and counters are in our own tables, so taking and recording what was taken are one transaction: there is no moment
//! at which one is true and the other is not.

use super::entry;
use crate::{
    codes,
    order::Order,
    ports::{OrderNote, Reservations, ReserveRefused},
    redemptions::Reserved,
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_pricing::{Charge, ChargeKind, ComponentId};
use carryout_workflow::{Attempt, Effect, Outcome, Step, StepState, UndoOutcome};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "reserve-items";

/// Reserves items.
pub struct ReserveItems<R> {
    /// Where stock and counters are kept.
    pub reservations: R,
}

/// Why items were not reserved, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum ReserveItemsError {
    /// Items are sold out.
    #[error("sold out: {}", .0.join(", "))]
    SoldOut(Vec<String>),
    /// Promotions are used up.
    #[error("used up: {}", .0.join(", "))]
    UsedUp(Vec<String>),
    /// Credits were spent on other orders.
    #[error("spent on another order: {}", .0.join(", "))]
    Spent(Vec<String>),
    /// Many orders want the same items at the same moment.
    #[error("other orders are taking the same items right now")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for ReserveItemsError {
    const CODES: &'static [ErrorCode] = &[codes::ITEM_SOLD_OUT, codes::PROMOTION_USED_UP, codes::CREDIT_SPENT, codes::STOCK_BUSY];

    fn code(&self) -> ErrorCode {
        match self {
            Self::SoldOut(_) => codes::ITEM_SOLD_OUT,
            Self::UsedUp(_) => codes::PROMOTION_USED_UP,
            Self::Spent(_) => codes::CREDIT_SPENT,
            Self::Busy => codes::STOCK_BUSY,
            Self::Storage(error) => error.code(),
        }
    }
}

impl ReserveItemsError {
    fn of(refused: ReserveRefused, order: &Order) -> Self {
        let price = &order.quote.terms.price;
        match refused {
            ReserveRefused::SoldOut(ids) => {
                let lines = &price.lines;
                Self::SoldOut(lines.iter().filter(|line| ids.contains(&line.item_id)).map(|line| line.name.to_string()).collect())
            }
            ReserveRefused::UsedUp(components) => {
                let named = |kind: ChargeKind| -> Vec<String> {
                    let is_used_up = |charge: &&Charge| components.contains(&ComponentId::charge(kind, charge.code.as_str()));
                    price.charges[kind].iter().filter(is_used_up).map(|charge| charge.name.clone()).collect()
                };
                let promotions = named(ChargeKind::Discount);
                if promotions.is_empty() { Self::Spent(named(ChargeKind::Credit)) } else { Self::UsedUp(promotions) }
            }
            ReserveRefused::Conflict => Self::Busy,
            ReserveRefused::Storage(error) => Self::Storage(error),
        }
    }
}

impl<R: Reservations> Step for ReserveItems<R> {
    type Subject = Order;
    type Error = ReserveItemsError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<R: Reservations> Effect for ReserveItems<R> {
    type Note = OrderNote;

    async fn process(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<Outcome<OrderNote>, ReserveItemsError> {
        let reserved = self.reservations.reserve(attempt.claim(), order).await;
        Ok(Outcome::Recorded(json!(reserved.map_err(|refused| ReserveItemsError::of(refused, order))?)))
    }

    async fn undo(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<UndoOutcome<OrderNote>, ReserveItemsError> {
        if entry(order, NAME).is_none_or(|entry| entry.state != StepState::Done) {
            return Ok(UndoOutcome::Undone(OrderNote::default()));
        }
        self.reservations.put_back(attempt.claim(), order).await.map_err(|refused| ReserveItemsError::of(refused, order))?;
        Ok(UndoOutcome::Recorded)
    }
}

/// What the order has reserved, by the response of its entry.
///
/// # Errors
///
/// Returns [`StorageError::Corrupt`] if the response is something else.
pub fn reserved_by(order: &Order) -> Result<Reserved, StorageError> {
    let response = order.steps.entry(NAME).and_then(|entry| entry.response.clone());
    let read = response.map(serde_json::from_value).transpose();
    read.map(Option::unwrap_or_default).map_err(|error| StorageError::Corrupt(format!("order {}: {error}", order.id)))
}
