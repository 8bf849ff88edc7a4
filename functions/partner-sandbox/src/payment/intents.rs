//! Payment intents and their transitions.

use crate::call::{FaultKind, Reply};
use crate::payment::errors::{error, invalid, missing, unexpected_state};
use crate::payment::form::{Form, amount, metadata};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The prefix of an intent's id.
pub(super) const INTENT_PREFIX: &str = "pi_";
/// The order id of intents whose metadata name none.
pub(super) const NO_ORDER: &str = "none";

/// The status of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has no payment method, or the last one was declined.
    RequiresPaymentMethod,
    /// It has one, and is not confirmed.
    RequiresConfirmation,
    /// The amount is authorized.
    RequiresCapture,
    /// The amount is captured.
    Succeeded,
    /// It is canceled; nothing is authorized.
    Canceled,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// When the amount is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// On confirmation.
    Automatic,
    /// On request.
    Manual,
}

/// A payment intent, as in the API. Amounts in minor units, times in seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub(super) id: String,
    object: String,
    amount: i64,
    /// The authorized amount.
    pub amount_capturable: i64,
    /// The captured amount; refunds do not lower it.
    pub amount_received: i64,
    canceled_at: Option<i64>,
    cancellation_reason: Option<String>,
    capture_method: CaptureMethod,
    confirmation_method: String,
    /// When it was created.
    pub created: i64,
    pub(super) currency: String,
    last_payment_error: Option<Value>,
    pub(super) latest_charge: Option<String>,
    livemode: bool,
    metadata: BTreeMap<String, String>,
    payment_method: Option<String>,
    payment_method_types: Vec<String>,
    /// The status.
    pub status: Status,
}

impl Intent {
    /// Makes an intent from a form.
    pub(super) fn create(id: &str, form: &Form, now_s: i64) -> Result<Self, Reply> {
        let amount = amount(form, "amount")?.ok_or_else(|| missing("amount"))?;
        let currency = form.get("currency").ok_or_else(|| missing("currency"))?.to_ascii_lowercase();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(invalid("parameter_invalid", "Invalid currency: use a three-letter ISO code.", "currency"));
        }
        let capture_method = match form.get("capture_method").map(String::as_str) {
            None | Some("automatic" | "automatic_async") => CaptureMethod::Automatic,
            Some("manual") => CaptureMethod::Manual,
            Some(_) => {
                return Err(invalid(
                    "parameter_invalid",
                    "Invalid capture_method: must be automatic or manual.",
                    "capture_method",
                ));
            }
        };
        let payment_method = form.get("payment_method").cloned();
        Ok(Self {
            id: id.to_owned(),
            object: "payment_intent".into(),
            amount,
            amount_capturable: 0,
            amount_received: 0,
            canceled_at: None,
            cancellation_reason: None,
            capture_method,
            confirmation_method: "automatic".into(),
            created: now_s,
            currency,
            last_payment_error: None,
            latest_charge: None,
            livemode: false,
            metadata: metadata(form),
            status: if payment_method.is_some() { Status::RequiresConfirmation } else { Status::RequiresPaymentMethod },
            payment_method,
            payment_method_types: vec!["card".into()],
        })
    }
}

/// Confirms the intent: authorizes the amount, or captures it with automatic capture.
pub(super) fn confirm(intent: &mut Intent, form: &Form, fault: Option<&FaultKind>) -> Reply {
    if !matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation) {
        return unexpected_state(
            intent,
            &format!("You cannot confirm this PaymentIntent because it has a status of {}.", intent.status.name()),
        );
    }
    let Some(method) = form.get("payment_method").or(intent.payment_method.as_ref()).cloned() else {
        return unexpected_state(intent, "You cannot confirm this PaymentIntent because it's missing a payment method.");
    };
    let declined = match fault {
        Some(FaultKind::Decline { code }) => Some(code.as_str()),
        _ => decline_of(&method),
    };
    let charge = intent.id.replacen("pi_", "ch_", 1);
    intent.latest_charge = Some(charge);
    if let Some(code) = declined {
        return decline(intent, code);
    }
    intent.payment_method = Some(method);
    intent.last_payment_error = None;
    match intent.capture_method {
        CaptureMethod::Manual => {
            intent.status = Status::RequiresCapture;
            intent.amount_capturable = intent.amount;
        }
        CaptureMethod::Automatic => {
            intent.status = Status::Succeeded;
            intent.amount_received = intent.amount;
        }
    }
    Reply::new(200, json!(intent))
}

/// The reason for which a test payment method of Stripe is declined.
fn decline_of(method: &str) -> Option<&'static str> {
    match method {
        _ if method.contains("InsufficientFunds") => Some("insufficient_funds"),
        _ if method.contains("ExpiredCard") => Some("expired_card"),
        _ if method.contains("chargeDeclined") => Some("generic_decline"),
        _ => None,
    }
}

fn decline(intent: &mut Intent, reason: &str) -> Reply {
    // Some reasons are codes of their own; the others are decline codes of `card_declined`.
    let is_code = ["expired_card", "incorrect_cvc", "incorrect_number", "processing_error"].contains(&reason);
    let message = match reason {
        "insufficient_funds" => "Your card has insufficient funds.",
        "expired_card" => "Your card has expired.",
        _ => "Your card was declined.",
    };
    let mut details = json!({ "type": "card_error", "code": if is_code { reason } else { "card_declined" }, "message": message, "charge": intent.latest_charge });
    if !is_code {
        details["decline_code"] = reason.into();
    }
    intent.status = Status::RequiresPaymentMethod;
    intent.payment_method = None;
    intent.last_payment_error = Some(details.clone());
    details["payment_intent"] = json!(intent);
    error(402, "card_error", details)
}

/// Captures an authorized amount, or a part of it.
pub(super) fn capture(intent: &mut Intent, form: &Form, fault: Option<&FaultKind>) -> Reply {
    if intent.status != Status::RequiresCapture {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent.status.name()
        );
        return unexpected_state(intent, &message);
    }
    if let Some(FaultKind::Decline { code }) = fault {
        intent.amount_capturable = 0;
        return decline(intent, code);
    }
    let amount = match amount(form, "amount_to_capture") {
        Ok(amount) => amount.unwrap_or(intent.amount_capturable),
        Err(refusal) => return refusal,
    };
    if amount > intent.amount_capturable {
        return invalid("amount_too_large", "The amount to capture is greater than the authorized amount.", "amount_to_capture");
    }
    // The rest is released.
    intent.status = Status::Succeeded;
    intent.amount_received = amount;
    intent.amount_capturable = 0;
    Reply::new(200, json!(intent))
}

/// Cancels the intent, unless it is captured.
pub(super) fn cancel(intent: &mut Intent, form: &Form, now_s: i64) -> Reply {
    if matches!(intent.status, Status::Succeeded | Status::Canceled) {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.",
            intent.status.name()
        );
        return unexpected_state(intent, &message);
    }
    intent.status = Status::Canceled;
    intent.amount_capturable = 0;
    intent.canceled_at = Some(now_s);
    intent.cancellation_reason = form.get("cancellation_reason").cloned();
    Reply::new(200, json!(intent))
}
