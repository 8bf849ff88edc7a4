use crate::{
    Aws, corrupt,
    transaction::{Item, can_be_key, text},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    types::{PutRequest, WriteRequest},
};
use carryout_checkout::{consumer::Consumer, ports::Consumers};
use carryout_environment::StorageError;

/// Reads consumers.
#[derive(Clone)]
pub struct DynamoConsumers {
    client: Client,
    table: String,
}

impl DynamoConsumers {
    /// IAM actions on the consumers table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the consumers table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

impl Consumers for DynamoConsumers {
    async fn consumer(&self, id: &str) -> Result<Option<Consumer>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let found = self.client.get_item().table_name(&self.table).key("id", text(id)).send().await;
        found.map_err(|error| unavailable(&error))?.item.map(|item| serde_dynamo::from_item(item).map_err(corrupt)).transpose()
    }
}

/// Writes consumers. For seeding.
#[derive(Clone)]
pub struct DynamoConsumerWriter {
    client: Client,
    table: String,
}

impl DynamoConsumerWriter {
    /// On the consumers table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }

    /// Writes all of them, replacing those that exist. At most 25.
    pub async fn write(&self, consumers: &[Consumer]) -> Result<(), StorageError> {
        let requests: Result<Vec<WriteRequest>, StorageError> =
            consumers.iter().map(|consumer| put(serde_dynamo::to_item(consumer).map_err(corrupt)?)).collect();
        write_all(&self.client, &self.table, requests?).await
    }
}

/// A request that puts `item`.
pub(crate) fn put(item: Item) -> Result<WriteRequest, StorageError> {
    let put = PutRequest::builder().set_item(Some(item)).build().map_err(corrupt)?;
    Ok(WriteRequest::builder().put_request(put).build())
}

/// Writes a batch, again and again until nothing is left over.
pub(crate) async fn write_all(client: &Client, table: &str, mut requests: Vec<WriteRequest>) -> Result<(), StorageError> {
    const ROUNDS: u32 = 10;
    for _ in 0..ROUNDS {
        if requests.is_empty() {
            return Ok(());
        }
        let written =
            client.batch_write_item().request_items(table, requests).send().await.map_err(|error| unavailable(&error))?;
        requests = written.unprocessed_items.and_then(|mut items| items.remove(table)).unwrap_or_default();
    }
    Err(StorageError::Unavailable(format!("{} writes to {table} were left over after {ROUNDS} rounds", requests.len())))
}
