//! Compares sampled prices with the legacy system's.

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

/// Compares the quote in `message` and stores the result. A quote that the legacy system fails to price is redelivered.
///
/// The metric `Parity` of a measure in a market is 100 if both are equal and 0 otherwise, so that its average is the parity.
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
    for measure in PriceMeasure::ALL {
        let share = if compared.differences.contains_key(&measure) { 0.0 } else { 100.0 };
        of_market.with("component", measure).emit(&[Metric::percent("Parity", share)]);
    }
    let differences = serde_json::to_string(&compared.differences).unwrap_or_default();
    tracing::info!(quote.id = compared.quote_id, market = %compared.market, is_equal, differences, "compared");
    Ok(())
}
