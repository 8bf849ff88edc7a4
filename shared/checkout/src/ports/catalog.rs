//! Stores, consumers, promotions and quotes: what a price is computed from, and where it is kept.

use crate::{
    audit::QuoteRecord,
    consumer::Consumer,
    redemptions::UsageCounters,
    store::{Location, Store, StoreWithMenu},
};
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_pricing::{Promotion, Quote, Record};
use std::future::Future;

/// Stores and what they sell.
pub trait Catalog: Send + Sync {
    /// A store with its menu and stock, in one read; `None` if there is none of this id.
    fn store(&self, id: &str) -> impl Future<Output = Result<Option<StoreWithMenu>, StorageError>> + Send;

    /// Stores whose location is within `radius` metres of `point`, nearest first, at most `limit`.
    fn near(&self, point: Location, radius: u32, limit: usize) -> impl Future<Output = Result<Vec<Store>, StorageError>> + Send;
}

/// Consumers with their addresses and payment methods.
pub trait Consumers: Send + Sync {
    /// The consumer, in one read; `None` if there is none of this id.
    fn consumer(&self, id: &str) -> impl Future<Output = Result<Option<Consumer>, StorageError>> + Send;
}

/// The partition of the control table's documents that has the promotions of each market, by its country's code.
pub const PROMOTIONS: &str = "promotions";

/// What may be taken off in each market, and what orders took of what is limited.
pub trait Promotions: Send + Sync {
    /// The promotions of a country's market, in the order in which they were set; none where none were.
    fn promotions(&self, country: MarketId) -> impl Future<Output = Result<Vec<Promotion>, StorageError>> + Send;

    /// The counters under these keys ([`crate::redemptions`]), without those that don't exist.
    fn counters(&self, keys: &[String]) -> impl Future<Output = Result<UsageCounters, StorageError>> + Send;
}

/// Locked prices.
///
/// What is kept of a quote is dropped some time after the quote has expired ([`crate::audit::kept_until`]), except while an
/// order uses it.
pub trait Quotes: Send + Sync {
    /// Keeps a quote with the record of our price, which is the quote's own unless that shows another system's. MUST NOT
    /// replace one. A quote that prices an order again is used by that order from the beginning.
    fn save(&self, quote: &Quote, record: &Record) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Keeps the record of a price that was wrong. There is no quote of its id.
    fn save_invalid(&self, record: &QuoteRecord) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The quote; `None` if there is none of this id.
    fn quote(&self, id: &str) -> impl Future<Output = Result<Option<Quote>, StorageError>> + Send;
}

/// What quotes' prices depended on, for operators.
pub trait QuoteRecords: Send + Sync {
    /// The record of a quote, also of a price that was wrong; `None` if there is none of this id.
    fn record(&self, id: &str) -> impl Future<Output = Result<Option<QuoteRecord>, StorageError>> + Send;
}
