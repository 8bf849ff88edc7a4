//! The order mirror for readers of the legacy system.
//!
//! Every write of an order arrives from the orders table's stream and passes through a FIFO queue into a [`LegacySink`]. A message
//! holds the whole order at one version, and the sink keeps the newest version. Superseded messages may therefore be lost, and any
//! message may be duplicated or late. The checkout never waits for the mirror.

use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::CallError,
};
use carryout_environment::StorageError;
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future};

/// An order in the shape that legacy readers expect. Fields may be added; none may be renamed, removed or change its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyOrder {
    /// The order's id, `ord_…`.
    pub id: String,
    /// The number of writes of the order so far, from 1. The newest version wins.
    pub version: u64,
    /// The order's status.
    pub status: OrderStatus,
    /// The error code of a failed order, as in `docs/api.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The consumer.
    pub consumer: LegacyParty,
    /// The store.
    pub store: LegacyParty,
    /// The market's country: ISO 3166-1, two letters.
    pub country: String,
    /// Delivery or pickup.
    pub fulfilment: LegacyFulfilment,
    /// The items ordered.
    pub lines: Vec<LegacyLine>,
    /// The total that the consumer pays.
    pub total: Money,
    /// Submission time. Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// Time of the write that produced this version. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// Correlation id of the order, present in every log line about it.
    pub correlation_id: String,
}

/// A consumer or a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyParty {
    /// The party's id.
    pub id: String,
    /// The party's name.
    pub name: String,
}

/// Delivery or pickup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyFulfilment {
    /// Delivery by courier.
    Delivery,
    /// Pickup by the consumer.
    Pickup,
}

impl LegacyFulfilment {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Pickup => "pickup",
        }
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyLine {
    /// The item's id.
    pub item_id: String,
    /// The item's name.
    pub name: String,
    /// Units ordered.
    pub quantity: u32,
    /// Price of all units.
    pub amount: Money,
}

impl From<&Order> for LegacyOrder {
    fn from(order: &Order) -> Self {
        let lines = order.quote.terms.price.lines.iter().map(|line| LegacyLine {
            item_id: line.item_id.to_string(),
            name: line.name.to_string(),
            quantity: line.quantity,
            amount: line.amount,
        });
        Self {
            id: order.id.clone(),
            version: order.version,
            status: order.status,
            failure: order.failure.as_ref().map(|failure| failure.code.clone()),
            consumer: LegacyParty { id: order.consumer.id.clone(), name: order.consumer.name.clone() },
            store: LegacyParty { id: order.store.id.clone(), name: order.store.name.clone() },
            country: order.country.as_str().to_owned(),
            fulfilment: if order.is_delivery() { LegacyFulfilment::Delivery } else { LegacyFulfilment::Pickup },
            lines: lines.collect(),
            total: order.total(),
            created_at: order.created_at,
            updated_at: order.updated_at,
            correlation_id: order.correlation_id.clone(),
        }
    }
}

impl LegacyOrder {
    /// The deduplication id of the message on the queue.
    pub fn deduplication_id(&self) -> String {
        format!("{}-{}", self.id, self.version)
    }
}

/// The error code with which a failed call to the legacy system is logged and counted.
pub const fn code(error: &CallError) -> &'static str {
    match error {
        CallError::Unavailable { .. } => "Legacy.Unavailable",
        CallError::Unclear { .. } => "Legacy.Unclear",
        CallError::Refused { .. } => "Legacy.Refused",
    }
}

/// Keeps the newest version of each order, in the sequence in which the orders first occur.
pub fn newest_of_each(orders: impl IntoIterator<Item = LegacyOrder>) -> Vec<LegacyOrder> {
    let mut newest: Vec<LegacyOrder> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for order in orders {
        match places.get(&order.id).and_then(|place| newest.get_mut(*place)) {
            Some(known) if known.version < order.version => *known = order,
            Some(_) => {}
            None => {
                places.insert(order.id.clone(), newest.len());
                newest.push(order);
            }
        }
    }
    newest
}

/// The queue between the orders' stream and the sink.
pub trait LegacyQueue: Send + Sync {
    /// Sends every order at least once. Versions of one order MUST arrive in the sequence in which they were sent. After an
    /// error, some may have been sent.
    fn send(&self, orders: &[LegacyOrder]) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// The outcome of an upsert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    /// The sink now holds this version.
    Applied,
    /// The sink already held this version or a newer one; nothing changed.
    Older,
}

/// The store that legacy readers read orders from.
pub trait LegacySink: Send + Sync {
    /// Writes the order unless the sink holds its version or a newer one. MUST compare and write atomically: of two
    /// concurrent upserts, the newer version remains.
    fn upsert(&self, order: &LegacyOrder) -> impl Future<Output = Result<Upserted, CallError>> + Send;
}
