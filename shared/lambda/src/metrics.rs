//! Metrics as log lines, in CloudWatch's Embedded Metric Format: no call, no agent, no waiting.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::clock::SystemClock;
use crate::telemetry;
use serde_json::{Map, Value, json};

/// How many metrics, and how many values of one metric, a line may hold.
const MAX_PER_LINE: usize = 100;

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    name: String,
    unit: &'static str,
    value: Value,
}

impl Metric {
    /// Something that happened `count` times.
    pub fn count(name: impl Into<String>, count: u64) -> Self {
        Self { name: name.into(), unit: "Count", value: count.into() }
    }

    /// A duration in milliseconds.
    pub fn milliseconds(name: impl Into<String>, milliseconds: f64) -> Self {
        Self { name: name.into(), unit: "Milliseconds", value: milliseconds.into() }
    }

    /// A share, 0 to 100.
    pub fn percent(name: impl Into<String>, percent: f64) -> Self {
        Self { name: name.into(), unit: "Percent", value: percent.into() }
    }
}

/// Where a function's metrics go: a namespace, and the service as their dimension, with more of them where they are given.
#[derive(Debug, Clone)]
pub struct Metrics {
    namespace: String,
    service: String,
    stage: Option<String>,
    dimensions: Vec<(&'static str, String)>,
}

impl Metrics {
    /// Metrics of `service` in `namespace`.
    pub fn new(namespace: impl Into<String>, service: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), service: service.into(), stage: None, dimensions: Vec::new() }
    }

    /// As Powertools names them: `POWERTOOLS_METRICS_NAMESPACE` (default `Carryout`) and `POWERTOOLS_SERVICE_NAME`; and
    /// `STAGE`, which each line carries.
    pub fn from_env() -> Self {
        let namespace = telemetry::variable("POWERTOOLS_METRICS_NAMESPACE").unwrap_or_else(|| "Carryout".into());
        Self { stage: telemetry::stage(), ..Self::new(namespace, telemetry::service()) }
    }

    /// The same with one more dimension. Its values should be few: each of them is a metric of its own.
    #[must_use]
    pub fn with(&self, dimension: &'static str, value: impl ToString) -> Self {
        let mut with = self.clone();
        with.dimensions.push((dimension, value.to_string()));
        with
    }

    /// Emits one count.
    pub fn count(&self, name: &str, count: u64) {
        self.emit(&[Metric::count(name, count)]);
    }

    /// Emits one duration.
    pub fn milliseconds(&self, name: &str, milliseconds: f64) {
        self.emit(&[Metric::milliseconds(name, milliseconds)]);
    }

    /// Emits metrics together, in one line per hundred.
    pub fn emit(&self, metrics: &[Metric]) {
        let now = SystemClock.now_ms();
        for metrics in metrics.chunks(MAX_PER_LINE) {
            telemetry::print_line(&self.line(metrics, now).to_string());
        }
    }

    fn line(&self, metrics: &[Metric], now_ms: i64) -> Value {
        let mut definitions = Vec::new();
        let mut line = Map::new();
        for Metric { name, unit, value } in metrics {
            // A name that occurs twice becomes one metric with several values.
            match line.get_mut(name).and_then(Value::as_array_mut) {
                Some(values) => values.push(value.clone()),
                None => {
                    definitions.push(json!({ "Name": name, "Unit": unit }));
                    line.insert(name.clone(), json!([value]));
                }
            }
        }
        line.insert("service".into(), self.service.clone().into());
        // A property, not a dimension: a stack's alarms look at its own namespace and service.
        line.extend(self.stage.clone().map(|stage| ("stage".to_owned(), stage.into())));
        line.extend(self.dimensions.iter().map(|(dimension, value)| ((*dimension).to_owned(), value.clone().into())));
        let dimensions: Vec<&str> =
            std::iter::once("service").chain(self.dimensions.iter().map(|(dimension, _)| *dimension)).collect();
        let directive = json!({ "Namespace": self.namespace, "Dimensions": [dimensions], "Metrics": definitions });
        line.insert("_aws".into(), json!({ "Timestamp": now_ms, "CloudWatchMetrics": [directive] }));
        line.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_defines_each_metric_once_and_holds_all_values() {
        let metrics = Metrics::new("Carryout", "checkout");
        let line = metrics.line(
            &[Metric::count("OrdersSubmitted", 1), Metric::milliseconds("Lookup", 1.5), Metric::milliseconds("Lookup", 2.0)],
            1_700_000_000_000,
        );
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_700_000_000_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Carryout",
                        "Dimensions": [["service"]],
                        "Metrics": [
                            { "Name": "OrdersSubmitted", "Unit": "Count" },
                            { "Name": "Lookup", "Unit": "Milliseconds" },
                        ],
                    }],
                },
                "service": "checkout",
                "OrdersSubmitted": [1],
                "Lookup": [1.5, 2.0],
            })
        );
    }

    #[test]
    fn a_further_dimension_stands_beside_the_service() {
        let line = Metrics::new("Carryout", "compare-quotes").with("market", "CA").line(&[Metric::percent("Parity", 100.0)], 0);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["service", "market"]]));
        assert_eq!((&line["market"], &line["Parity"]), (&json!("CA"), &json!([100.0])));
    }
}
