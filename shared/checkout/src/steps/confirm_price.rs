//! confirm-price: the locked quote still holds.
//!
//! One transaction decides and records at once: the quote is used by this very order, at the total that was promised
//! when the order was written. There is no effect, so there is nothing to undo.

use crate::{
    codes,
    order::{Order, OrderFacts},
    ports::{QuoteLocks, Refused},
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{ClaimRefused, Step, StepInput, StepReply, StepState, run::RunError, run::answer_refused_claim};
use serde::Deserialize;
use serde_json::Value;

/// The step's name.
pub const NAME: &str = "confirm-price";

/// Confirms prices.
pub struct ConfirmPrice<L> {
    /// Where quotes are locked.
    pub locks: L,
}

/// Why a price was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmPriceError {
    /// The quote is used by another order, or its total is another one.
    #[error("the quote no longer holds for this order")]
    NotHeld,
}

impl HasErrorCode for ConfirmPriceError {
    const CODES: &'static [ErrorCode] = &[codes::QUOTE_NOT_HELD];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NotHeld => codes::QUOTE_NOT_HELD,
        }
    }
}

impl<L: QuoteLocks> Step for ConfirmPrice<L> {
    type Subject = Order;
    type Error = ConfirmPriceError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<L: QuoteLocks> ConfirmPrice<L> {
    /// Confirms the price of the order in `input`; `now` in milliseconds since the Unix epoch.
    pub async fn process(&self, input: &StepInput, now: i64) -> Result<StepReply, RunError<ConfirmPriceError>> {
        let facts = OrderFacts::deserialize(&input.facts).map_err(|_| RunError::Unknown)?;
        match self.locks.confirm(NAME, &input.id, input.run, &facts, now).await {
            Ok(()) => Ok(StepReply { step: NAME.to_owned(), state: StepState::Done, response: Value::Null }),
            Err(Refused::Other) => Err(RunError::Step(ConfirmPriceError::NotHeld)),
            Err(Refused::Conflict) => Err(RunError::Storage(StorageError::Unavailable("somebody else writes this order".into()))),
            Err(Refused::ConditionFailed(order)) => {
                answer_refused_claim(self, ClaimRefused::ConditionFailed(order), input.run, now)
            }
            Err(Refused::NotFound) => Err(RunError::Unknown),
            Err(Refused::Storage(error)) => Err(RunError::Storage(error)),
        }
    }
}
