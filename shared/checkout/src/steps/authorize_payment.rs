//! authorize-payment: holds the order's total on the card.
//!
//! The intent is created unconfirmed (which holds nothing), its id is stored, and only then is it confirmed. So a lost
//! answer leaves an intent that can be looked up by id, and no second one is ever confirmed, even by a processor that
//! ignores idempotency keys.

use super::{
    entry,
    payment::{self, PaymentError},
};
use crate::{
    codes,
    decline::Decline,
    ledger::{LedgerKind, LedgerPhase, authorization_effect},
    order::Order,
    ports::{CallError, Intent, IntentStatus, OrderNote, Payments},
};
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_workflow::{Attempt, Effect, Outcome, Progress, Step, UndoOutcome};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "authorize-payment";

/// Authorizes payments.
pub struct AuthorizePayment<P> {
    /// The processor.
    pub payments: P,
}

/// Why a payment was not authorized, or not taken back.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AuthorizePaymentError(#[from] PaymentError);

impl HasErrorCode for AuthorizePaymentError {
    const CODES: &'static [ErrorCode] =
        &[codes::PAYMENT_DECLINED, codes::PAYMENT_REFUSED, codes::PAYMENT_UNAVAILABLE, codes::PAYMENT_UNCLEAR];

    fn code(&self) -> ErrorCode {
        self.0.error_code()
    }
}

impl<P: Payments> Step for AuthorizePayment<P> {
    type Subject = Order;
    type Error = AuthorizePaymentError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<P: Payments> Effect for AuthorizePayment<P> {
    type Note = OrderNote;

    async fn process(
        &self,
        order: &Order,
        attempt: &impl Attempt<OrderNote>,
    ) -> Result<Outcome<OrderNote>, AuthorizePaymentError> {
        let remembered = entry(order, NAME).and_then(|entry| entry.reference.clone());
        let intent = match remembered {
            None => {
                let intent = self.payments.create(&attempt.key(), order).await.map_err(PaymentError::from)?;
                let (effect, total) = (authorization_effect(&order.id), order.total());
                let note =
                    payment::note(effect, LedgerKind::Authorization, LedgerPhase::Request, total, &intent.id, attempt.now());
                attempt.remember(&intent.id, note).await.map_err(PaymentError::from)?;
                intent.id
            }
            Some(id) => {
                // An earlier attempt may have confirmed it: look before acting.
                let intent = self.payments.retrieve(&id).await.map_err(PaymentError::from)?;
                if let Some(outcome) = held(order, &intent, attempt.now())? {
                    return Ok(outcome);
                }
                id
            }
        };
        let key = format!("{}/confirm", attempt.key());
        let confirmed = match self.payments.confirm(&key, &intent, &order.payment_method.token).await {
            Err(CallError::Refused { partner, code, detail }) if !payment::is_decline(&code) => {
                // It refuses also what an earlier attempt, late on its way, has done meanwhile.
                let intent = self.payments.retrieve(&intent).await.map_err(PaymentError::from)?;
                if intent.status != IntentStatus::RequiresCapture {
                    return Err(PaymentError::from(CallError::Refused { partner, code, detail }).into());
                }
                intent
            }
            answer => answer.map_err(PaymentError::from)?,
        };
        held(order, &confirmed, attempt.now())?
            .ok_or_else(|| PaymentError::Unclear(format!("the processor left the payment as {:?}", confirmed.status)).into())
    }

    async fn undo(
        &self,
        order: &Order,
        attempt: &impl Attempt<OrderNote>,
    ) -> Result<UndoOutcome<OrderNote>, AuthorizePaymentError> {
        // Without a stored intent nothing was confirmed: an unconfirmed intent holds nothing.
        let Some(intent) = entry(order, NAME).and_then(|entry| entry.reference.as_deref()) else {
            return Ok(UndoOutcome::Undone(OrderNote::default()));
        };
        let note = payment::take_back(&self.payments, order, &attempt.key(), intent, attempt.now()).await?;
        Ok(UndoOutcome::Undone(note))
    }
}

/// What an intent's state means for the authorization: held, refused, or (`None`) still to be confirmed.
fn held(order: &Order, intent: &Intent, now: i64) -> Result<Option<Outcome<OrderNote>>, PaymentError> {
    match intent.status {
        IntentStatus::RequiresCapture | IntentStatus::Succeeded => {
            let effect = authorization_effect(&order.id);
            let note = payment::note(effect, LedgerKind::Authorization, LedgerPhase::Success, intent.amount, &intent.id, now);
            let response = json!({ "payment_intent": intent.id, "amount": intent.amount });
            Ok(Some(Outcome::Done(Progress { reference: Some(intent.id.clone()), response: Some(response), note })))
        }
        IntentStatus::RequiresConfirmation | IntentStatus::RequiresPaymentMethod => Ok(None),
        IntentStatus::RequiresAction => Err(PaymentError::Declined(Decline::Authentication)),
        IntentStatus::Processing => Err(PaymentError::Unclear("the processor is still at it".to_owned())),
        IntentStatus::Canceled => Err(PaymentError::Refused("the payment was cancelled".to_owned())),
    }
}
