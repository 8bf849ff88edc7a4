//! Price parity with the legacy system, and the rollout of our prices by market.
//!
//! A sample of quotes passes through a queue to [`compare`], which requests the legacy system's price for the same cart and
//! records the difference of every price measure. A [`Rollout`] sets the sample rate and, per market in migration, the consumers who
//! are shown our prices. Neither can fail a quote: a sample is sent after the reply is decided, and our price replaces a legacy price
//! that is unavailable.

use crate::{mirror, partners::LEGACY_PRICES};
use carryout_checkout::{ports::CallError, quoting::Draft};
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_money::{Currency, Money};
use carryout_predicate::cohort::{Cohort, Percent};
use carryout_pricing::{Context, Fallback, Flag, Price, PriceMeasure};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future};

/// Operators' settings for the migration from the legacy system's prices to ours. The default is a completed migration: every
/// consumer is shown our prices, and no quote is compared.
///
/// ```
/// /// use carryout_migration::parity::{Engine, Rollout};
///
/// let rollout: Rollout = serde_json::from_str(r#"{ "sample": 5, "markets": { "CA": { "employees": true } } }"#).unwrap();
/// assert_eq!(rollout.engine(ids::CA, "con_bob", false), Engine::Legacy);
/// assert_eq!(rollout.engine(ids::CA, "con_bob", true), Engine::Ours);
/// assert_eq!(rollout.engine(ids::US, "con_bob", false), Engine::Ours);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rollout {
    /// The share of quotes to compare.
    pub sample: Percent,
    /// Markets in migration, with the consumers who are shown our prices. Other markets show our prices to every consumer.
    pub markets: BTreeMap<MarketId, Cohort>,
}

/// The system whose price a consumer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// This system's.
    Ours,
    /// The legacy system's.
    Legacy,
}

/// Partition and sort key of the rollout among the control table's documents.
pub const ROLLOUT_KEY: (&str, &str) = ("rollout", "pricing");

impl Rollout {
    /// The system whose price a consumer is shown in a market. A consumer who is shown our price keeps it as the share grows.
    pub fn engine(&self, market: MarketId, consumer_id: &str, employee: bool) -> Engine {
        match self.markets.get(&market) {
            Some(cohort) if !cohort.has("pricing-rollout", consumer_id, employee) => Engine::Legacy,
            _ => Engine::Ours,
        }
    }

    /// Whether a quote is in the sample.
    pub fn compares(&self, quote_id: &str) -> bool {
        self.sample.has("pricing-sample", quote_id)
    }
}

/// Reads the rollout.
pub trait Rollouts: Send + Sync {
    /// Returns the rollout, at most some seconds stale; the default if none is set. MUST answer quickly, even with an error: a quote
    /// waits for it, and shows our price on an error.
    fn rollout(&self) -> impl Future<Output = Result<Rollout, StorageError>> + Send;
}

/// A price request to the legacy system. It carries our price's inputs, so that only the arithmetic is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyPriceRequest {
    /// Our quote's id.
    pub quote_id: String,
    /// The consumer's id.
    pub consumer_id: String,
    /// The store's country.
    pub market: MarketId,
    /// The inputs of the price.
    pub context: Context,
}

impl LegacyPriceRequest {
    /// The request for the cart of a draft.
    pub fn of(draft: &Draft) -> Self {
        Self {
            quote_id: draft.terms.id.clone(),
            consumer_id: draft.terms.consumer_id.clone(),
            market: draft.market,
            context: draft.record.context.clone(),
        }
    }
}

/// The legacy system's prices.
pub trait LegacyPrices: Send + Sync {
    /// Returns the price that the legacy system would charge. Has no effect.
    fn price(&self, request: &LegacyPriceRequest) -> impl Future<Output = Result<Price, CallError>> + Send;
}

/// Replaces a draft's price by the legacy system's. If that is unavailable, or could not be locked and refunded, the draft keeps our
/// price with a flag; returns the reason.
pub async fn show_legacy_price(prices: &impl LegacyPrices, draft: &mut Draft) -> Option<CallError> {
    let request = LegacyPriceRequest::of(draft);
    let lines: Vec<(&str, u32)> = request.context.lines.iter().map(|line| (&*line.item_id, line.quantity)).collect();
    let error = match in_our_currency(prices, &request).await {
        Ok(price) => match price.contradiction(&lines) {
            None => {
                draft.show(price);
                return None;
            }
            Some(detail) => unclear(detail),
        },
        Err(error) => error,
    };
    let provider = LEGACY_PRICES.name.to_owned();
    draft.flag(Flag { provider, used: Fallback::Default, reason: mirror::code(&error).to_owned() });
    Some(error)
}

async fn in_our_currency(prices: &impl LegacyPrices, request: &LegacyPriceRequest) -> Result<Price, CallError> {
    let price = prices.price(request).await?;
    let (theirs, ours) = (price.total.currency, request.context.currency);
    if theirs == ours { Ok(price) } else { Err(unclear(format!("the price is in {theirs} instead of {ours}"))) }
}

fn unclear(detail: String) -> CallError {
    CallError::Unclear { partner: LEGACY_PRICES.name, detail }
}

