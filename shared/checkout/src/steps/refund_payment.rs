//! refund-payment: gives back what a refund says, once.
//!
//! The processor may ignore keys, and several refunds of one payment are nothing unusual to it. So every request is
//! written down before it is sent; and as long as one is unanswered, the next attempt looks for the refund by the key that
//! the processor keeps with it, and asks anew only once the request before can no longer arrive.

use super::payment::PaymentError;
use crate::{
    codes,
    ledger::{LedgerEvent, LedgerKind, LedgerPhase},
    partners::{LONGEST_ATTEMPT_MS, PAYMENT},
    ports::{CallError, OrderNote, Payments, Refund},
    refund::OrderRefund,
};
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_workflow::{Attempt, Effect, Outcome, Progress, Step};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "refund-payment";

/// Gives payments back.
pub struct RefundPayment<P> {
    /// The processor.
    pub payments: P,
}

/// Why a payment was not given back.
#[derive(Debug, thiserror::Error)]
pub enum RefundPaymentError {
    /// The processor refuses, and nothing that was asked before can still arrive.
    #[error("the refund was refused: {0}")]
    Refused(String),
    /// It did not happen, or is not known to have happened.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl HasErrorCode for RefundPaymentError {
    const CODES: &'static [ErrorCode] = &[codes::REFUND_REFUSED, codes::PAYMENT_UNAVAILABLE, codes::PAYMENT_UNCLEAR];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) | Self::Payment(PaymentError::Declined(_) | PaymentError::Refused(_)) => codes::REFUND_REFUSED,
            Self::Payment(error) => error.error_code(),
        }
    }
}

impl<P: Payments> Step for RefundPayment<P> {
    type Subject = OrderRefund;
    type Error = RefundPaymentError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<P: Payments> Effect for RefundPayment<P> {
    type Note = OrderNote;

    async fn process(
        &self,
        refund: &OrderRefund,
        attempt: &impl Attempt<OrderNote>,
    ) -> Result<Outcome<OrderNote>, RefundPaymentError> {
        let mut key = attempt.key();
        if let Some(last) = refund.ledger.last() {
            let own = self.own(refund).await?;
            if let Some(done) = done(refund, &own, attempt.now()) {
                return Ok(done);
            }
            // Every attempt sends some time after its claim, at the latest when its function ends.
            let arrives_until = last.at + LONGEST_ATTEMPT_MS + PAYMENT.longest_processing_ms;
            if last.phase == LedgerPhase::Request && attempt.now() < arrives_until {
                return Err(PaymentError::Unclear("an earlier request may still arrive".to_owned()).into());
            }
            // A refund that failed is asked for anew under the next key: the old one only repeats the failure.
            if !own.is_empty() {
                key = format!("{key}/{}", own.len() + 1);
            }
        }
        let store = |error| RefundPaymentError::from(PaymentError::Storage(error));
        attempt.remember(&key, told(refund, LedgerPhase::Request, &key, attempt.now())).await.map_err(store)?;
        let failed = || told(refund, LedgerPhase::Failure, &key, attempt.now());
        match self.payments.refund(&key, &refund.intent, refund.amount).await {
            Ok(made) => match done(refund, &[made], attempt.now()) {
                Some(done) => Ok(done),
                None => {
                    attempt.remember(&key, failed()).await.map_err(store)?;
                    Err(PaymentError::Unavailable("the refund failed at the consumer's bank".to_owned()).into())
                }
            },
            Err(CallError::Unavailable { detail, .. }) => {
                attempt.remember(&key, failed()).await.map_err(store)?;
                Err(PaymentError::Unavailable(detail).into())
            }
            Err(CallError::Unclear { detail, .. }) => Err(PaymentError::Unclear(detail).into()),
            Err(CallError::Refused { detail, .. }) => {
                // It refuses also what it has done already.
                match done(refund, &self.own(refund).await?, attempt.now()) {
                    Some(done) => Ok(done),
                    None => Err(RefundPaymentError::Refused(detail)),
                }
            }
        }
    }
}

impl<P: Payments> RefundPayment<P> {
    /// What the processor has under any key of this refund. Only asked once something was sent, so a look that fails says
    /// nothing of that.
    async fn own(&self, refund: &OrderRefund) -> Result<Vec<Refund>, RefundPaymentError> {
        let listed = self.payments.refunds(&refund.intent).await;
        let listed = listed.map_err(|error| PaymentError::Unclear(format!("the refunds could not be listed: {error}")))?;
        let prefix = format!("{}/", refund.id);
        Ok(listed.into_iter().filter(|one| one.key.starts_with(&prefix)).collect())
    }
}

/// The end of the step, if one of these was not failed.
fn done(refund: &OrderRefund, made: &[Refund], now: i64) -> Option<Outcome<OrderNote>> {
    let live: Vec<&Refund> = made.iter().filter(|made| !made.failed).collect();
    let first = live.first()?;
    let happened = |made: &&Refund| LedgerEvent { amount: made.amount, ..event(refund, LedgerPhase::Success, &made.id, now) };
    Some(Outcome::Done(Progress {
        reference: Some(first.id.clone()),
        response: Some(json!({ "refund": first.id, "amount": first.amount })),
        note: OrderNote { ledger: live.iter().map(happened).collect(), flags: Vec::new() },
    }))
}

/// What the refund's own ledger is told of a request.
fn told(refund: &OrderRefund, phase: LedgerPhase, key: &str, at: i64) -> OrderNote {
    OrderNote { ledger: vec![event(refund, phase, key, at)], flags: Vec::new() }
}

fn event(refund: &OrderRefund, phase: LedgerPhase, reference: &str, at: i64) -> LedgerEvent {
    let (reference, effect) = (reference.to_owned(), refund.id.clone());
    LedgerEvent { kind: LedgerKind::Refund, phase, amount: refund.amount, reference, effect, at }
}
