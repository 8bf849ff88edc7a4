use crate::{Aws, unavailable};
use aws_sdk_cloudwatch::{
    Client,
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat},
};
use carryout_environment::StorageError;
use carryout_scaling::{Observed, OfferedLoad, SLOT};
use jiff::Timestamp;
use std::collections::BTreeMap;

const NAMESPACE: &str = "AWS/Lambda";
/// What functions are called by: their alias.
const ALIAS: &str = "live";
const PERIOD: i32 = 300;

/// Each metric of a function with the statistic that is read of it. A throttled request never reaches a function, so only Lambda
/// can count it.
const METRICS: [(&str, &str, &str); 4] = [
    ("invocations", "Invocations", "Sum"),
    ("throttles", "Throttles", "Sum"),
    ("duration", "Duration", "Sum"),
    ("concurrent", "ConcurrentExecutions", "Maximum"),
];
const HEARTBEAT: &str = "heartbeat";

/// Offered load as CloudWatch tells it, of functions' alias `live`.
///
/// CloudWatch has no number where nothing happened, and none where it has not heard. A function that runs every five minutes
/// tells the two apart: a slot in which it has no number either is unknown.
#[derive(Clone)]
pub struct CloudWatchLoad {
    client: Client,
    prefix: String,
    heartbeat: String,
}

impl CloudWatchLoad {
    /// IAM actions. CloudWatch has no resources to name.
    pub const ACTIONS: &'static [&'static str] = &["cloudwatch:GetMetricData"];

    /// Of functions whose names begin with `prefix`, of which `heartbeat` runs every five minutes.
    pub fn new(aws: &Aws, prefix: impl Into<String>, heartbeat: &str) -> Self {
        let prefix = prefix.into();
        Self { client: aws.cloudwatch(), heartbeat: format!("{prefix}{heartbeat}"), prefix }
    }

    fn queries(&self, function: &str) -> Vec<MetricDataQuery> {
        let name = format!("{}{function}", self.prefix);
        let alias = format!("{name}:{ALIAS}");
        let own = METRICS.map(|(id, metric, statistic)| {
            // Lambda counts concurrent executions by function only.
            let resource = (metric != "ConcurrentExecutions").then_some(alias.as_str());
            query(id, metric, statistic, &name, resource)
        });
        own.into_iter().chain([query(HEARTBEAT, "Invocations", "Sum", &self.heartbeat, None)]).collect()
    }
}

fn query(id: &str, metric: &str, statistic: &str, function: &str, resource: Option<&str>) -> MetricDataQuery {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder().namespace(NAMESPACE).metric_name(metric).dimensions(dimension("FunctionName", function));
    let metric = resource.into_iter().fold(metric, |metric, alias| metric.dimensions(dimension("Resource", alias)));
    let stat = MetricStat::builder().metric(metric.build()).period(PERIOD).stat(statistic).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

impl OfferedLoad for CloudWatchLoad {
    async fn observed(
        &self,
        function: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Observed>, StorageError> {
        let get = self.client.get_metric_data().start_time(DateTime::from_secs(since.as_second()));
        let get = get.end_time(DateTime::from_secs(until.as_second())).set_metric_data_queries(Some(self.queries(function)));
        let mut pages = get.into_paginator().send();
        let mut results = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            results.extend(page.metric_data_results.unwrap_or_default());
        }
        Ok(slots(&results, since, until))
    }
}

/// The slots of which something is known.
fn slots(results: &[MetricDataResult], since: Timestamp, until: Timestamp) -> BTreeMap<Timestamp, Observed> {
    let mut numbers: BTreeMap<&str, BTreeMap<Timestamp, f64>> = BTreeMap::new();
    for result in results {
        let of_metric = numbers.entry(result.id().unwrap_or_default()).or_default();
        for (at, value) in result.timestamps().iter().zip(result.values()) {
            if let Ok(at) = Timestamp::from_second(at.secs()) {
                of_metric.insert(SLOT.floor(at), *value);
            }
        }
    }
    let number = |id: &str, at: Timestamp| numbers.get(id).and_then(|numbers| numbers.get(&at)).copied();
    let slots = (since.as_second()..until.as_second()).step_by(usize::from(SLOT.minutes()) * 60);
    let observed = |second: i64| {
        let at = Timestamp::from_second(second).ok()?;
        let (invocations, throttles) = (number("invocations", at), number("throttles", at));
        invocations.or(throttles).or(number(HEARTBEAT, at))?;
        let zero = |number: Option<f64>| number.unwrap_or(0.0).max(0.0);
        Some((
            at,
            Observed {
                arrived: zero(invocations) + zero(throttles),
                busy: zero(number("duration", at)) / 1_000.0,
                concurrent: zero(number("concurrent", at)) as u32,
            },
        ))
    };
    slots.filter_map(observed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn result(id: &str, numbers: &[(i64, f64)]) -> MetricDataResult {
        let times = numbers.iter().map(|(second, _)| DateTime::from_secs(*second)).collect();
        let values = numbers.iter().map(|(_, value)| *value).collect();
        MetricDataResult::builder().id(id).set_timestamps(Some(times)).set_values(Some(values)).build()
    }

    #[test]
    fn a_slot_without_a_number_is_empty_only_where_the_heartbeat_is_heard() {
        let results = [
            result("invocations", &[(0, 7.0)]),
            result("throttles", &[(0, 2.0)]),
            result("duration", &[(0, 1_400.0)]),
            result("concurrent", &[(0, 3.0)]),
            result(HEARTBEAT, &[(300, 1.0)]),
        ];
        let until = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(15);
        let slots: Vec<Observed> = slots(&results, Timestamp::UNIX_EPOCH, until).into_values().collect();
        assert_eq!(slots, [Observed { arrived: 9.0, busy: 1.4, concurrent: 3 }, Observed::default()]);
    }
}
