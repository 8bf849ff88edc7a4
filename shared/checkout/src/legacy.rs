//! The legacy mirror: what readers of the system before this one see of an order, while they move over.
//!
//! Every write of an order comes out of its table's stream and goes through a FIFO queue into a [`LegacySink`]. A message
//! holds the whole order at one version, and the sink keeps the newest version only, so that messages may be lost behind a
//! newer one, repeated, and late, and the sink still ends where the order does. The checkout itself never waits for it.

use crate::{
    order::{Order, OrderStatus},
    ports::CallError,
};
use carryout_environment::StorageError;
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future};

/// An order as legacy readers know it. Members may be added; none is renamed, removed or given another meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyOrder {
    /// Its id, `ord_…`.
    pub id: String,
    /// Counts the order's writes, from 1. The newest version is the truth.
    pub version: u64,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it failed: a code of `docs/api.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Who ordered.
    pub consumer: LegacyParty,
    /// From where.
    pub store: LegacyParty,
    /// The market's country: ISO 3166-1, two letters.
    pub country: String,
    /// How it reaches the consumer.
    pub fulfilment: LegacyFulfilment,
    /// What is bought.
    pub lines: Vec<LegacyLine>,
    /// What the consumer pays.
    pub total: Money,
    /// When it was submitted. Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When this version was written. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// Follows the order through every log.
    pub correlation_id: String,
}

/// A consumer or a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyParty {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// How an order reaches its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyFulfilment {
    /// A courier brings it.
    Delivery,
    /// The consumer fetches it.
    Pickup,
}

impl LegacyFulfilment {
    /// As in JSON.
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
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of all.
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
            country: order.country.code().to_owned(),
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
    /// What the queue knows a repeated message by.
    pub fn deduplication_id(&self) -> String {
        format!("{}-{}", self.id, self.version)
    }
}

/// The code under which a failed call to the legacy system is logged and counted.
pub const fn code(error: &CallError) -> &'static str {
    match error {
        CallError::Unavailable { .. } => "Legacy.Unavailable",
        CallError::Unclear { .. } => "Legacy.Unclear",
        CallError::Refused { .. } => "Legacy.Refused",
    }
}

/// The newest version of each order, in the order in which the orders first occur. What is older is behind it anyway.
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
    /// Sends every order, each at least once. Orders of one id MUST arrive in the order in which they were sent; on an
    /// error some may have been sent.
    fn send(&self, orders: &[LegacyOrder]) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    /// The sink now holds this version.
    Applied,
    /// The sink holds this version or a newer one already; nothing changed.
    Older,
}

/// Where legacy readers look orders up.
pub trait LegacySink: Send + Sync {
    /// Writes the order unless the sink holds its version or a newer one. MUST decide and write in one step: two upserts of
    /// one order at the same time end with the newer one.
    fn upsert(&self, order: &LegacyOrder) -> impl Future<Output = Result<Upserted, CallError>> + Send;
}
