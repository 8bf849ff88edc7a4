//! Sends every written order towards the legacy sink.

use carryout_aws::{OrderChanges, order_changes};
use carryout_environment::StorageError;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_migration::mirror::{LegacyOrder, LegacyQueue, newest_of_each};
use serde_json::Value;

/// Sends the newest version of each order in one batch of the orders' stream. It fails as a whole, and the whole batch comes
/// again: whoever reads the queue can't be hurt by a repetition.
///
/// A record that can't be read stops nobody else: it is reported, and its order is mirrored with its next write.
pub async fn handle(queue: &impl LegacyQueue, metrics: &Metrics, event: Value) -> Result<(), TaskError> {
    let OrderChanges { written, unreadable } = order_changes(event).map_err(unavailable)?;
    for (event_id, error) in &unreadable {
        tracing::error!(event_id, %error, "an order in the stream can't be read and is not mirrored");
    }
    let orders = newest_of_each(written.iter().map(LegacyOrder::from));
    queue.send(&orders).await.map_err(unavailable)?;
    metrics.emit(&[
        Metric::count("OrdersMirrored", orders.len() as u64),
        Metric::count("OrdersNotMirrored", unreadable.len() as u64),
    ]);
    Ok(())
}

fn unavailable(error: StorageError) -> TaskError {
    TaskError::new(error.code().name, error)
}
