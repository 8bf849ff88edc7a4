//! Batches of an SQS queue: each message on its own, and only the failed ones come back. Messages of one group of a FIFO queue
//! are handled in their order, and those behind a failed one come back untouched.

use crate::invocation::{Invocation, Stopped, elapsed_ms, guarded, is_safe_id};
use crate::task::TaskError;
use futures::StreamExt as _;
use futures::stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Instant;
use tracing::Instrument as _;

/// How many messages of a batch are handled at the same time.
pub const CONCURRENCY: usize = 10;
/// How long before the deadline an unfinished message is given back. Milliseconds.
pub const STOP_BEFORE_DEADLINE_MS: i64 = 500;

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The queue's id of it.
    pub message_id: String,
    /// What was sent.
    pub body: String,
    /// The text attributes that were sent with it.
    pub attributes: BTreeMap<String, String>,
    /// How many times it has been received, this time included.
    pub receive_count: u32,
    /// The group within which a FIFO queue keeps the order; none in other queues.
    pub group: Option<String>,
}

impl Message {
    /// The body as a `T`.
    ///
    /// # Errors
    ///
    /// `Message.Malformed`, with the path of what is wrong.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, BatchItemError> {
        let mut reader = serde_json::Deserializer::from_str(&self.body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| BatchItemError::new("Message.Malformed", error.to_string()))
    }
}

/// Why a message was not done; it will come back until the queue gives it to its dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct BatchItemError {
    /// A stable code.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl BatchItemError {
    /// A failure with a stable code.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl From<TaskError> for BatchItemError {
    fn from(error: TaskError) -> Self {
        Self { code: error.code, message: error.message }
    }
}

impl From<Stopped> for BatchItemError {
    fn from(stopped: Stopped) -> Self {
        TaskError::from(stopped).into()
    }
}

/// One batch, from event to the list of what failed.
///
/// # Errors
///
/// `Event.NotABatch` where the event is something else; then the whole of it fails.
pub async fn handle_batch<H, F>(event: Value, invocation: Invocation, handler: &H) -> Result<Value, TaskError>
where
    H: Fn(Message, Invocation) -> F,
    F: Future<Output = Result<(), BatchItemError>> + Send,
{
    let span = invocation.span();
    async {
        let batch: Batch = serde_json::from_value(event).map_err(|error| {
            tracing::error!(code = "Event.NotABatch", "the event is not a batch of an SQS queue: {error}");
            TaskError::new("Event.NotABatch", error)
        })?;
        let received = batch.records.len();
        let groups = groups(batch.records.into_iter().map(Message::from));
        let work = groups.into_iter().map(|group| handle_group(group, &invocation, handler));
        let failed: Vec<Vec<String>> = stream::iter(work).buffer_unordered(CONCURRENCY).collect().await;
        let mut failed = failed.concat();
        failed.sort();
        if received != 1 {
            tracing::info!(received, failed = failed.len(), "batch of {received}, {} failed", failed.len());
        }
        let failures: Vec<Value> = failed.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
        Ok(json!({ "batchItemFailures": failures }))
    }
    .instrument(span)
    .await
}

/// The messages of each group in their order; a message without a group is one of its own.
fn groups(messages: impl IntoIterator<Item = Message>) -> Vec<Vec<Message>> {
    let mut groups: Vec<Vec<Message>> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for message in messages {
        let place = message.group.as_ref().and_then(|group| places.get(group)).copied();
        match place.and_then(|place| groups.get_mut(place)) {
            Some(group) => group.push(message),
            None => {
                places.extend(message.group.clone().map(|group| (group, groups.len())));
                groups.push(vec![message]);
            }
        }
    }
    groups
}

/// Handles one message after the other, up to the first that fails; returns the ids of that one and of those behind it.
async fn handle_group<H, F>(messages: Vec<Message>, invocation: &Invocation, handler: &H) -> Vec<String>
where
    H: Fn(Message, Invocation) -> F,
    F: Future<Output = Result<(), BatchItemError>> + Send,
{
    let mut messages = messages.into_iter();
    while let Some(message) = messages.next() {
        if let Some(failed) = handle_one(message, invocation.clone(), handler).await {
            return std::iter::once(failed).chain(messages.map(|behind| behind.message_id)).collect();
        }
    }
    Vec::new()
}

/// Handles one message; returns its id if it failed.
async fn handle_one<H, F>(message: Message, mut invocation: Invocation, handler: &H) -> Option<String>
where
    H: Fn(Message, Invocation) -> F,
    F: Future<Output = Result<(), BatchItemError>> + Send,
{
    let (id, receive_count) = (message.message_id.clone(), message.receive_count);
    invocation.correlation_id = correlation_id(&message);
    let span = tracing::error_span!("message", message_id = id, receive_count, correlation_id = invocation.correlation_id);
    async {
        let started = Instant::now();
        let deadline = invocation.deadline_ms;
        // Boxed, or the nested futures' type would outgrow the compiler's limit in the functions.
        let work = async { Box::pin(handler(message, invocation)).await };
        let result = guarded(deadline, STOP_BEFORE_DEADLINE_MS, work).await;
        let result = result.unwrap_or_else(|stopped| Err(stopped.into()));
        let ms = elapsed_ms(started);
        match result {
            Ok(()) => {
                tracing::info!(outcome = "done", ms, "done");
                None
            }
            Err(error) => {
                tracing::warn!(outcome = "failed", code = error.code, ms, "{error}");
                Some(id)
            }
        }
    }
    .instrument(span)
    .await
}

