//! Looks for hours whose prices are unlike those of the weeks before.

use carryout_checkout::ports::Reports;
use carryout_environment::Clock;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_price_monitoring::{PriceWatch, Trends, watch};
use serde_json::{Value, json};

/// Looks at the last whole hour, and reports what is unlike itself: as metrics, and kept for people.
pub async fn handle(
    trends: &impl Trends,
    reports: &impl Reports<PriceWatch>,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let found = watch(trends, reports, clock).await.map_err(|error| TaskError::new(error.code().name, error))?;
    for anomaly in &found.anomalies {
        let (market, component) = (anomaly.market, anomaly.component);
        tracing::warn!(%market, %component, mean = anomaly.mean, median = anomaly.median, z = anomaly.z, "unlike itself");
        metrics.with("market", market).with("component", component).count("PriceAnomalies", 1);
    }
    metrics.emit(&[
        Metric::count("PriceSeriesWatched", found.watched),
        Metric::count("PriceAnomalies", found.anomalies.len() as u64),
    ]);
    Ok(json!({ "hour": found.hour, "watched": found.watched, "anomalies": found.anomalies.len() }))
}
