//! The legacy system's prices: who is still shown them while a market moves over, and how ours are held against them.
//!
//! A sampled share of quotes goes through a queue to [`compare`], which asks the legacy system for the same price and keeps
//! the difference of every figure. A [`Rollout`] chooses the sample, and in each market that is moving who is shown which
//! price. Neither can cost anybody a quote: a sample is sent once the answer is decided, and our price stands in for a legacy
//! price that does not come.

use crate::{legacy, market::Country, partners::LEGACY_PRICES, ports::CallError, quoting::Draft};
use carryout_environment::StorageError;
use carryout_money::{Currency, Money};
use carryout_predicate::cohort::{Cohort, Percent};
use carryout_pricing::{Context, Fallback, Flag, Price, PriceMeasure};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future};

// ---------------------------------------------------------------------------------------------------------- rollout

/// What operators have set about the move from the legacy system's prices to ours. The default is a move that is over:
/// everybody is shown our prices, and nothing is compared.
///
/// ```
/// use carryout_checkout::{market::Country, parity::{Engine, Rollout}};
///
/// let rollout: Rollout = serde_json::from_str(r#"{ "sample": 5, "markets": { "CA": { "employees": true } } }"#).unwrap();
/// assert_eq!(rollout.engine(Country::CA, "con_bob", false), Engine::Legacy);
/// assert_eq!(rollout.engine(Country::CA, "con_bob", true), Engine::Ours);
/// assert_eq!(rollout.engine(Country::US, "con_bob", false), Engine::Ours);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rollout {
    /// The share of quotes that are compared.
    pub sample: Percent,
    /// Markets that are moving, and who is shown our prices there. In a market that is not named everybody is.
    pub markets: BTreeMap<Country, Cohort>,
}

/// Whose price a consumer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// This system's.
    Ours,
    /// The legacy system's.
    Legacy,
}

/// Where in the documents of the control table the rollout is: partition and sort key.
pub const ROLLOUT_KEY: (&str, &str) = ("rollout", "pricing");

impl Rollout {
    /// Whose price a consumer is shown in a market, by id and by whether they work here. Who is shown ours stays with it
    /// while the share grows.
    pub fn engine(&self, market: Country, consumer_id: &str, employee: bool) -> Engine {
        match self.markets.get(&market) {
            Some(cohort) if !cohort.has("pricing-rollout", consumer_id, employee) => Engine::Legacy,
            _ => Engine::Ours,
        }
    }

    /// Whether a quote is compared.
    pub fn compares(&self, quote_id: &str) -> bool {
        self.sample.has("pricing-sample", quote_id)
    }
}

/// Where the rollout comes from.
pub trait Rollouts: Send + Sync {
    /// The rollout as it was at most some seconds ago; the default where none is set. MUST answer soon, if only with an
    /// error: a quote waits for it, and shows our price without.
    fn rollout(&self) -> impl Future<Output = Result<Rollout, StorageError>> + Send;
}

// ------------------------------------------------------------------------------------------------------------ legacy

/// What the legacy system is asked to price. It gets what our price depends on, so that only the arithmetic is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyPriceRequest {
    /// Our quote.
    pub quote_id: String,
    /// Who asked for it.
    pub consumer_id: String,
    /// The store's country.
    pub market: Country,
    /// What the price depends on.
    pub context: Context,
}

impl LegacyPriceRequest {
    /// The same question that a draft answers.
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
    /// What it would charge. Asking has no effect.
    fn price(&self, request: &LegacyPriceRequest) -> impl Future<Output = Result<Price, CallError>> + Send;
}

/// Shows a consumer of the legacy system its price for a draft. Where none comes, or one that could not be locked and
/// refunded, our own is shown with a flag that says so; the answer is the reason.
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
    draft.flag(Flag { provider, used: Fallback::Default, reason: legacy::code(&error).to_owned() });
    Some(error)
}

async fn in_our_currency(prices: &impl LegacyPrices, request: &LegacyPriceRequest) -> Result<Price, CallError> {
    let price = prices.price(request).await?;
    let (theirs, ours) = (price.total.currency, request.context.currency);
    if theirs == ours { Ok(price) } else { Err(unclear(format!("its price is in {theirs} and not in {ours}"))) }
}

fn unclear(detail: String) -> CallError {
    CallError::Unclear { partner: LEGACY_PRICES.name, detail }
}

// -------------------------------------------------------------------------------------------------------- comparison

