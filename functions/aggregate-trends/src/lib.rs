//! Aggregates the prices of quotes into trends, measure by measure.

use carryout_aws::{QuotesMade, quotes_made};
use carryout_environment::StorageError;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_price_monitoring::Trends;
use serde_json::Value;

/// Counts the quotes in one batch of their table's stream. On failure the whole batch is redelivered; each quote still counts
/// once.
///
/// An unreadable record does not block the others: it is logged, and its quote is not counted.
pub async fn handle(trends: &impl Trends, metrics: &Metrics, event: Value) -> Result<(), TaskError> {
    let QuotesMade { made, unreadable } = quotes_made(event).map_err(unavailable)?;
    for (event_id, error) in &unreadable {
        tracing::error!(event_id, %error, "unreadable quote in the stream, not counted");
    }
    trends.observe(&made).await.map_err(unavailable)?;
    metrics
        .emit(&[Metric::count("QuotesCounted", made.len() as u64), Metric::count("QuotesNotCounted", unreadable.len() as u64)]);
    Ok(())
}

fn unavailable(error: StorageError) -> TaskError {
    TaskError::new(error.code().name, error)
}
