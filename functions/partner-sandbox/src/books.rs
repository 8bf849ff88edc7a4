//! The books: everything that the partners did for an order, and every call to them. Tests rely on them as the truth.

use crate::call::{Call, CallOutcome, FaultKind, Partner};
use crate::documents::{Documents, DocumentsError, order_partition, put_once};
use crate::partner::OrderDocuments;
use crate::partners;
use crate::sandbox::Ports;
use carryout_lambda::ids::new_id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A recorded call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallRecord {
    /// The called partner.
    pub partner: Partner,
    /// The requested operation.
    pub operation: String,
    /// The caller's idempotency key.
    pub key: Option<String>,
    /// The time of the call. Milliseconds since the Unix epoch.
    pub at: i64,
    /// The outcome.
    pub outcome: CallOutcome,
    /// The status that the caller received; none for a late effect.
    pub status: Option<u16>,
    /// The injected fault.
    pub fault: Option<FaultKind>,
}

impl CallRecord {
    /// A record of `call` without status or fault.
    pub fn of(call: &Call, at: i64, outcome: CallOutcome) -> Self {
        let (operation, key) = (call.operation.name.to_owned(), call.key.clone());
        Self { partner: call.partner, operation, key, at, outcome, status: None, fault: None }
    }
}

/// Records a call in the books of its order, if it has one.
///
/// # Errors
///
/// [`DocumentsError`].
pub async fn record(documents: &impl Documents, call: &Call, record: &CallRecord) -> Result<(), DocumentsError> {
    let Some(order_id) = &call.order_id else { return Ok(()) };
    // Ids sort by time, even within one millisecond, and are unique.
    put_once(documents, &order_partition(order_id), &format!("call#{}", new_id("call")), &serde_json::to_value(record)?).await
}

/// Reads the books of one order; empty ones for an unknown order.
///
/// # Errors
///
/// [`DocumentsError`].
pub async fn read<P: Ports>(documents: &P::Documents, order_id: &str) -> Result<Value, DocumentsError> {
    let order = OrderDocuments(documents.list(&order_partition(order_id)).await?);
    let mut books =
        Map::from_iter([("order_id".to_owned(), order_id.into()), ("calls".to_owned(), Value::Array(order.of("call")?))]);
    let mut summary = Map::new();
    for partner in partners::all::<P>() {
        let part = partner.books(&order)?;
        books.extend(part.entries.into_iter().map(|(name, value)| (name.to_owned(), value)));
        summary.extend(part.summary.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    books.insert("summary".to_owned(), json!(summary));
    Ok(Value::Object(books))
}

/// The consumer of an order, if any partner knows it.
///
/// # Errors
///
/// [`DocumentsError`].
pub async fn consumer_of(documents: &impl Documents, order_id: &str) -> Result<Option<String>, DocumentsError> {
    let known = documents.list(&order_partition(order_id)).await?;
    let places = ["/consumer_id", "/consumer/id", "/intent/metadata/consumer_id", "/request/consumer_id"];
    let consumer = |value: &Value| places.iter().find_map(|place| value.pointer(place)?.as_str().map(str::to_owned));
    Ok(known.iter().find_map(|(_, document)| consumer(&document.value)))
}