/// A quote that is to be compared, on its way through the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSample {
    /// What the legacy system is asked.
    #[serde(flatten)]
    pub request: LegacyPriceRequest,
    /// Our figures, whoever's price was shown. Minor units of the context's currency.
    pub ours: BTreeMap<PriceMeasure, i64>,
    /// When the quote was made. Milliseconds since the Unix epoch.
    pub at: i64,
    /// Follows the quote through every log.
    pub correlation_id: String,
}

impl PriceSample {
    /// The sample of a draft that was answered at `at`.
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

/// A quote's price in both systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Our quote.
    pub quote_id: String,
    /// The store's country.
    pub market: Country,
    /// When the quote was made. Milliseconds since the Unix epoch.
    pub at: i64,
    /// Of every amount.
    pub currency: Currency,
    /// The figures in which the prices differ; none where they are equal.
    pub differences: BTreeMap<PriceMeasure, Difference>,
}

/// A figure that differs. Minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// In our price.
    pub ours: i64,
    /// In the legacy system's.
    pub legacy: i64,
}

impl Difference {
    /// What ours is above the legacy system's; negative where it is below. Minor units.
    pub const fn by(self) -> i64 {
        self.ours.saturating_sub(self.legacy)
    }
}

/// Keeps comparisons for some weeks.
pub trait Comparisons: Send + Sync {
    /// Keeps a comparison. The same quote's again, made at the same time, MUST count once.
    fn save(&self, comparison: &Comparison) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Those of a market whose quotes were made from `since` on and before `until` (milliseconds since the Unix epoch),
    /// oldest first.
    fn between(
        &self,
        market: Country,
        since: i64,
        until: i64,
    ) -> impl Future<Output = Result<Vec<Comparison>, StorageError>> + Send;
}

/// Asks the legacy system for a sample's price and holds ours against it, figure by figure.
///
/// # Errors
///
/// Where the legacy system has no price, or one in another currency; the sample is then worth another try.
pub async fn compare(prices: &impl LegacyPrices, sample: &PriceSample) -> Result<Comparison, CallError> {
    let theirs = in_our_currency(prices, &sample.request).await?;
    let differences = PriceMeasure::ALL.into_iter().filter_map(|figure| {
        let (ours, legacy) = (sample.ours.get(&figure).copied().unwrap_or_default(), figure.of(&theirs));
        (ours != legacy).then_some((figure, Difference { ours, legacy }))
    });
    Ok(Comparison {
        quote_id: sample.request.quote_id.clone(),
        market: sample.request.market,
        at: sample.at,
        currency: sample.request.context.currency,
        differences: differences.collect(),
    })
}

// ------------------------------------------------------------------------------------------------------------ parity

/// How well one figure agrees in one market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parity {
    /// The figure.
    pub component: PriceMeasure,
    /// The store's country.
    pub market: Country,
    /// Quotes that were compared.
    pub compared: u64,
    /// Of those, in how many the figure was equal.
    pub equal: u64,
    /// The share of equal ones, 0 to 1.
    pub share: f64,
    /// Where it differs most.
    pub biggest: Option<Biggest>,
}

/// The quote in which a figure differs most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Biggest {
    /// The quote.
    pub quote_id: String,
    /// In our price.
    pub ours: Money,
    /// In the legacy system's.
    pub legacy: Money,
}

/// The parity of every figure in each market that was compared, by market and then in the order in which a price is made. Of
/// two equally big differences the older one is told.
pub fn parity<'a>(comparisons: impl IntoIterator<Item = &'a Comparison>) -> Vec<Parity> {
    let mut markets: BTreeMap<Country, Vec<&Comparison>> = BTreeMap::new();
    for comparison in comparisons {
        markets.entry(comparison.market).or_default().push(comparison);
    }
    let of = |market: Country, comparisons: &[&Comparison], figure: PriceMeasure| {
        let different = || comparisons.iter().filter_map(|one| Some((*one, *one.differences.get(&figure)?)));
        let (compared, unequal) = (comparisons.len() as u64, different().count() as u64);
        let equal = compared.saturating_sub(unequal);
        // `max_by_key` takes the last of equals.
        let biggest = different().rev().max_by_key(|(_, difference)| difference.by().unsigned_abs());
        Parity {
            component: figure,
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
        .flat_map(|(market, comparisons)| PriceMeasure::ALL.into_iter().map(move |figure| of(*market, comparisons, figure)))
        .collect()
}
