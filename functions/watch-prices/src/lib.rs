//! Detects hours with anomalous prices.

use carryout_checkout::ports::Reports;
use carryout_environment::Clock;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_market::Markets;
use carryout_price_monitoring::{PriceWatch, Trends, watch};
use serde_json::{Value, json};

/// Compares the last whole hour with the weeks before, and reports anomalies as metrics and in a stored report.
pub async fn handle(
    trends: &impl Trends,
    reports: &impl Reports<PriceWatch>,
    markets: &Markets,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let found = watch(trends, reports, markets, clock).await.map_err(|error| TaskError::new(error.code().name, error))?;
    for anomaly in &found.anomalies {
        let (market, component) = (anomaly.market, anomaly.component);
        tracing::warn!(%market, %component, mean = anomaly.mean, median = anomaly.median, z = anomaly.z, "price anomaly");
        metrics.with("market", market).with("component", component).count("PriceAnomalies", 1);
    }
    metrics.emit(&[
        Metric::count("PriceSeriesWatched", found.watched),
        Metric::count("PriceAnomalies", found.anomalies.len() as u64),
    ]);
    Ok(json!({ "hour": found.hour, "watched": found.watched, "anomalies": found.anomalies.len() }))
}
