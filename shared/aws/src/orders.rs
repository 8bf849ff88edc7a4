use crate::{
    Aws,
    transaction::{can_be_key, order_of, text},
    unavailable,
};
use aws_sdk_dynamodb::Client;
use carryout_checkout::{order::Order, ports::Orders};
use carryout_environment::StorageError;

/// Reads orders.
#[derive(Clone)]
pub struct DynamoOrders {
    client: Client,
    table: String,
}

impl DynamoOrders {
    /// IAM actions on the orders table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the orders table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

impl Orders for DynamoOrders {
    async fn order(&self, id: &str) -> Result<Option<Order>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let found = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true).send().await;
        found.map_err(|error| unavailable(&error))?.item.map(order_of).transpose()
    }
}
