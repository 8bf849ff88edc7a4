//! What authorizing and capturing share: reading the processor's answers, and taking everything back.

use crate::{
    codes,
    ledger::{LedgerEvent, LedgerKind, LedgerPhase},
    order::Order,
    ports::{CallError, Intent, IntentStatus, OrderNote, Payments},
};
use carryout_money::Money;
use carryout_workflow::{ErrorCode, StoreError};

/// Why a payment step failed.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The card was declined.
    #[error("the card was declined: {}", explain(.0))]
    Declined(String),
    /// The processor refuses for another reason.
    #[error("the payment was refused: {0}")]
    Refused(String),
    /// The processor did nothing.
    #[error("the payment could not be made: {0}")]
    Unavailable(String),
    /// The processor may have done it.
    #[error("the payment's outcome is not known yet: {0}")]
    Unclear(String),
    /// The order could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PaymentError {
    pub(super) const fn error_code(&self) -> ErrorCode {
        match self {
            Self::Declined(_) => codes::PAYMENT_DECLINED,
            Self::Refused(_) => codes::PAYMENT_REFUSED,
            Self::Unavailable(_) => codes::PAYMENT_UNAVAILABLE,
            Self::Unclear(_) => codes::PAYMENT_UNCLEAR,
            Self::Store(error) => error.code(),
        }
    }
}

impl From<CallError> for PaymentError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { detail, .. } => Self::Unavailable(detail),
            CallError::Unclear { detail, .. } => Self::Unclear(detail),
            CallError::Refused { code, .. } if is_decline(&code) => Self::Declined(code),
            CallError::Refused { detail, .. } => Self::Refused(detail),
        }
    }
}

/// Decline codes of the Stripe API that concern the card itself.
const DECLINES: &[(&str, &str)] = &[
    ("authentication_required", "the bank wants you to confirm it first"),
    ("card_declined", "the bank gives no reason"),
    ("card_velocity_exceeded", "it was used too often today"),
    ("do_not_honor", "the bank gives no reason"),
    ("expired_card", "it has expired"),
    ("generic_decline", "the bank gives no reason"),
    ("incorrect_cvc", "its security code is wrong"),
    ("insufficient_funds", "there is not enough money on it"),
    ("lost_card", "the bank gives no reason"),
    ("processing_error", "the bank could not process it"),
    ("stolen_card", "the bank gives no reason"),
];

fn is_decline(code: &str) -> bool {
    DECLINES.iter().any(|(decline, _)| *decline == code)
}

fn explain(code: &str) -> &str {
    DECLINES.iter().find(|(decline, _)| *decline == code).map_or(code, |(_, explanation)| explanation)
}

/// One ledger event, as a note.
pub(super) fn note(kind: LedgerKind, phase: LedgerPhase, amount: Money, reference: &str, at: i64) -> OrderNote {
    OrderNote { ledger: vec![LedgerEvent { kind, phase, amount, reference: reference.to_owned(), at }], flags: Vec::new() }
}

/// The payment intent that holds the order's money, from the ledger: whoever authorized it wrote it there.
pub(super) fn authorized_intent(order: &Order) -> Option<&str> {
    let authorized = |event: &&LedgerEvent| event.kind == LedgerKind::Authorization && event.phase == LedgerPhase::Success;
    order.ledger.iter().rev().find(authorized).map(|event| event.reference.as_str())
}

/// Gives back whatever was taken on `intent` and not given back yet. Returns the note of what it did.
pub(super) async fn refund_what_was_taken(
    payments: &impl Payments,
    key: &str,
    intent: &Intent,
    at: i64,
) -> Result<OrderNote, PaymentError> {
    // The list of refunds is evidence; a key alone is not, where the processor ignores it.
    let refunds = payments.refunds(&intent.id).await?;
    let mut remaining = intent.amount;
    for refund in refunds.iter().filter(|refund| !refund.failed) {
        remaining = remaining.minus(refund.amount).map_err(|error| PaymentError::Refused(error.to_string()))?;
    }
    if remaining.minor <= 0 {
        return Ok(OrderNote::default());
    }
    let refund = payments.refund(&format!("{key}/refund"), &intent.id, remaining).await?;
    Ok(note(LedgerKind::Refund, LedgerPhase::Success, remaining, &refund.id, at))
}

/// Leaves nothing of an intent: lets held money go, gives taken money back. Returns the note of what it did.
pub(super) async fn take_back(payments: &impl Payments, key: &str, intent: &str, at: i64) -> Result<OrderNote, PaymentError> {
    let found = payments.retrieve(intent).await?;
    match found.status {
        IntentStatus::Canceled => Ok(OrderNote::default()),
        IntentStatus::Succeeded => refund_what_was_taken(payments, key, &found, at).await,
        IntentStatus::Processing => Err(PaymentError::Unclear("the processor is still at it".to_owned())),
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::RequiresCapture => {
            match payments.cancel(&format!("{key}/cancel"), intent).await {
                Ok(_) => {}
                // Something overtook the cancellation, such as a capture that was still on its way.
                Err(CallError::Refused { .. }) => return Err(PaymentError::Unclear("the payment changed meanwhile".to_owned())),
                Err(error) => return Err(error.into()),
            }
            let held = found.status == IntentStatus::RequiresCapture;
            Ok(if held { note(LedgerKind::Void, LedgerPhase::Success, found.amount, intent, at) } else { OrderNote::default() })
        }
    }
}
