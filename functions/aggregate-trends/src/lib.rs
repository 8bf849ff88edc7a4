//! Counts what every quote costs, component by component.

use carryout_aws::{QuotesMade, quotes_made};
use carryout_environment::StorageError;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_price_monitoring::Trends;
use serde_json::Value;

/// Counts the quotes of one batch of their table's stream. It fails as a whole, and the whole batch comes again: each quote
/// counts once all the same.
///
/// A record that can't be read stops nobody else: it is reported, and its quote is not counted.
pub async fn handle(trends: &impl Trends, metrics: &Metrics, event: Value) -> Result<(), TaskError> {
    let QuotesMade { made, unreadable } = quotes_made(event).map_err(unavailable)?;
    for (event_id, error) in &unreadable {
        tracing::error!(event_id, %error, "a quote in the stream can't be read and is not counted");
    }
    trends.observe(&made).await.map_err(unavailable)?;
    metrics
        .emit(&[Metric::count("QuotesCounted", made.len() as u64), Metric::count("QuotesNotCounted", unreadable.len() as u64)]);
    Ok(())
}

fn unavailable(error: StorageError) -> TaskError {
    TaskError::new(error.code().name, error)
}
