//! Writes mirrored orders to where legacy readers look them up.

use carryout_environment::Clock;
use carryout_lambda::{
    batch::{BatchItemError, Message},
    metrics::Metrics,
};
use carryout_migration::mirror::{LegacyOrder, LegacySink, Upserted, code};

/// Writes the order in `message`, unless the sink holds it newer. A failed one comes back, and its later versions with it.
pub async fn handle(
    sink: &impl LegacySink,
    clock: &impl Clock,
    metrics: &Metrics,
    message: &Message,
) -> Result<(), BatchItemError> {
    let order: LegacyOrder = message.json()?;
    let upserted = sink.upsert(&order).await.map_err(|error| BatchItemError::new(code(&error), error.to_string()))?;
    let lag = clock.now().saturating_sub(order.updated_at).max(0);
    let applied = upserted == Upserted::Applied;
    if applied {
        // Behind a newer version nobody reads the old one any more, so only what was applied is late.
        metrics.milliseconds("LegacyLag", lag as f64);
    }
    tracing::info!(order.id = order.id, version = order.version, status = %order.status, applied, lag, "mirrored");
    Ok(())
}
