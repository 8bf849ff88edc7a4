//! What the steps of an order read and write, and how their workflows run.

use crate::{
    ledger::LedgerEvent,
    order::{Order, OrderFacts, OrderStatus},
    redemptions::Reserved,
};
use carryout_environment::{Failure, StorageError};
use carryout_pricing::ComponentId;
use carryout_workflow::{Claim, UndoStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{future::Future, sync::Arc};

/// What became of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionState {
    /// There never was one of this name.
    NotFound,
    /// It runs.
    Running,
    /// It ended, well or not.
    Ended,
}

/// Runs workflows.
pub trait Executions: Send + Sync {
    /// Starts an execution of the state machine. Starting a name again does nothing, also after it has ended.
    fn start(&self, state_machine: &str, name: &str, input: &Value) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// What became of the execution.
    fn state(&self, state_machine: &str, name: &str) -> impl Future<Output = Result<ExecutionState, StorageError>> + Send;
}

/// Sends answers to steps that wait.
pub trait Callbacks: Send + Sync {
    /// The step goes on. A token that nobody waits for any more is no error.
    fn succeed(&self, task_token: &str, output: &Value) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The step fails with this failure. A token that nobody waits for any more is no error.
    fn fail(&self, task_token: &str, failure: &Failure) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// What a step writes together with its entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OrderNote {
    /// Events to append to the ledger.
    pub ledger: Vec<LedgerEvent>,
    /// Flags to set on the order.
    pub flags: Vec<String>,
}

/// Orders with their status maps, as the steps under a claim see them.
pub trait OrderSteps: UndoStore<Subject = Order, Note = OrderNote> {}

impl<T: UndoStore<Subject = Order, Note = OrderNote>> OrderSteps for T {}

/// Why a conditional write of an order, or of another subject, did not happen.
pub type Refused<S = Order> = carryout_workflow::Refused<S>;

/// Confirms prices.
pub trait QuoteLocks: Send + Sync {
    /// In one transaction: checks that the quote is used by this order at this total, and completes the entry of
    /// `step`. Refuses as a claim would; [`Refused::Other`] where the quote no longer holds.
    fn confirm(
        &self,
        step: &'static str,
        order_id: &str,
        run: u32,
        facts: &OrderFacts,
        now: i64,
    ) -> impl Future<Output = Result<(), Refused>> + Send;
}

/// Why items were not reserved.
#[derive(Debug)]
pub enum ReserveRefused {
    /// These items (by id) are sold out or no longer offered.
    SoldOut(Vec<Arc<str>>),
    /// These discounts and credits of the price exceed what is left of their redemption limits.
    UsedUp(Vec<ComponentId>),
    /// Somebody else wrote the same things at the same moment. Try again.
    Conflict,
    /// The store failed, or the claim was lost.
    Storage(StorageError),
}

impl From<StorageError> for ReserveRefused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Takes items out of stock and what is limited from its counters, and puts them back.
pub trait Reservations: Send + Sync {
    /// In one transaction: takes every line of the order out of stock, redemptions what its price takes of what is limited
    /// ([`crate::redemptions`]), and completes the entry under `claim` with all that as its response.
    ///
    /// MUST let no counter give more than its allowance, and refuse only where less is left than the order wants.
    fn reserve(&self, claim: &Claim, order: &Order) -> impl Future<Output = Result<Reserved, ReserveRefused>> + Send;

    /// In one transaction: puts every line and every redemption back that the entry's response names, and marks the entry under
    /// `claim` as undone.
    fn put_back(&self, claim: &Claim, order: &Order) -> impl Future<Output = Result<(), ReserveRefused>> + Send;
}

/// Closes orders.
pub trait Closing: Send + Sync {
    /// Closes the order as placed and completes the entry of `step`. Refuses unless it moves forward in this run and
    /// nobody asked to cancel it.
    fn place(&self, step: &'static str, order_id: &str, run: u32, now: i64) -> impl Future<Output = Result<(), Refused>> + Send;

    /// Closes the order, of which nothing is left, as `ended` (failed or cancelled) and releases its quote, in one
    /// transaction. `reason` counts unless one is recorded.
    fn fail(
        &self,
        order_id: &str,
        run: u32,
        quote_id: &str,
        ended: OrderStatus,
        reason: Option<&Failure>,
        now: i64,
    ) -> impl Future<Output = Result<(), Refused>> + Send;

    /// Closes the order as parked and returns it.
    fn park(&self, order_id: &str, run: u32, now: i64) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// A merchant's answer to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum MerchantAnswer {
    /// The order will be made.
    Accepted,
    /// It won't.
    Refused {
        /// Why, in the merchant's words.
        #[serde(default)]
        reason: String,
    },
}

/// Keeps merchants' answers.
pub trait Answers: Send + Sync {
    /// Registers where to send the answer, unless one is recorded already or the order is cancelled. Returns the order as
    /// it then stands; refuses as a claim would.
    fn wait_for(
        &self,
        step: &'static str,
        order_id: &str,
        run: u32,
        task_token: &str,
        now: i64,
    ) -> impl Future<Output = Result<Order, Refused>> + Send;

    /// Records the answer, unless one is recorded already or the order no longer moves forward. Returns the order.
    fn record(
        &self,
        step: &'static str,
        order_id: &str,
        answer: &MerchantAnswer,
        now: i64,
    ) -> impl Future<Output = Result<Order, Refused>> + Send;
}
