//! What authorizing and capturing share: reading the processor's answers, and taking everything back.

use crate::{
    codes,
    decline::Decline,
    ledger::{LedgerEvent, LedgerKind, LedgerPhase, authorization_effect, charge_effect},
    order::Order,
    ports::{CallError, Intent, IntentStatus, OrderNote, Payments},
};
use carryout_environment::{ErrorCode, StorageError};
use carryout_money::Money;

/// Why a payment step failed.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The card was declined.
    #[error("the card was declined: {}", .0.explanation())]
    Declined(Decline),
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
    Storage(#[from] StorageError),
}

impl PaymentError {
    pub(super) const fn error_code(&self) -> ErrorCode {
        match self {
            Self::Declined(_) => codes::PAYMENT_DECLINED,
            Self::Refused(_) => codes::PAYMENT_REFUSED,
            Self::Unavailable(_) => codes::PAYMENT_UNAVAILABLE,
            Self::Unclear(_) => codes::PAYMENT_UNCLEAR,
            Self::Storage(error) => error.code(),
        }
    }
}

impl From<CallError> for PaymentError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { detail, .. } => Self::Unavailable(detail),
            CallError::Unclear { detail, .. } => Self::Unclear(detail),
            CallError::Refused { code, detail, .. } => Decline::from_code(&code).map_or(Self::Refused(detail), Self::Declined),
        }
    }
}

/// Whether this refusal concerns the card itself.
pub(super) fn is_decline(code: &str) -> bool {
    Decline::from_code(code).is_some()
}

/// One ledger event of an effect, as a note.
pub(super) fn note(effect: String, kind: LedgerKind, phase: LedgerPhase, amount: Money, reference: &str, at: i64) -> OrderNote {
    OrderNote { ledger: vec![LedgerEvent { effect, ..event(kind, phase, amount, reference, at) }], flags: Vec::new() }
}

fn event(kind: LedgerKind, phase: LedgerPhase, amount: Money, reference: &str, at: i64) -> LedgerEvent {
    LedgerEvent { kind, phase, amount, reference: reference.to_owned(), effect: String::new(), at }
}

/// The payment intent that holds the order's money, from the ledger: whoever authorized it wrote it there, first the
/// request and then its success. A success that only the processor tells of, by webhook, is not the order's own unless
/// the order asked for it.
pub(crate) fn authorized_intent(order: &Order) -> Option<&str> {
    let says = |event: &LedgerEvent, phase| event.kind == LedgerKind::Authorization && event.phase == phase;
    let asked = |intent: &str| order.ledger.iter().any(|event| says(event, LedgerPhase::Request) && event.reference == intent);
    let successes = order.ledger.iter().rev().filter(|event| says(event, LedgerPhase::Success));
    successes.map(|event| event.reference.as_str()).find(|intent| asked(intent))
}

/// Gives back whatever was taken on `intent` and not given back yet. Returns the note of what has happened to the money
/// and is not in the order's ledger, because the answer of an earlier attempt was lost.
pub(super) async fn refund_what_was_taken(
    payments: &impl Payments,
    order: &Order,
    key: &str,
    intent: &Intent,
    at: i64,
) -> Result<OrderNote, PaymentError> {
    let success = |kind, amount, reference: &str| event(kind, LedgerPhase::Success, amount, reference, at);
    let mut ledger = Vec::new();
    if !has_succeeded(order, LedgerKind::Charge, &intent.id) {
        let charge = success(LedgerKind::Charge, intent.amount, &intent.id);
        ledger.push(LedgerEvent { effect: charge_effect(&order.id), ..charge });
    }
    // The list of refunds is evidence; a key alone is not, where the processor ignores it.
    let refunds = payments.refunds(&intent.id).await?;
    let failed = refunds.iter().filter(|refund| refund.failed).count();
    let mut remaining = intent.amount;
    for refund in refunds.iter().filter(|refund| !refund.failed) {
        remaining = remaining.minus(refund.amount).map_err(|error| PaymentError::Refused(error.to_string()))?;
        if !has_succeeded(order, LedgerKind::Refund, &refund.id) {
            let given = success(LedgerKind::Refund, refund.amount, &refund.id);
            ledger.push(LedgerEvent { effect: refund.key.clone(), ..given });
        }
    }
    if remaining.minor > 0 {
        // A refund that failed is asked for anew under the next key: the old one only repeats the failure.
        let key = if failed == 0 { format!("{key}/refund") } else { format!("{key}/refund/{}", failed + 1) };
        let refund = match payments.refund(&key, &intent.id, remaining).await {
            // An earlier refund that was still on its way arrived after the look: the next attempt finds it.
            Err(CallError::Refused { code, .. }) if code == "charge_already_refunded" => {
                return Err(PaymentError::Unclear("the payment changed meanwhile".to_owned()));
            }
            answer => answer?,
        };
        if refund.failed {
            return Err(PaymentError::Unavailable("the refund failed at the consumer's bank".to_owned()));
        }
        ledger.push(LedgerEvent { effect: key, ..success(LedgerKind::Refund, remaining, &refund.id) });
    }
    Ok(OrderNote { ledger, flags: Vec::new() })
}

/// Leaves nothing of an intent: lets held money go, gives taken money back. Returns the note of what has happened to the
/// money and is not in the order's ledger.
pub(super) async fn take_back(
    payments: &impl Payments,
    order: &Order,
    key: &str,
    intent: &str,
    at: i64,
) -> Result<OrderNote, PaymentError> {
    let found = payments.retrieve(intent).await?;
    let mut ledger = Vec::new();
    match found.status {
        IntentStatus::Succeeded => return refund_what_was_taken(payments, order, key, &found, at).await,
        IntentStatus::Processing => return Err(PaymentError::Unclear("the processor is still at it".to_owned())),
        IntentStatus::Canceled => {}
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
        }
    }
    let authorized = has_succeeded(order, LedgerKind::Authorization, intent);
    let held = found.status == IntentStatus::RequiresCapture;
    if held && !authorized {
        ledger.push(event(LedgerKind::Authorization, LedgerPhase::Success, found.amount, intent, at));
    }
    if held || authorized {
        if !has_succeeded(order, LedgerKind::Void, intent) {
            ledger.push(event(LedgerKind::Void, LedgerPhase::Success, found.amount, intent, at));
        }
    } else {
        ledger.extend(came_to_nothing(order, LedgerKind::Authorization, authorization_effect(&order.id), at));
    }
    // Of a cancelled payment nothing can be taken any more.
    ledger.extend(came_to_nothing(order, LedgerKind::Charge, charge_effect(&order.id), at));
    Ok(OrderNote { ledger, flags: Vec::new() })
}

/// The answer to a request of this effect that the ledger has and that nothing will come of any more.
fn came_to_nothing(order: &Order, kind: LedgerKind, effect: String, at: i64) -> Option<LedgerEvent> {
    let told = |event: &&LedgerEvent| event.kind == kind && event.effect == effect;
    let last = order.ledger.iter().rev().find(told).filter(|event| event.phase == LedgerPhase::Request)?;
    Some(LedgerEvent { phase: LedgerPhase::Failure, at: at.max(last.at), ..last.clone() })
}

/// Whether the order's ledger says that this has happened.
fn has_succeeded(order: &Order, kind: LedgerKind, reference: &str) -> bool {
    let says = |event: &LedgerEvent| event.kind == kind && event.phase == LedgerPhase::Success && event.reference == reference;
    order.ledger.iter().any(says)
}
