//! The books: everything that the partners did for an order, and every call that was made. What they say is the truth.

use crate::documents::{Documents, DocumentsError, put_once};
use crate::faults::FaultKind;
use crate::merchant::MerchantOrder;
use crate::payment::{PaymentRecord, Status};
use crate::{Partner, logistics};
use carryout_lambda::ids::new_id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A call to a partner, as faults match it and the books record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who was called.
    pub partner: Partner,
    /// What was asked; one of the partner's [`Partner::operations`].
    pub operation: &'static str,
    /// For which order; calls for none are not recorded.
    pub order_id: Option<String>,
    /// For which consumer, where the call says so.
    pub consumer_id: Option<String>,
    /// The caller's idempotency key.
    pub key: Option<String>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// The partner did it, or had done it already.
    Done,
    /// The partner said no.
    Refused,
    /// A fault came before the effect.
    Nothing,
    /// A fault deferred the effect.
    Later,
}

/// A recorded call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallRecord {
    /// Who was called.
    pub partner: Partner,
    /// What was asked.
    pub operation: String,
    /// The caller's idempotency key.
    pub key: Option<String>,
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
    /// What became of it.
    pub outcome: CallOutcome,
    /// The status that the caller was sent; nothing for an effect that landed late.
    pub status: Option<u16>,
    /// The fault that was played.
    pub fault: Option<FaultKind>,
}

/// The partition that holds everything of one order.
pub fn partition(order_id: &str) -> String {
    format!("order#{order_id}")
}

/// Records a call.
///
/// # Errors
///
/// As the store.
pub async fn record(
    documents: &impl Documents,
    call: &Call,
    at: i64,
    outcome: CallOutcome,
    status: Option<u16>,
    fault: Option<FaultKind>,
) -> Result<(), DocumentsError> {
    let Some(order_id) = &call.order_id else { return Ok(()) };
    let record = CallRecord {
        partner: call.partner,
        operation: call.operation.to_owned(),
        key: call.key.clone(),
        at,
        outcome,
        status,
        fault,
    };
    // Ids sort by time, also within one millisecond, and nobody else has this one.
    put_once(documents, &partition(order_id), &format!("call#{}", new_id("call")), &serde_json::to_value(record)?).await
}

/// The books of one order; empty ones for an order that nobody knows.
///
/// # Errors
///
/// As the store.
pub async fn read(documents: &impl Documents, order_id: &str) -> Result<Value, DocumentsError> {
    let (mut payments, mut deliveries, mut merchant_orders) = (Vec::new(), Vec::new(), Vec::new());
    let (mut fraud_checks, mut calls, mut legacy_order) = (Vec::new(), Vec::new(), None);
    let mut vendor_requests = Vec::new();
    for (sk, document) in documents.list(&partition(order_id)).await? {
        match sk.split('#').next().unwrap_or_default() {
            "payment" => payments.push(serde_json::from_value::<PaymentRecord>(document.value)?),
            "delivery" => deliveries.push(serde_json::from_value::<logistics::Delivery>(document.value)?),
            "merchant" => merchant_orders.push(serde_json::from_value::<MerchantOrder>(document.value)?),
            "fraud" => fraud_checks.push(document.value),
            "call" => calls.push(document.value),
            "vendor" => vendor_requests.push(document.value),
            "legacy" => legacy_order = Some(document.value),
            _ => {}
        }
    }
    payments.sort_by_key(|payment| payment.intent.created);
    let captured: i64 = payments.iter().map(|payment| payment.intent.amount_received).sum();
    let refunded: i64 = payments.iter().map(PaymentRecord::refunded).sum();
    let summary = json!({
        "authorized": payments.iter().map(|payment| payment.intent.amount_capturable).sum::<i64>(),
        "captured": captured,
        "refunded": refunded,
        "net_charged": captured - refunded,
        "charges": payments.iter().filter(|payment| payment.intent.status == Status::Succeeded).count(),
        "live_deliveries": deliveries.iter().filter(|delivery| delivery.is_live()).count(),
        "merchant_status": merchant_orders.last().map(|order| order.status),
    });
    Ok(json!({
        "order_id": order_id,
        "payment_intents": payments.iter().map(|payment| &payment.intent).collect::<Vec<_>>(),
        "refunds": payments.iter().flat_map(|payment| &payment.refunds).collect::<Vec<_>>(),
        "deliveries": deliveries,
        "merchant_orders": merchant_orders,
        "fraud_checks": fraud_checks,
        "legacy_order": legacy_order,
        "vendor_requests": vendor_requests,
        "calls": calls,
        "summary": summary,
    }))
}

/// The consumer of an order, where any partner was told.
///
/// # Errors
///
/// As the store.
pub async fn consumer_of(documents: &impl Documents, order_id: &str) -> Result<Option<String>, DocumentsError> {
    let told = documents.list(&partition(order_id)).await?;
    let places = ["/consumer_id", "/consumer/id", "/intent/metadata/consumer_id", "/request/consumer_id"];
    let consumer = |value: &Value| places.iter().find_map(|place| value.pointer(place)?.as_str().map(str::to_owned));
    Ok(told.iter().find_map(|(_, document)| consumer(&document.value)))
}