/// A quote to compare: a message on the sample queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSample {
    /// The request to the legacy system.
    #[serde(flatten)]
    pub request: LegacyPriceRequest,
    /// The measures of our price, whichever price was shown. Minor units of the context's currency.
    pub ours: BTreeMap<PriceMeasure, i64>,
    /// When the quote was made. Milliseconds since the Unix epoch.
    pub at: i64,
    /// Correlation id of the quote, present in every log line about it.
    pub correlation_id: String,
}

impl PriceSample {
    /// The sample of a draft that was returned at `at`.
    pub fn of(draft: &Draft, at: i64, correlation_id: &str) -> Self {
        Self {
            request: LegacyPriceRequest::of(draft),
            ours: PriceMeasure::all_of(&draft.record.price),
            at,
            correlation_id: correlation_id.to_owned(),
        }
    }
}

/// The queue between quotes and their comparison.
pub trait SampleQueue: Send + Sync {
    /// Sends a sample, at least once.
    fn send(&self, sample: &PriceSample) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// The differences between both systems' prices for one quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Our quote's id.
    pub quote_id: String,
    /// The store's country.
    pub market: MarketId,
    /// When the quote was made. Milliseconds since the Unix epoch.
    pub at: i64,
    /// The currency of every amount.
    pub currency: Currency,
    /// The measures in which the prices differ; empty if they are equal.
    pub differences: BTreeMap<PriceMeasure, Difference>,
}

/// Two values of one measure. Minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The value in our price.
    pub ours: i64,
    /// The value in the legacy system's price.
    pub legacy: i64,
}

impl Difference {
    /// Our value minus the legacy system's. Minor units.
    pub const fn by(self) -> i64 {
        self.ours.saturating_sub(self.legacy)
    }
}

/// Stores comparisons for some weeks.
pub trait Comparisons: Send + Sync {
    /// Stores a comparison. A repetition for the same quote and time MUST count once.
    fn save(&self, comparison: &Comparison) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Returns a market's comparisons of quotes made from `since` (inclusive) to `until` (exclusive), oldest first. Milliseconds
    /// since the Unix epoch.
    fn between(
        &self,
        market: MarketId,
        since: i64,
        until: i64,
    ) -> impl Future<Output = Result<Vec<Comparison>, StorageError>> + Send;
}

/// Requests the legacy system's price for a sample and compares it with ours, measure by measure.
///
/// # Errors
///
/// Returns an error if the legacy system has no price, or one in another currency. The comparison can be retried.
pub async fn compare(prices: &impl LegacyPrices, sample: &PriceSample) -> Result<Comparison, CallError> {
    let theirs = in_our_currency(prices, &sample.request).await?;
    let differences = PriceMeasure::ALL.into_iter().filter_map(|measure| {
        let (ours, legacy) = (sample.ours.get(&measure).copied().unwrap_or_default(), measure.of(&theirs));
        (ours != legacy).then_some((measure, Difference { ours, legacy }))
    });
    Ok(Comparison {
        quote_id: sample.request.quote_id.clone(),
        market: sample.request.market,
        at: sample.at,
        currency: sample.request.context.currency,
        differences: differences.collect(),
    })
}

/// The agreement of both systems in one measure and market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parity {
    /// The measure.
    pub component: PriceMeasure,
    /// The store's country.
    pub market: MarketId,
    /// Quotes compared.
    pub compared: u64,
    /// Quotes in which both systems agree.
    pub equal: u64,
    /// `equal` divided by `compared`, 0 to 1.
    pub share: f64,
    /// The largest difference.
    pub biggest: Option<Biggest>,
}

/// The quote with the largest difference in a measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Biggest {
    /// The quote's id.
    pub quote_id: String,
    /// The value in our price.
    pub ours: Money,
    /// The value in the legacy system's price.
    pub legacy: Money,
}

/// Computes the parity of every measure in each compared market, sorted by market and then in the sequence of the price's
/// components. Of two equally large differences, the older one is reported.
pub fn parity<'a>(comparisons: impl IntoIterator<Item = &'a Comparison>) -> Vec<Parity> {
    let mut markets: BTreeMap<MarketId, Vec<&Comparison>> = BTreeMap::new();
    for comparison in comparisons {
        markets.entry(comparison.market).or_default().push(comparison);
    }
    let of = |market: MarketId, comparisons: &[&Comparison], measure: PriceMeasure| {
        let different = || comparisons.iter().filter_map(|one| Some((*one, *one.differences.get(&measure)?)));
        let (compared, unequal) = (comparisons.len() as u64, different().count() as u64);
        let equal = compared.saturating_sub(unequal);
        // `max_by_key` returns the last maximum, so the iteration is reversed.
        let biggest = different().rev().max_by_key(|(_, difference)| difference.by().unsigned_abs());
        Parity {
            component: measure,
            market,
            compared,
            equal,
            share: equal as f64 / compared as f64,
            biggest: biggest.map(|(one, difference)| Biggest {
                quote_id: one.quote_id.clone(),
                ours: Money::new(difference.ours, one.currency),
                legacy: Money::new(difference.legacy, one.currency),
            }),
        }
    };
    markets
        .iter()
        .flat_map(|(market, comparisons)| PriceMeasure::ALL.into_iter().map(move |measure| of(*market, comparisons, measure)))
        .collect()
}
