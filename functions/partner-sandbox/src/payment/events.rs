//! Events of the payment processor, and their receiver.

use crate::call::{Operation, Reply};
use crate::callbacks::{Outbound, PaymentEvent};
use crate::documents::{Documents, DocumentsError, read, update};
use crate::sandbox::{Ports, Sandbox};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::ids::new_id;
use carryout_lambda::signature::{PAYMENT_SIGNATURE_HEADER, sign_webhook};
use serde_json::json;

/// The document that holds the receiver of events.
const SUBSCRIPTION: (&str, &str) = ("payment-subscription", "url");

/// Sends events to `url` from now on, and nowhere else.
pub(super) async fn subscribe(documents: &impl Documents, url: &str) -> Result<Reply, DocumentsError> {
    let (pk, sk) = SUBSCRIPTION;
    update(documents, pk, sk, |_: Option<String>| (Some(url.to_owned()), ())).await?;
    let endpoint = json!({ "object": "webhook_endpoint", "url": url, "status": "enabled", "enabled_events": ["*"] });
    Ok(Reply::new(200, endpoint))
}

/// The receiver of events, if any.
pub(super) async fn subscriber(documents: &impl Documents) -> Result<Option<String>, DocumentsError> {
    read(documents, SUBSCRIPTION.0, SUBSCRIPTION.1).await
}

/// The event that follows a reply to an operation, if any.
pub(super) fn event(operation: &Operation, reply: &Reply, now_s: i64) -> Option<PaymentEvent> {
    if reply.was_replayed() {
        return None;
    }
    let body = reply.body();
    let (kind, object) = match (operation.name, reply.status()) {
        ("confirm" | "capture", 200) if body["status"] == "succeeded" => ("payment_intent.succeeded", body),
        ("confirm", 200) => ("payment_intent.amount_capturable_updated", body),
        ("confirm", 402) => ("payment_intent.payment_failed", &body["error"]["payment_intent"]),
        ("cancel", 200) => ("payment_intent.canceled", body),
        ("refund", 200) => ("refund.updated", body),
        _ => return None,
    };
    let event = json!({
        "id": new_id("evt"),
        "object": "event",
        "type": kind,
        "created": now_s,
        "livemode": false,
        "data": { "object": object },
    });
    Some(PaymentEvent { body: event.to_string() })
}

/// Sends an event to its receiver. Retried if the receiver is unreachable or fails; a refusal is final.
pub(super) async fn send<P: Ports>(sandbox: &Sandbox<P>, due: &PaymentEvent) -> Result<(), BatchItemError> {
    let url = subscriber(&sandbox.documents).await?;
    let Some(url) = url else { return Ok(()) };
    let signature = sign_webhook(&sandbox.settings.payment_webhook_keys, sandbox.now_s(), due.body.as_bytes());
    match sandbox.outbound.post(&url, &[(PAYMENT_SIGNATURE_HEADER, signature)], due.body.clone()).await {
        Err(error) => Err(BatchItemError::new("Payment.EventLost", error.to_string())),
        Ok(status @ 500..) => Err(BatchItemError::new("Payment.EventLost", format!("the receiver failed with {status}"))),
        Ok(_) => Ok(()),
    }
}
