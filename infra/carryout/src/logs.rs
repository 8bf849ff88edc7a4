//! The functions' logs in CloudWatch Logs.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use carryout_aws::RequestSigner;
use futures::future::try_join_all;
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stack::Stack;

/// The subjects whose lines are found by id in the logs of every function.
const SUBJECTS: [&str; 4] = ["ord_", "ref_", "apl_", "quo_"];

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function.
    pub function: String,
    /// When it was written. Milliseconds since the Unix epoch.
    pub at: i64,
    /// The line.
    pub text: String,
    /// The id that CloudWatch gave it.
    id: String,
}

/// The logs to read.
#[derive(Debug)]
pub struct Logs {
    signer: RequestSigner,
    client: reqwest::Client,
    stack: Stack,
    functions: Vec<String>,
    /// A text that each line contains.
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    events: Vec<Event>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    event_id: String,
    timestamp: i64,
    message: String,
}

impl Logs {
    /// The log of one function, the lines about one order or applicant in all of them, or all of them.
    pub async fn of(stack: Stack, functions: Vec<String>, subject: Option<String>) -> Result<Self> {
        let (functions, text) = match subject {
            None => (functions, None),
            Some(id) if SUBJECTS.iter().any(|prefix| id.starts_with(prefix)) => (functions, Some(id)),
            Some(name) if functions.contains(&name) => (vec![name], None),
            Some(other) => bail!("{other} is neither an id ({}…) nor a function: {}", SUBJECTS.join("…, "), functions.join(", ")),
        };
        let signer = RequestSigner::new(&stack.aws().await, "logs");
        let client = local_cloud::http_client()?;
        Ok(Self { signer, client, stack, functions, text })
    }

    /// The lines since a moment, in order.
    pub async fn since(&self, start: i64) -> Result<Vec<LogLine>> {
        let all = try_join_all(self.functions.iter().map(|function| self.lines(function, start))).await?;
        let mut lines: Vec<LogLine> = all.into_iter().flatten().collect();
        lines.sort_by_key(|line| line.at);
        Ok(lines)
    }

    /// Passes on each line since a moment as it comes in, until `tell` fails.
    pub async fn follow(&self, mut start: i64, mut tell: impl FnMut(&LogLine) -> Result<()>) -> Result<()> {
        /// Lines may arrive out of order by this much. Milliseconds.
        const LATE: i64 = 10_000;
        let pause = Duration::from_millis(if self.stack.endpoint.is_some() { 500 } else { 5_000 });
        let mut told = HashSet::new();
        loop {
            for line in self.since(start).await? {
                start = start.max(line.at - LATE);
                if told.insert((line.function.clone(), line.id.clone(), line.at)) {
                    tell(&line)?;
                }
            }
            told.retain(|(_, _, at)| *at >= start);
            tokio::time::sleep(pause).await;
        }
    }

    async fn lines(&self, function: &str, start: i64) -> Result<Vec<LogLine>> {
        let group = format!("/aws/lambda/{}-{function}", self.stack.stack);
        let mut lines = Vec::new();
        let mut token = None;
        loop {
            let mut request = json!({ "logGroupName": group, "startTime": start });
            if let Some(text) = &self.text {
                request["filterPattern"] = format!("\"{text}\"").into();
            }
            if let Some(token) = token {
                request["nextToken"] = Value::String(token);
            }
            let Some(page) = self.page(&request).await.with_context(|| format!("cannot read the log {group}"))? else {
                return Ok(lines);
            };
            let events =
                page.events.into_iter().filter(|event| self.text.as_ref().is_none_or(|text| event.message.contains(text)));
            lines.extend(events.map(|Event { event_id: id, timestamp: at, message: text }| LogLine {
                function: function.to_owned(),
                at,
                text: text.trim_end().to_owned(),
                id,
            }));
            token = page.next_token;
            if token.is_none() {
                return Ok(lines);
            }
        }
    }

    /// One page of a log; `None` if nothing was ever logged there.
    async fn page(&self, request: &Value) -> Result<Option<Page>> {
        const TARGET: (&str, &str) = ("x-amz-target", "Logs_20140328.FilterLogEvents");
        const TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
        let url = self.signer.url()?;
        let body = serde_json::to_vec(request)?;
        let mut post = self.client.post(&url).header(TARGET.0, TARGET.1).header(TYPE.0, TYPE.1);
        for (name, value) in self.signer.sign(&url, &[TARGET, TYPE], &body).await? {
            post = post.header(name, value);
        }
        let reply = post.body(body).send().await.context("CloudWatch Logs does not answer")?;
        let status = reply.status();
        let text = reply.text().await?;
        if status.is_success() {
            return Ok(Some(serde_json::from_str(&text).context("CloudWatch Logs answered something unreadable")?));
        }
        if text.contains("ResourceNotFoundException") {
            return Ok(None);
        }
        bail!("CloudWatch Logs answered {status}: {text}")
    }
}

impl LogLine {
    /// The line for people: time, function, level, message, then the other fields. Lines that are not JSON stay as they are.
    pub fn readable(&self, zone: &TimeZone) -> String {
        /// Shown first, or the same in every line of a function.
        const LEFT_OUT: [&str; 6] = ["timestamp", "level", "message", "location", "service", "stage"];
        let at = Timestamp::from_millisecond(self.at)
            .map(|at| at.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string())
            .unwrap_or_default();
        let head = format!("{at} {:<20}", self.function);
        let Ok(Value::Object(fields)) = serde_json::from_str(&self.text) else {
            return format!("{head}       {}", self.text);
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut line = format!("{head} {:<5} {}", text("level"), text("message").trim_start());
        for (name, value) in fields {
            if LEFT_OUT.contains(&name.as_str()) || name.starts_with("function_") {
                continue;
            }
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            line.push_str(&format!("  {name}={value}"));
        }
        line
    }

    /// Whether the line is for machines: Lambda's own about each invocation, or metrics.
    pub fn is_for_machines(&self) -> bool {
        ["START RequestId", "END RequestId", "REPORT RequestId", "INIT_START"].iter().any(|prefix| self.text.starts_with(prefix))
            || (self.text.starts_with('{') && self.text.contains("\"_aws\":{\"CloudWatchMetrics\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_shows_its_message_before_its_fields() {
        let line = LogLine {
            function: "quote-price".into(),
            at: 0,
            text: r#"{"timestamp":"1970","level":"INFO","message":"quoted","quote.id":"quo_1","lines":2}"#.into(),
            id: String::new(),
        };
        assert_eq!(line.readable(&TimeZone::UTC), "00:00:00.000 quote-price          INFO  quoted  lines=2  quote.id=quo_1");
        let panic = LogLine { text: "thread 'main' panicked".into(), ..line.clone() };
        assert!(panic.readable(&TimeZone::UTC).ends_with("thread 'main' panicked"));
        assert!(LogLine { text: "START RequestId: 1".into(), ..line }.is_for_machines());
    }
}
