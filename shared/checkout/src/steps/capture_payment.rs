//! capture-payment: takes the money that is held. Undone by a refund.

use super::payment::{self, PaymentError};
use crate::{
    codes,
    ledger::{LedgerKind, LedgerPhase, charge_effect},
    order::{Order, OrderFacts},
    ports::{CallError, Intent, IntentStatus, OrderNote, Payments},
};
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_workflow::{Attempt, Effect, Outcome, Progress, Step, StepInput, UndoOutcome};
use serde::Deserialize;
use serde_json::json;

/// The step's name.
pub const NAME: &str = "capture-payment";

/// Captures payments.
pub struct CapturePayment<P> {
    /// The processor.
    pub payments: P,
}

/// Why a payment was not captured, or not refunded.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CapturePaymentError(#[from] PaymentError);

impl HasErrorCode for CapturePaymentError {
    const CODES: &'static [ErrorCode] = &[codes::PAYMENT_REFUSED, codes::PAYMENT_UNAVAILABLE, codes::PAYMENT_UNCLEAR];

    fn code(&self) -> ErrorCode {
        match &self.0 {
            // The processor words a refused capture like a declined card; the card was accepted already.
            PaymentError::Declined(_) => codes::PAYMENT_REFUSED,
            other => other.error_code(),
        }
    }
}

impl<P: Payments> Step for CapturePayment<P> {
    type Subject = Order;
    type Error = CapturePaymentError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<P: Payments> Effect for CapturePayment<P> {
    type Note = OrderNote;

    fn claim_note(&self, input: &StepInput, now: i64) -> OrderNote {
        OrderFacts::deserialize(&input.facts).map_or_else(
            |_| OrderNote::default(),
            |facts| {
                let effect = charge_effect(&input.id);
                payment::note(effect.clone(), LedgerKind::Charge, LedgerPhase::Request, facts.total, &effect, now)
            },
        )
    }

    async fn process(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<Outcome<OrderNote>, CapturePaymentError> {
        let id = payment::authorized_intent(order).ok_or_else(|| PaymentError::Refused("nothing is authorized".to_owned()))?;
        if attempt.number() > 1 {
            // An earlier attempt may have taken it: look before acting.
            let intent = self.payments.retrieve(id).await.map_err(PaymentError::from)?;
            if intent.status == IntentStatus::Succeeded {
                return Ok(taken(order, &intent, attempt.now()));
            }
        }
        match self.payments.capture(&attempt.key(), id, order.total()).await {
            Ok(intent) if intent.status == IntentStatus::Succeeded => Ok(taken(order, &intent, attempt.now())),
            Ok(intent) => Err(PaymentError::Unclear(format!("the processor left the payment as {:?}", intent.status)).into()),
            Err(refused @ CallError::Refused { .. }) => {
                // It refuses also what it has done already.
                let intent = self.payments.retrieve(id).await.map_err(PaymentError::from)?;
                match intent.status {
                    IntentStatus::Succeeded => Ok(taken(order, &intent, attempt.now())),
                    _ => Err(PaymentError::from(refused).into()),
                }
            }
            Err(error) => Err(PaymentError::from(error).into()),
        }
    }

    async fn undo(
        &self,
        order: &Order,
        attempt: &impl Attempt<OrderNote>,
    ) -> Result<UndoOutcome<OrderNote>, CapturePaymentError> {
        let Some(id) = payment::authorized_intent(order) else {
            return Ok(UndoOutcome::Undone(OrderNote::default()));
        };
        let intent = self.payments.retrieve(id).await.map_err(PaymentError::from)?;
        // Not taken: a capture that is still on its way fails once the authorization is undone, or is refunded there.
        if intent.status != IntentStatus::Succeeded {
            return Ok(UndoOutcome::Undone(OrderNote::default()));
        }
        let note = payment::refund_what_was_taken(&self.payments, order, &attempt.key(), &intent, attempt.now()).await?;
        Ok(UndoOutcome::Undone(note))
    }
}

fn taken(order: &Order, intent: &Intent, now: i64) -> Outcome<OrderNote> {
    Outcome::Done(Progress {
        reference: Some(intent.id.clone()),
        response: Some(json!({ "payment_intent": intent.id, "amount": intent.amount })),
        note: payment::note(charge_effect(&order.id), LedgerKind::Charge, LedgerPhase::Success, intent.amount, &intent.id, now),
    })
}
