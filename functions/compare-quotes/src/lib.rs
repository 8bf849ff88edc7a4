//! Holds sampled prices against those of the legacy system.

use carryout_lambda::{
    TaskError,
    batch::{BatchItemError, Message},
    metrics::{Metric, Metrics},
};
use carryout_migration::{
    mirror::code,
    parity::{Comparisons, LegacyPrices, PriceSample, compare},
};
use carryout_pricing::PriceMeasure;

/// Compares the quote in `message` and keeps what was found. One that the legacy system has no price for comes back.
///
/// The metric `Parity` of a figure in a market is 100 for an equal one and 0 for another, so that its average is the parity.
pub async fn handle(
    prices: &impl LegacyPrices,
    comparisons: &impl Comparisons,
    metrics: &Metrics,
    message: &Message,
) -> Result<(), BatchItemError> {
    let sample: PriceSample = message.json()?;
    let compared = compare(prices, &sample).await.map_err(|error| BatchItemError::new(code(&error), error.to_string()))?;
    comparisons.save(&compared).await.map_err(|error| TaskError::new(error.code().name, error))?;
    let is_equal = compared.differences.is_empty();
    metrics.emit(&[Metric::count("QuotesCompared", 1), Metric::count("PriceMismatches", u64::from(!is_equal))]);
    let of_market = metrics.with("market", compared.market);
    for figure in PriceMeasure::ALL {
        let share = if compared.differences.contains_key(&figure) { 0.0 } else { 100.0 };
        of_market.with("component", figure).emit(&[Metric::percent("Parity", share)]);
    }
    let differences = serde_json::to_string(&compared.differences).unwrap_or_default();
    tracing::info!(quote.id = compared.quote_id, market = %compared.market, is_equal, differences, "compared");
    Ok(())
}
