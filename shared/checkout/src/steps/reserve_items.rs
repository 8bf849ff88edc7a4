//! reserve-items: takes every line of the order out of stock, all or nothing.
//!
//! The stock is in our own tables, so taking it and recording that it was taken are one transaction: there is no
//! moment at which one is true and the other is not.

use super::entry;
use crate::{
    codes,
    order::Order,
    ports::{OrderNote, Reservations, ReserveRefused},
};
use carryout_workflow::{Attempt, Coded, Effect, ErrorCode, Outcome, Progress, Step, StepState, StoreError};
use serde_json::json;

/// Reserves items.
pub struct ReserveItems<R> {
    /// Where stock is kept.
    pub reservations: R,
}

/// Why items were not reserved, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum ReserveItemsError {
    /// Items are sold out.
    #[error("sold out: {}", .0.join(", "))]
    SoldOut(Vec<String>),
    /// Many orders want the same items at the same moment.
    #[error("other orders are taking the same items right now")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Coded for ReserveItemsError {
    const CODES: &'static [ErrorCode] = &[codes::ITEM_SOLD_OUT, codes::STOCK_BUSY];

    fn code(&self) -> ErrorCode {
        match self {
            Self::SoldOut(_) => codes::ITEM_SOLD_OUT,
            Self::Busy => codes::STOCK_BUSY,
            Self::Store(error) => error.code(),
        }
    }
}

impl ReserveItemsError {
    fn of(refused: ReserveRefused, order: &Order) -> Self {
        match refused {
            ReserveRefused::SoldOut(ids) => {
                let lines = &order.quote.terms.price.lines;
                Self::SoldOut(lines.iter().filter(|line| ids.contains(&line.item_id)).map(|line| line.name.clone()).collect())
            }
            ReserveRefused::Conflict => Self::Busy,
            ReserveRefused::Store(error) => Self::Store(error),
        }
    }
}

impl<R: Reservations> Step for ReserveItems<R> {
    type Subject = Order;
    type Error = ReserveItemsError;
    const NAME: &'static str = "reserve-items";
}

impl<R: Reservations> Effect for ReserveItems<R> {
    type Note = OrderNote;

    async fn process(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<Outcome<OrderNote>, ReserveItemsError> {
        self.reservations.reserve(attempt.claim(), order).await.map_err(|refused| ReserveItemsError::of(refused, order))?;
        Ok(Outcome::Recorded(json!({ "lines": order.quote.terms.price.lines.len() })))
    }

    async fn undo(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<Outcome<OrderNote>, ReserveItemsError> {
        if entry(order, Self::NAME).is_none_or(|entry| entry.state != StepState::Done) {
            return Ok(Outcome::Done(Progress::default()));
        }
        self.reservations.put_back(attempt.claim(), order).await.map_err(|refused| ReserveItemsError::of(refused, order))?;
        Ok(Outcome::Recorded(serde_json::Value::Null))
    }
}
