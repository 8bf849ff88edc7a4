//! Payment processor, fraud service, logistics partner and merchants.

use crate::{
    consumer::Address,
    order::{FraudFacts, Order},
    store::Location,
};
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// How a call to a partner failed, apart from what the partner says about the matter itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nothing happened: the partner was not reached, or said that it did nothing.
    #[error("{partner} is not available: {detail}")]
    Unavailable {
        /// Which partner.
        partner: &'static str,
        /// What it said, or what went wrong on the way.
        detail: String,
    },
    /// It may have happened: no answer came, or one that says nothing.
    #[error("{partner} gave no clear answer: {detail}")]
    Unclear {
        /// Which partner.
        partner: &'static str,
        /// What it said, or what went wrong on the way.
        detail: String,
    },
    /// The partner refuses the request as it is; the same one will never succeed.
    #[error("{partner} refused: {detail}")]
    Refused {
        /// Which partner.
        partner: &'static str,
        /// The partner's code.
        code: String,
        /// The partner's words.
        detail: String,
    },
}

/// Where a payment intent stands, in the processor's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    /// It has no payment method yet, or the last one was declined.
    RequiresPaymentMethod,
    /// It has not been confirmed.
    RequiresConfirmation,
    /// The consumer must do something first.
    RequiresAction,
    /// The processor is at it.
    Processing,
    /// The money is held.
    RequiresCapture,
    /// It was cancelled; nothing is held.
    Canceled,
    /// The money is taken.
    Succeeded,
}

/// A payment intent at the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The processor's id.
    pub id: String,
    /// Where it stands.
    pub status: IntentStatus,
    /// The amount that it is for.
    pub amount: Money,
}

/// A refund at the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The processor's id.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// Whether it failed, so that it does not count.
    pub failed: bool,
    /// The key that it was asked for under; empty where the processor does not tell.
    pub key: String,
}

/// The payment processor. Its keys may or may not be honoured, so callers look before they act again.
pub trait Payments: Send + Sync {
    /// Creates an unconfirmed intent to hold `amount` for the order. Nothing is held by it.
    fn create(&self, key: &str, order: &Order) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Confirms an intent with a payment method: the money is held, or the card is declined
    /// ([`CallError::Refused`] with the decline code).
    fn confirm(&self, key: &str, intent: &str, payment_method: &str) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// The intent as it stands.
    fn retrieve(&self, intent: &str) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Takes the held money.
    fn capture(&self, key: &str, intent: &str, amount: Money) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Lets the held money go. An intent that can no longer be cancelled is [`CallError::Refused`].
    fn cancel(&self, key: &str, intent: &str) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Gives taken money back. The refund keeps `key`.
    fn refund(&self, key: &str, intent: &str, amount: Money) -> impl Future<Output = Result<Refund, CallError>> + Send;

    /// Every refund of the intent.
    fn refunds(&self, intent: &str) -> impl Future<Output = Result<Vec<Refund>, CallError>> + Send;
}

/// A payment intent as the processor lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedIntent {
    /// The intent as it stands.
    pub intent: Intent,
    /// What was taken; refunds do not lessen it.
    pub received: Money,
    /// The order that it was created for; nothing where whoever created it is not of this system.
    pub order_id: Option<String>,
    /// When it was created. Milliseconds since the Unix epoch, exact to the second.
    pub created_at: i64,
}

/// Some of the processor's payment intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentPage {
    /// The intents, newest first.
    pub intents: Vec<ListedIntent>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The processor's own list of payments: what it knows, whoever forgot it.
pub trait PaymentList: Send + Sync {
    /// The intents that were created at or after `since` (milliseconds since the Unix epoch), newest first, those after
    /// the intent `after` where one is named.
    fn list(&self, since: i64, after: Option<&str>) -> impl Future<Output = Result<IntentPage, CallError>> + Send;

    /// One intent as the list shows it.
    fn listed(&self, intent: &str) -> impl Future<Output = Result<ListedIntent, CallError>> + Send;
}

/// What the fraud service says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FraudVerdict {
    /// Whether the order may go on.
    pub approved: bool,
    /// 0 for harmless to 100 for fraud.
    pub score: u8,
    /// Why, for the operator.
    pub reason: String,
}

/// The fraud service. Asking has no effect.
pub trait Fraud: Send + Sync {
    /// Judges an order.
    fn check(&self, order: &Order, facts: FraudFacts) -> impl Future<Output = Result<FraudVerdict, CallError>> + Send;
}

/// A courier's delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The logistics partner's id.
    pub id: String,
    /// Whether a courier still comes.
    pub live: bool,
    /// Minutes until it arrives.
    pub eta_minutes: u32,
}

/// The logistics partner.
pub trait Logistics: Send + Sync {
    /// Whether couriers serve this way.
    fn covers(&self, from: Location, to: Location) -> impl Future<Output = Result<bool, CallError>> + Send;

    /// Books a courier. The same key gives the same delivery.
    fn create(&self, key: &str, order: &Order, to: &Address) -> impl Future<Output = Result<Delivery, CallError>> + Send;

    /// Every delivery of the order, cancelled ones too.
    fn find(&self, order_id: &str) -> impl Future<Output = Result<Vec<Delivery>, CallError>> + Send;

    /// Calls the courier off. Cancelling again is no error.
    fn cancel(&self, delivery: &str) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// The merchants' order systems.
pub trait Merchants: Send + Sync {
    /// Sends the order to its store, or sends it again. The store answers by webhook if `wants_answer`.
    fn send(&self, order: &Order, wants_answer: bool) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Tells the store not to make it. An order that the store does not know yet is refused when it arrives later.
    fn cancel(&self, order: &Order) -> impl Future<Output = Result<(), CallError>> + Send;
}
