//! Refunds of placed orders.

use super::{
    steps::Refused,
    submission::{CompletedRequest, IdempotencyKey},
};
use crate::{ledger::LedgerEvent, refund::OrderRefund};
use carryout_environment::{Failure, StorageError};
use carryout_pricing::Refunded;
use std::future::Future;

/// Everything that taking one refund writes, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundSubmission {
    /// The refund.
    pub refund: OrderRefund,
    /// What is given back of the order with it.
    pub refunded: Refunded,
    /// The version of the order that all this was worked out from.
    pub order_version: u64,
    /// The request that it answers.
    pub key: IdempotencyKey,
    /// What the request is answered: JSON.
    pub answer: String,
    /// Until when the request is remembered. Seconds since the Unix epoch.
    pub remember_until: i64,
    /// When the refund counts as stuck if nothing happens. Milliseconds since the Unix epoch.
    pub stuck_at: i64,
}

/// Why no refund was taken. Nothing was written, unless the store failed.
#[derive(Debug)]
pub enum RefundRefused {
    /// A request with this key was completed before, maybe just now by a twin.
    Repeated(CompletedRequest),
    /// The order was written meanwhile, or is being written: read it again.
    Changed,
    /// The store failed; the write may have happened, and the key finds it.
    Storage(StorageError),
}

impl From<StorageError> for RefundRefused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Takes refunds.
pub trait RefundRequests: Send + Sync {
    /// Writes the refund and the request's idempotency record, and in its order what is given back, the refund's id and
    /// its ledger event, in one transaction: it alone decides.
    ///
    /// MUST refuse unless the order is placed, at the submission's version, and without a refund under way.
    fn request(&self, submission: &RefundSubmission) -> impl Future<Output = Result<(), RefundRefused>> + Send;

    /// The completed request under this key, if there is one.
    fn completed(&self, record_id: &str) -> impl Future<Output = Result<Option<CompletedRequest>, StorageError>> + Send;
}

/// Closes refunds, each in one transaction with its order. A closed refund is no longer under way there, except a parked
/// one.
pub trait RefundClosing: Send + Sync {
    /// The refund; `None` if there is none of this id.
    fn refund(&self, id: &str) -> impl Future<Output = Result<Option<OrderRefund>, StorageError>> + Send;

    /// Closes the refund as given back, completes the entry of `step`, and appends `events` to the order's ledger.
    /// Refuses unless it is open, still in its run, and its money is given back.
    fn succeed(
        &self,
        step: &'static str,
        refund: &OrderRefund,
        events: &[LedgerEvent],
        now: i64,
    ) -> impl Future<Output = Result<(), Refused<OrderRefund>>> + Send;

    /// Closes the refund as failed, puts back what was given back of the order before it, and appends `events` to the
    /// order's ledger. Refuses unless it is open, still in its run, and it is certain that nothing is given back: it was
    /// never begun, or definitely refused. `reason` counts unless one is recorded.
    fn fail(
        &self,
        refund: &OrderRefund,
        events: &[LedgerEvent],
        reason: Option<&Failure>,
        now: i64,
    ) -> impl Future<Output = Result<(), Refused<OrderRefund>>> + Send;

    /// Closes the refund as parked and returns it. It stays under way in its order.
    fn park(&self, refund_id: &str, run: u32, now: i64)
    -> impl Future<Output = Result<OrderRefund, Refused<OrderRefund>>> + Send;
}

/// Parked refunds, for operators.
pub trait ParkedRefunds: Send + Sync {
    /// Opens a parked refund again, in its next run, and returns it. It counts as stuck at `look_again_at` (milliseconds
    /// since the Unix epoch). Refuses where the refund is not parked.
    fn reopen(
        &self,
        refund_id: &str,
        look_again_at: i64,
    ) -> impl Future<Output = Result<OrderRefund, Refused<OrderRefund>>> + Send;
}
