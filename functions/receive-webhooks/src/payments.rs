//! What the payment processor tells by itself, in the events of the Stripe API: <https://docs.stripe.com/api/events/types>.
//!
//! An event only adds to the order's ledger. It moves no money, completes no step and starts nothing: the steps look at the
//! processor themselves, so an event that comes early, late, twice or never changes what they do in nothing.

use crate::Received;
use carryout_checkout::{
    codes::PAYMENT_UNAVAILABLE,
    ledger::{LedgerEvent, LedgerKind, LedgerPhase, authorization_effect, charge_effect},
    ports::{Appended, CallError, Ledgers, PaymentList},
};
use carryout_environment::{Clock, Secrets};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, WEBHOOK_TOLERANCE_SECONDS, verify_payment_webhook},
};
use carryout_money::{Currency, Money};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the processor's events need.
pub struct Payments<L, P, S> {
    /// Tells ledgers.
    pub ledgers: L,
    /// Knows the order of a payment where an event does not name it.
    pub payments: P,
    /// What the processor signs its events with.
    pub secret: S,
}

#[derive(Deserialize)]
struct ProcessorEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// Seconds since the Unix epoch.
    created: i64,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: Value,
}

#[derive(Deserialize)]
struct IntentObject {
    id: String,
    amount: i64,
    #[serde(default)]
    amount_capturable: i64,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    latest_charge: Option<Value>,
    #[serde(default)]
    last_payment_error: Option<Value>,
}

#[derive(Deserialize)]
struct RefundObject {
    id: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ChargeObject {
    #[serde(default)]
    refunds: Option<Refunds>,
}

#[derive(Deserialize)]
struct Refunds {
    data: Vec<RefundObject>,
}

#[derive(Deserialize)]
struct DisputeObject {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    #[serde(default)]
    payment_intent: Option<String>,
}

/// Something for one order's ledger; the order is known, or only its payment.
struct Told {
    order_id: Option<String>,
    intent: Option<String>,
    event: LedgerEvent,
}

impl<L: Ledgers, P: PaymentList, S: Secrets> Payments<L, P, S> {
    /// `POST /v1/webhooks/payments`: adds what the event tells to its order's ledger. Safe to repeat.
    pub async fn handle(&self, clock: &impl Clock, request: &Request) -> Result<Response, Problem> {
        let secret = self.secret.secret().await.map_err(|error| Problem::internal(&error))?;
        let keys = KeyRing::new(&secret.current, secret.previous.as_deref());
        let header = request.header("stripe-signature");
        verify_payment_webhook(&keys, header, &request.body, clock.now() / 1_000, WEBHOOK_TOLERANCE_SECONDS)?;
        let event: ProcessorEvent = request.json()?;
        let mut recorded = false;
        for told in tell(&event)? {
            let Some(order_id) = self.order_of(&told).await? else {
                tracing::info!(event = event.id, kind = event.kind, "a payment of no order of ours");
                continue;
            };
            let ledger_event = with_effect(told.event, &order_id);
            let appended = self.ledgers.append(&order_id, &ledger_event).await.map_err(|error| {
                let detail = "the event could not be recorded; send it again";
                Problem::from_code(503, error.code(), detail).retry_after(1).caused_by(&error)
            })?;
            let name = ledger_event.name();
            tracing::info!(order.id = %order_id, event = event.id, name, ?appended, "processor told {}", event.kind);
            recorded |= appended == Appended::New;
        }
        Ok(Response::json(200, &Received { received: event.id, recorded }))
    }

