use crate::{
    Aws, corrupt, now,
    quotes::quote_of,
    transaction::{Item, Transacted, can_be_key, is_refused, number, text},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    types::{
        AttributeValue, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
        builders::PutBuilder,
    },
};
use carryout_checkout::{
    consumer::Consumer,
    ports::{CompletedRequest, IdempotencyKey, Submission, Submissions, SubmitRefused},
};
use carryout_environment::StorageError;
use carryout_pricing::Quote;
use std::collections::HashMap;

/// Partitions over which stuck orders are spread, so that no index partition is hot.
pub(crate) const SWEEP_SHARDS: u32 = 4;

/// The partition of the index `stuck` that an order is in while it is open.
pub(crate) fn sweep_shard(order_id: &str) -> String {
    let hash = order_id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    (hash % SWEEP_SHARDS).to_string()
}

/// Writes orders.
#[derive(Clone)]
pub struct DynamoSubmissions {
    client: Client,
    orders: String,
    idempotency: String,
    quotes: String,
    consumers: String,
}

impl DynamoSubmissions {
    /// IAM actions on the orders table.
    pub const ORDERS_ACTIONS: &'static [&'static str] = &["dynamodb:PutItem"];
    /// IAM actions on the idempotency table.
    pub const IDEMPOTENCY_ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem"];
    /// IAM actions on the quotes table.
    pub const QUOTES_ACTIONS: &'static [&'static str] = &["dynamodb:BatchGetItem", "dynamodb:UpdateItem"];
    /// IAM actions on the consumers table.
    pub const CONSUMERS_ACTIONS: &'static [&'static str] = &["dynamodb:BatchGetItem"];

    /// On the three tables that a submit writes, and the one that it only reads.
    pub fn new(
        aws: &Aws,
        orders: impl Into<String>,
        idempotency: impl Into<String>,
        quotes: impl Into<String>,
        consumers: impl Into<String>,
    ) -> Self {
        Self {
            client: aws.dynamodb(),
            orders: orders.into(),
            idempotency: idempotency.into(),
            quotes: quotes.into(),
            consumers: consumers.into(),
        }
    }

    fn put_order(&self, submission: &Submission) -> Result<Put, StorageError> {
        let order = &submission.order;
        let mut item: Item = serde_dynamo::to_item(order).map_err(corrupt)?;
        item.insert("sweep_shard".to_owned(), text(sweep_shard(&order.id)));
        item.insert("sweep_at".to_owned(), number(submission.stuck_at));
        Put::builder()
            .table_name(&self.orders)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(|error: BuildError| corrupt(error))
    }

    fn use_quote(&self, submission: &Submission) -> Result<Update, StorageError> {
        Update::builder()
            .table_name(&self.quotes)
            .key("id", text(&submission.order.quote.terms.id))
            .update_expression("SET order_id = :order REMOVE #ttl")
            .condition_expression("attribute_exists(id) AND attribute_not_exists(order_id)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":order", text(&submission.order.id))
            .build()
            .map_err(|error: BuildError| corrupt(error))
    }
}

/// A request's record in the schema of Powertools for AWS Lambda (idempotency, DynamoDB persistence layer), unless one is
/// remembered.
pub(crate) fn put_record(put: PutBuilder, key: &IdempotencyKey, answer: &str, remember_until: i64) -> Result<Put, StorageError> {
    put.item("id", text(&key.record_id))
        .item("status", text("COMPLETED"))
        .item("expiration", number(remember_until))
        .item("data", text(answer))
        .item("validation", text(&key.validation))
        .condition_expression("attribute_not_exists(id) OR expiration < :now")
        .expression_attribute_values(":now", number(now() / 1_000))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(|error: BuildError| corrupt(error))
}

/// One item by its id, read consistently.
fn by_id(id: &str) -> Result<KeysAndAttributes, StorageError> {
    let key = HashMap::from([("id".to_owned(), text(id))]);
    KeysAndAttributes::builder().keys(key).consistent_read(true).build().map_err(corrupt)
}

/// The one item that was read from `table`, if it exists.
fn only(read: &mut HashMap<String, Vec<Item>>, table: &str) -> Option<Item> {
    read.remove(table).unwrap_or_default().pop()
}

impl Submissions for DynamoSubmissions {
    async fn consumer_and_quote(
        &self,
        consumer_id: &str,
        quote_id: &str,
    ) -> Result<(Option<Consumer>, Option<Quote>), StorageError> {
        let wanted = [(&self.consumers, consumer_id), (&self.quotes, quote_id)].into_iter().filter(|(_, id)| can_be_key(id));
        let mut batch = self.client.batch_get_item();
        for (table, id) in wanted {
            batch = batch.request_items(table, by_id(id)?);
        }
        let read = batch.send().await.map_err(|error| unavailable(&error))?;
        if read.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StorageError::Unavailable("the store is too busy to read everything at once".to_owned()));
        }
        let mut read = read.responses.unwrap_or_default();
        let consumer = only(&mut read, &self.consumers).map(|item| serde_dynamo::from_item(item).map_err(corrupt)).transpose()?;
        Ok((consumer, quote_of(only(&mut read, &self.quotes))?))
    }

    async fn submit(&self, submission: &Submission) -> Result<(), SubmitRefused> {
        let order = self.put_order(submission)?;
        let record = put_record(
            Put::builder().table_name(&self.idempotency),
            &submission.key,
            &submission.answer,
            submission.remember_until,
        )?;
        let quote = self.use_quote(submission)?;
        let result = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(record).build())
            .transact_items(TransactWriteItem::builder().put(order).build())
            .transact_items(TransactWriteItem::builder().update(quote).build())
            .send()
            .await;
        match Transacted::from(result) {
            Transacted::Done => Ok(()),
            Transacted::Conflict => Err(SubmitRefused::Conflict),
            Transacted::Failed(error) => Err(SubmitRefused::Storage(error)),
            Transacted::Cancelled(reasons) => match reasons.first() {
                Some(record) if is_refused(record) => {
                    let item = record.item().cloned().unwrap_or_default();
                    Err(remembered(&item).map_or(SubmitRefused::Conflict, SubmitRefused::Repeated))
                }
                _ => Err(SubmitRefused::QuoteUsed),
            },
        }
    }

    async fn completed(&self, record_id: &str) -> Result<Option<CompletedRequest>, StorageError> {
        let found =
            self.client.get_item().table_name(&self.idempotency).key("id", text(record_id)).consistent_read(true).send().await;
        let item = found.map_err(|error| unavailable(&error))?.item;
        Ok(item.as_ref().filter(|item| is_remembered(item)).and_then(remembered))
    }
}

/// Whether a record's time is not over yet.
pub(crate) fn is_remembered(item: &Item) -> bool {
    let seconds = item.get("expiration").and_then(|at| at.as_n().ok()).and_then(|at| at.parse::<i64>().ok());
    seconds.is_some_and(|at| at >= now() / 1_000)
}

/// The completed request of a record.
pub(crate) fn remembered(item: &Item) -> Option<CompletedRequest> {
    let field = |name: &str| item.get(name).and_then(|value: &AttributeValue| value.as_s().ok()).cloned();
    Some(CompletedRequest { validation: field("validation")?, answer: field("data")? })
}