fn correlation_id(message: &Message) -> String {
    let attribute = || message.attributes.get("correlation_id").cloned();
    let body = || serde_json::from_str::<Value>(&message.body).ok()?.get("correlation_id")?.as_str().map(str::to_owned);
    attribute()
        .filter(|id| is_safe_id(id))
        .or_else(|| body().filter(|id| is_safe_id(id)))
        .unwrap_or_else(|| message.message_id.clone())
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default)]
    message_attributes: BTreeMap<String, MessageAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageAttribute {
    string_value: Option<String>,
}

impl From<Record> for Message {
    fn from(record: Record) -> Self {
        let count = record.attributes.get("ApproximateReceiveCount");
        let count =
            count.and_then(|count| count.as_u64().map(|count| count.to_string()).or_else(|| count.as_str().map(str::to_owned)));
        Self {
            message_id: record.message_id,
            body: record.body,
            attributes: record
                .message_attributes
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.string_value?)))
                .collect(),
            receive_count: count.and_then(|count| count.parse().ok()).unwrap_or(1),
            group: record.attributes.get("MessageGroupId").and_then(Value::as_str).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::telemetry::tests::Captured;
    use crate::test_events::event;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn batch(bodies: &[&str]) -> Value {
        let records: Vec<Value> = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| json!({ "messageId": format!("m-{index:02}"), "body": body }))
            .collect();
        json!({ "Records": records })
    }

    #[tokio::test]
    async fn only_what_failed_comes_back() {
        let (captured, _guard) = Captured::begin();
        let answer =
            handle_batch(batch(&["good", "bad", "panic", "good"]), Invocation::default(), &|message: Message, _| async move {
                match &*message.body {
                    "good" => Ok(()),
                    "bad" => Err(BatchItemError::new("Storage.Unavailable", "no answer")),
                    _ => panic!("out of cheese"),
                }
            })
            .await;
        assert_eq!(answer, Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "m-01" }, { "itemIdentifier": "m-02" }] })));
        let codes: Vec<Value> =
            captured.lines().iter().filter(|line| line["outcome"] == "failed").map(|line| line["code"].clone()).collect();
        assert_eq!(codes, ["Storage.Unavailable", "Lambda.Unknown"]);
    }

    #[tokio::test]
    async fn a_message_brings_its_own_correlation_id() {
        let seen = std::sync::Mutex::new(Vec::new());
        let answer =
            handle_batch(event("sqs/order-submitted"), Invocation::default(), &|message: Message, invocation: Invocation| {
                seen.lock().unwrap().push((invocation.correlation_id, message.receive_count));
                async { Ok(()) }
            })
            .await;
        assert_eq!(answer, Ok(json!({ "batchItemFailures": [] })));
        assert_eq!(*seen.lock().unwrap(), [("client-7f3a".to_owned(), 1), ("client-91bc".to_owned(), 3)]);
    }

    #[test]
    fn without_one_the_messages_own_id_is_followed() {
        let message = Message { message_id: "m".into(), body: "{}".into(), ..Message::default() };
        assert_eq!(correlation_id(&message), "m");
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_not_be_finished_before_the_deadline_is_given_back_and_never_half_begun() {
        let begun = AtomicUsize::new(0);
        let bodies = vec!["slow"; 2 * CONCURRENCY];
        let deadline_ms = SystemClock.now_ms() + STOP_BEFORE_DEADLINE_MS + 200;
        let answer = handle_batch(batch(&bodies), Invocation { deadline_ms, ..Invocation::default() }, &|_, _| {
            begun.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(())
            }
        })
        .await
        .unwrap();
        assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(2 * CONCURRENCY));
        assert!((CONCURRENCY..=2 * CONCURRENCY).contains(&begun.load(Ordering::Relaxed)));
    }

    #[tokio::test]
    async fn messages_wait_for_each_other_only_beyond_the_bound() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let bodies = vec!["x"; 3 * CONCURRENCY];
        handle_batch(batch(&bodies), Invocation::default(), &|_, _| async {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(most.into_inner(), CONCURRENCY);
    }

    #[tokio::test]
    async fn a_group_keeps_its_order_and_waits_behind_its_failure_while_others_go_on() {
        let record = |id: &str, group: &str| json!({ "messageId": id, "body": id, "attributes": { "MessageGroupId": group } });
        let records = [record("a1", "a"), record("b1", "b"), record("a2", "a"), record("b2", "b"), record("a3", "a")];
        let handled = std::sync::Mutex::new(Vec::new());
        let answer = handle_batch(json!({ "Records": records }), Invocation::default(), &|message: Message, _| {
            handled.lock().unwrap().push(message.body.clone());
            async move { if message.body == "a2" { Err(BatchItemError::new("Legacy.Unavailable", "no answer")) } else { Ok(()) } }
        })
        .await;
        assert_eq!(answer, Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "a2" }, { "itemIdentifier": "a3" }] })));
        let handled = handled.into_inner().unwrap();
        let of = |group: char| handled.iter().filter(|id| id.starts_with(group)).cloned().collect::<Vec<_>>();
        assert_eq!((of('a'), of('b')), (vec!["a1".to_owned(), "a2".to_owned()], vec!["b1".to_owned(), "b2".to_owned()]));
    }

    #[tokio::test]
    async fn another_event_fails_as_a_whole() {
        let answer = handle_batch(json!({ "id": 1 }), Invocation::default(), &|_, _| async { Ok(()) }).await;
        assert_eq!(answer.unwrap_err().code, "Event.NotABatch");
    }
}