    async fn order_of(&self, told: &Told) -> Result<Option<String>, Problem> {
        let (None, Some(intent)) = (&told.order_id, &told.intent) else { return Ok(told.order_id.clone()) };
        match self.payments.listed(intent).await {
            Ok(listed) => Ok(listed.order_id),
            // The processor no longer knows its own payment: nobody will ever know more.
            Err(CallError::Refused { .. }) => Ok(None),
            Err(error @ (CallError::Unavailable { .. } | CallError::Unclear { .. })) => {
                let detail = "the payment's order could not be looked up; send it again";
                Err(Problem::from_code(503, PAYMENT_UNAVAILABLE, detail).retry_after(1).caused_by(&error))
            }
        }
    }
}

/// What an event tells ledgers: nothing where it is of no interest.
fn tell(event: &ProcessorEvent) -> Result<Vec<Told>, Problem> {
    // Whole seconds: the last millisecond, so that an answer is no older than the request that it answers.
    let at = event.created.saturating_mul(1_000).saturating_add(999);
    let object = &event.data.object;
    Ok(match event.kind.as_str() {
        "payment_intent.amount_capturable_updated" => {
            let intent: IntentObject = read(object)?;
            let held = intent.amount_capturable;
            of_intent(intent, LedgerKind::Authorization, LedgerPhase::Success, held, at)?
        }
        "payment_intent.succeeded" => {
            let intent: IntentObject = read(object)?;
            let taken = intent.amount_received;
            of_intent(intent, LedgerKind::Charge, LedgerPhase::Success, taken, at)?
        }
        "payment_intent.payment_failed" => {
            let intent: IntentObject = read(object)?;
            let asked = intent.amount;
            of_intent(intent, LedgerKind::Authorization, LedgerPhase::Failure, asked, at)?
        }
        "payment_intent.canceled" => {
            let intent: IntentObject = read(object)?;
            let asked = intent.amount;
            // What was never held is not let go: it came to nothing.
            if intent.latest_charge.is_some() && intent.last_payment_error.is_none() {
                of_intent(intent, LedgerKind::Void, LedgerPhase::Success, asked, at)?
            } else {
                of_intent(intent, LedgerKind::Authorization, LedgerPhase::Failure, asked, at)?
            }
        }
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => vec![of_refund(read(object)?, at)?],
        "charge.refunded" => {
            let charge: ChargeObject = read(object)?;
            let refunds = charge.refunds.map(|refunds| refunds.data).unwrap_or_default();
            refunds.into_iter().map(|refund| of_refund(refund, at)).collect::<Result<_, _>>()?
        }
        "charge.dispute.created" | "charge.dispute.closed" => {
            let dispute: DisputeObject = read(object)?;
            let phase = match dispute.status.as_str() {
                // An inquiry: the bank asks, and has taken nothing back.
                "warning_needs_response" | "warning_under_review" => LedgerPhase::Request,
                "warning_closed" => LedgerPhase::Failure,
                "won" => LedgerPhase::Reversal,
                _ => LedgerPhase::Success,
            };
            let amount = money(dispute.amount, &dispute.currency)?;
            let event = ledger_event(LedgerKind::Chargeback, phase, amount, dispute.id, String::new(), at);
            vec![Told { order_id: None, intent: dispute.payment_intent, event }]
        }
        _ => Vec::new(),
    })
}

fn of_intent(mut intent: IntentObject, kind: LedgerKind, phase: LedgerPhase, minor: i64, at: i64) -> Result<Vec<Told>, Problem> {
    let event = ledger_event(kind, phase, money(minor, &intent.currency)?, intent.id, String::new(), at);
    // Without an order it is another system's payment.
    Ok(vec![Told { order_id: intent.metadata.remove("order_id"), intent: None, event }])
}

fn of_refund(mut refund: RefundObject, at: i64) -> Result<Told, Problem> {
    let phase = match refund.status.as_str() {
        "succeeded" => LedgerPhase::Success,
        "failed" | "canceled" => LedgerPhase::Failure,
        _ => LedgerPhase::Request,
    };
    let effect = refund.metadata.remove("effect").unwrap_or_default();
    let event = ledger_event(LedgerKind::Refund, phase, money(refund.amount, &refund.currency)?, refund.id, effect, at);
    Ok(Told { order_id: None, intent: refund.payment_intent, event })
}

fn ledger_event(kind: LedgerKind, phase: LedgerPhase, amount: Money, reference: String, effect: String, at: i64) -> LedgerEvent {
    LedgerEvent { kind, phase, amount, reference, effect, at }
}

/// An order has one payment, whose effects are known by name.
fn with_effect(event: LedgerEvent, order_id: &str) -> LedgerEvent {
    let effect = match event.kind {
        LedgerKind::Authorization => authorization_effect(order_id),
        LedgerKind::Charge => charge_effect(order_id),
        LedgerKind::Refund | LedgerKind::Void | LedgerKind::Chargeback => event.effect,
    };
    LedgerEvent { effect, ..event }
}

fn read<T: DeserializeOwned>(object: &Value) -> Result<T, Problem> {
    T::deserialize(object).map_err(|error| Problem::invalid_field("data.object", error.to_string()))
}

fn money(minor: i64, currency: &str) -> Result<Money, Problem> {
    let currency: Currency =
        currency.parse().map_err(|_| Problem::invalid_field("data.object.currency", format!("{currency} is not known here")))?;
    if minor < 0 {
        return Err(Problem::invalid_field("data.object.amount", "an amount is never negative"));
    }
    Ok(Money::new(minor, currency))
}
