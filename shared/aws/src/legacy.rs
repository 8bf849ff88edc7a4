use crate::{Aws, corrupt, stream::records, transaction::order_of, unavailable};
use aws_sdk_sqs::{
    Client,
    types::{MessageAttributeValue, SendMessageBatchRequestEntry},
};
use carryout_checkout::order::Order;
use carryout_environment::StorageError;
use carryout_migration::mirror::{LegacyOrder, LegacyQueue};
use serde_json::Value;

/// Entries of one batch, at most.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const MAX_PER_REQUEST: usize = 10;

/// The SQS FIFO queue between the orders' stream and the legacy sink: one group per order, and a version is taken once
/// within five minutes however often it is sent.
#[derive(Clone)]
pub struct SqsLegacyQueue {
    client: Client,
    url: String,
}

impl SqsLegacyQueue {
    /// IAM actions on the queue.
    pub const ACTIONS: &'static [&'static str] = &["sqs:SendMessage"];

    /// The queue at `url`.
    pub fn new(aws: &Aws, url: impl Into<String>) -> Self {
        Self { client: Client::new(&aws.config), url: url.into() }
    }

    fn entry(index: usize, order: &LegacyOrder) -> Result<SendMessageBatchRequestEntry, StorageError> {
        let text = MessageAttributeValue::builder().data_type("String").string_value(&order.correlation_id);
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_group_id(&order.id)
            .message_deduplication_id(order.deduplication_id())
            .message_body(serde_json::to_string(order).map_err(corrupt)?)
            .message_attributes("correlation_id", text.build().map_err(corrupt)?)
            .build()
            .map_err(corrupt)
    }
}

impl LegacyQueue for SqsLegacyQueue {
    async fn send(&self, orders: &[LegacyOrder]) -> Result<(), StorageError> {
        for orders in orders.chunks(MAX_PER_REQUEST) {
            let entries: Result<Vec<_>, _> = orders.iter().enumerate().map(|(index, order)| Self::entry(index, order)).collect();
            let send = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries?));
            let sent = send.send().await.map_err(|error| unavailable(&error))?;
            if let Some(failed) = sent.failed().first() {
                let (count, reason) = (sent.failed().len(), failed.message().unwrap_or(failed.code()));
                return Err(StorageError::Unavailable(format!("{count} of {} messages were not taken: {reason}", orders.len())));
            }
        }
        Ok(())
    }
}

/// What one batch of the orders' stream says.
#[derive(Debug, Default)]
pub struct OrderChanges {
    /// The orders as they were written, oldest first; an order may occur many times.
    pub written: Vec<Order>,
    /// Records that are no order, by the id of their stream event.
    pub unreadable: Vec<(String, StorageError)>,
}

/// Reads an event of the orders' stream, which carries new images. Removals are skipped: orders are never removed.
///
/// # Errors
///
/// [`StorageError::Corrupt`] where it is no event of a stream.
pub fn order_changes(event: Value) -> Result<OrderChanges, StorageError> {
    let mut changes = OrderChanges::default();
    for mut record in records(event)? {
        let Some(image) = record.new_image() else { continue };
        match image.and_then(order_of) {
            Ok(order) => changes.written.push(order),
            Err(error) => changes.unreadable.push((record.event_id, error)),
        }
    }
    Ok(changes)
}
