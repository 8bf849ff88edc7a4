use crate::{Aws, corrupt, unavailable};
use aws_sdk_sqs::{Client, types::MessageAttributeValue};
use carryout_checkout::{
    order::OrderSubmitted,
    ports::{OrderQueue, Pager, ParkedOrder},
};
use carryout_environment::StorageError;
use serde::Serialize;

/// An SQS queue of JSON messages.
#[derive(Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// IAM actions on the queue.
    pub const ACTIONS: &'static [&'static str] = &["sqs:SendMessage"];

    /// The queue at `url`.
    pub fn new(aws: &Aws, url: impl Into<String>) -> Self {
        Self { client: Client::new(&aws.config), url: url.into() }
    }

    /// Sends a message, visible after `delay_seconds` (at most 900). The correlation id travels as an attribute too, so
    /// that it survives where the body is not read.
    pub async fn send_json(
        &self,
        message: &impl Serialize,
        correlation_id: &str,
        delay_seconds: u32,
    ) -> Result<(), StorageError> {
        let mut send =
            self.client.send_message().queue_url(&self.url).message_body(serde_json::to_string(message).map_err(corrupt)?);
        if delay_seconds > 0 {
            send = send.delay_seconds(i32::try_from(delay_seconds).unwrap_or(900));
        }
        if !correlation_id.is_empty() {
            let attribute =
                MessageAttributeValue::builder().data_type("String").string_value(correlation_id).build().map_err(corrupt)?;
            send = send.message_attributes("correlation_id", attribute);
        }
        send.send().await.map(drop).map_err(|error| unavailable(&error))
    }
}

impl OrderQueue for SqsQueue {
    async fn send(&self, message: &OrderSubmitted) -> Result<(), StorageError> {
        self.send_json(message, &message.correlation_id, 0).await
    }
}

impl Pager for SqsQueue {
    async fn page(&self, parked: &ParkedOrder) -> Result<(), StorageError> {
        self.send_json(parked, &parked.correlation_id, 0).await
    }
}
