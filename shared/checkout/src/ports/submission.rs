//! Taking an order: one transaction, and one message to its workflow.

use crate::{
    consumer::Consumer,
    order::{Order, OrderSubmitted},
};
use carryout_environment::StorageError;
use carryout_pricing::Quote;
use serde::de::DeserializeOwned;
use std::future::Future;

/// What makes a repeated request the same request: the record that remembers it, in the Powertools schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The record's id: function, consumer and key.
    pub record_id: String,
    /// Hash of the request's body.
    pub validation: String,
}

/// What a completed request was, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedRequest {
    /// Hash of the request's body.
    pub validation: String,
    /// What it was answered: JSON.
    pub answer: String,
}

impl CompletedRequest {
    /// What to answer `key` again; nothing where the key was used for another request.
    ///
    /// # Errors
    ///
    /// Where the stored answer can't be read.
    pub fn answer_to<A: DeserializeOwned>(&self, key: &IdempotencyKey) -> Result<Option<A>, StorageError> {
        if self.validation != key.validation {
            return Ok(None);
        }
        serde_json::from_str(&self.answer).map(Some).map_err(|error| StorageError::Corrupt(error.to_string()))
    }
}

/// Everything that one submit writes, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The new order.
    pub order: Order,
    /// The request that it answers.
    pub key: IdempotencyKey,
    /// What the request is answered: JSON.
    pub answer: String,
    /// Until when the request is remembered. Seconds since the Unix epoch.
    pub remember_until: i64,
    /// When the order counts as stuck if nothing happens. Milliseconds since the Unix epoch.
    pub stuck_at: i64,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum SubmitRefused {
    /// A request with this key was completed before, maybe just now by a twin.
    Repeated(CompletedRequest),
    /// The quote was used by another order.
    QuoteUsed,
    /// Somebody else wrote the same things at the same moment; nothing is known to be wrong. Try again.
    Conflict,
    /// The store failed; the write may have happened, and the key finds it.
    Storage(StorageError),
}

impl From<StorageError> for SubmitRefused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// What a submit reads by the ids that its request names, and what it writes.
pub trait Submissions: Send + Sync {
    /// The consumer and the quote, in one read; `None` for what does not exist.
    fn consumer_and_quote(
        &self,
        consumer_id: &str,
        quote_id: &str,
    ) -> impl Future<Output = Result<(Option<Consumer>, Option<Quote>), StorageError>> + Send;

    /// Writes the order, its idempotency record and the use of its quote in one transaction: it alone decides.
    fn submit(&self, submission: &Submission) -> impl Future<Output = Result<(), SubmitRefused>> + Send;

    /// The completed request under this key, if there is one.
    fn completed(&self, record_id: &str) -> impl Future<Output = Result<Option<CompletedRequest>, StorageError>> + Send;
}

/// The queue between request and work.
pub trait OrderQueue: Send + Sync {
    /// Sends a message, at least once.
    fn send(&self, message: &OrderSubmitted) -> impl Future<Output = Result<(), StorageError>> + Send;
}
