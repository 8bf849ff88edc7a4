//! Orders after they were taken: reads, ledgers, reports, cancellation, redriving and sweeping.

use super::steps::Refused;
use crate::{ledger::LedgerEvent, order::Order};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::Subject;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::future::Future;

/// Reads orders.
pub trait Orders: Send + Sync {
    /// The order; `None` if there is none of this id.
    fn order(&self, id: &str) -> impl Future<Output = Result<Option<Order>, StorageError>> + Send;
}

/// What became of an event that somebody told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It stands in the ledger now.
    New,
    /// The ledger was told the same before: nothing was written.
    Known,
    /// There is no such order.
    NoOrder,
}

/// Appends to orders' ledgers from outside their steps: what the processor tells by itself, or was found out.
pub trait Ledgers: Send + Sync {
    /// Appends `event` unless the ledger has one of its [`LedgerEvent::name`], also one that a step wrote. One conditional
    /// write, whatever the order's status and whoever holds its steps; it changes nothing but the ledger.
    fn append(&self, order_id: &str, event: &LedgerEvent) -> impl Future<Output = Result<Appended, StorageError>> + Send;
}

/// What is found again and again about one subject.
pub trait Report: Serialize + DeserializeOwned + Send + Sync {
    /// The subject. Reports of one subject are kept apart from those of others.
    const SUBJECT: &'static str;

    /// What the report is kept under. Milliseconds since the Unix epoch.
    fn started_at(&self) -> i64;
}

/// Keeps reports of one kind.
pub trait Reports<R: Report>: Send + Sync {
    /// The newest report, if there is one.
    fn latest(&self) -> impl Future<Output = Result<Option<R>, StorageError>> + Send;

    /// Keeps a report, under the moment at which it began.
    fn save(&self, report: &R) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Takes consumers' cancellations.
pub trait Cancellations: Send + Sync {
    /// Marks the order, so that no step of it begins any more. Refuses unless the order is this consumer's, is open and
    /// moves forward, is not accepted by its store ([`crate::cancel::is_accepted`]) and not marked yet. Returns the order.
    fn request(&self, order_id: &str, consumer_id: &str, now: i64) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// Parked orders, for operators.
pub trait ParkedOrders: Send + Sync {
    /// Parked orders, longest parked first, at most `limit`. Found by an index, never by a scan.
    fn parked(&self, limit: usize) -> impl Future<Output = Result<Vec<Order>, StorageError>> + Send;

    /// Opens a parked order again, in its next run and still in the direction of its undo, and returns it. It counts as
    /// stuck at `look_again_at` (milliseconds since the Unix epoch). Refuses where the order is not parked.
    fn reopen(&self, order_id: &str, look_again_at: i64) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// Tells operators about parked orders.
pub trait Pager: Send + Sync {
    /// Sends what remains of the order's effects to the operators, at least once.
    fn page(&self, parked: &ParkedOrder) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// What an operator needs to know of a parked order, or of a parked refund of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedOrder {
    /// The order.
    pub order_id: String,
    /// The refund, where it is one that is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    /// Steps whose effects remain.
    pub remaining: Vec<String>,
    /// Why the undo could not be finished.
    pub failure: Option<Failure>,
    /// Follows the order through every log.
    pub correlation_id: String,
}

/// Finds orders, or refunds, that stopped moving.
pub trait StuckOrders: Send + Sync {
    /// What is found.
    type Subject: Subject;

    /// Open orders whose deadline has passed at `now`, at most `limit`. Found by an index, never by a scan.
    fn stuck(&self, now: i64, limit: usize) -> impl Future<Output = Result<Vec<Self::Subject>, StorageError>> + Send;

    /// Begins the next run, if `run` is still the order's run and the order is open; `false` if not.
    fn next_run(&self, order_id: &str, run: u32, look_again_at: i64) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Leaves the order alone until `look_again_at` (milliseconds since the Unix epoch).
    fn look_again(&self, order_id: &str, run: u32, look_again_at: i64) -> impl Future<Output = Result<(), StorageError>> + Send;
}
