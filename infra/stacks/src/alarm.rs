//! CloudWatch alarms, all of which tell the one topic.

use crate::description;
use crate::expression::{reference, scalar};
use crate::logical_id::logical_id;
use crate::page::Page;

/// The topic that every alarm tells.
pub const TOPIC: &str = "Alarms";

/// Metrics that Lambda has of every function.
const OF_LAMBDA: &[&str] = &["Duration", "Errors", "Invocations", "IteratorAge", "Throttles"];

/// An alarm.
pub struct Alarm<'a> {
    /// Its logical id.
    pub id: String,
    /// What it means and what to do.
    pub text: &'a str,
    /// The condition under which it is there.
    pub when: Option<&'a str>,
    /// The metric's namespace.
    pub namespace: &'a str,
    /// The metric's name.
    pub metric: &'a str,
    /// The metric's dimension: a name, and an expression.
    pub dimension: (&'a str, String),
    /// `Sum` or `Maximum`.
    pub statistic: &'a str,
    /// Seconds.
    pub period: u64,
    /// Periods in a row.
    pub periods: u64,
    /// When it goes off.
    pub threshold: Threshold,
}

/// When an alarm goes off.
pub enum Threshold {
    /// Above a number.
    Above(u64),
    /// Below a number, and where there is no value.
    Below(u64),
}

impl<'a> Alarm<'a> {
    /// The alarm of a function's entry.
    pub fn of_function(function: &'a str, name: &str, alarm: &'a description::Alarm, when: Option<&'a str>) -> Self {
        let (statistic, metric) = match (&alarm.sum, &alarm.maximum) {
            (_, Some(metric)) => ("Maximum", metric.as_str()),
            (metric, None) => ("Sum", metric.as_deref().unwrap_or_default()),
        };
        let (namespace, dimension) = if OF_LAMBDA.contains(&metric) {
            ("AWS/Lambda", ("FunctionName", reference(&logical_id(function))))
        } else {
            ("Carryout", ("service", scalar(function)))
        };
        Self {
            id: format!("{name}Alarm"),
            text: &alarm.text,
            when: alarm.when.as_deref().or(when),
            namespace,
            metric,
            dimension,
            statistic,
            period: alarm.period,
            periods: alarm.periods,
            threshold: alarm.below.map_or(Threshold::Above(alarm.above), Threshold::Below),
        }
    }

    /// An alarm on a queue of the same stack that has messages.
    pub fn of_messages(id: String, queue: &str, text: &'a str) -> Self {
        Self {
            id,
            text,
            when: None,
            namespace: "AWS/SQS",
            metric: "ApproximateNumberOfMessagesVisible",
            dimension: ("QueueName", format!("!GetAtt {queue}.QueueName")),
            statistic: "Maximum",
            period: 60,
            periods: 1,
            threshold: Threshold::Above(0),
        }
    }

    /// An alarm on a queue of the same stack whose messages wait for too long.
    pub fn of_age(queue: &str, age: &'a description::AgeAlarm) -> Self {
        Self {
            metric: "ApproximateAgeOfOldestMessage",
            periods: age.periods,
            threshold: Threshold::Above(age.above),
            ..Self::of_messages(format!("{queue}AgeAlarm"), queue, &age.text)
        }
    }

    /// An alarm on executions of a state machine that failed.
    pub fn of_machine(machine: &str, text: &'a str) -> Self {
        Self {
            id: format!("{machine}FailedAlarm"),
            text,
            when: None,
            namespace: "AWS/States",
            metric: "ExecutionsFailed",
            dimension: ("StateMachineArn", reference(machine)),
            statistic: "Sum",
            period: 60,
            periods: 1,
            threshold: Threshold::Above(0),
        }
    }

    /// Writes it.
    pub fn write(&self, page: &mut Page) {
        page.resource(&self.id, "AWS::CloudWatch::Alarm", self.when);
        page.line(2, "Properties:");
        page.line(3, format!("AlarmDescription: {}", scalar(self.text)));
        page.line(3, format!("Namespace: {}", self.namespace));
        page.line(3, format!("MetricName: {}", self.metric));
        page.line(3, format!("Dimensions: [{{ Name: {}, Value: {} }}]", self.dimension.0, self.dimension.1));
        page.line(3, format!("Statistic: {}", self.statistic));
        page.line(3, format!("Period: {}", self.period));
        page.line(3, format!("EvaluationPeriods: {}", self.periods));
        let (threshold, comparison, missing) = match self.threshold {
            Threshold::Above(threshold) => (threshold, "GreaterThanThreshold", "notBreaching"),
            Threshold::Below(threshold) => (threshold, "LessThanThreshold", "breaching"),
        };
        page.line(3, format!("Threshold: {threshold}"));
        page.line(3, format!("ComparisonOperator: {comparison}"));
        page.line(3, format!("TreatMissingData: {missing}"));
        page.line(3, format!("AlarmActions: [{}]", reference(TOPIC)));
    }
}
