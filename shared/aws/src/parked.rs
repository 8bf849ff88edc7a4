use crate::{
    Aws,
    orders::DynamoOrders,
    submissions::sweep_shard,
    transaction::{can_be_key, number, text, updated, value},
    unavailable,
};
use aws_sdk_dynamodb::Client;
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{Orders, ParkedOrders, Refused},
};
use carryout_environment::StorageError;
use carryout_workflow::Direction;
use futures::future::try_join_all;

/// Parked orders, found by the sparse index `parked`.
#[derive(Clone)]
pub struct DynamoParkedOrders {
    client: Client,
    table: String,
    orders: DynamoOrders,
}

impl DynamoParkedOrders {
    /// IAM actions on the orders table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:UpdateItem"];
    /// IAM actions on the index `parked` of the orders table.
    pub const INDEX_ACTIONS: &'static [&'static str] = &["dynamodb:Query"];

    /// On the orders table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        let table = table.into();
        Self { client: aws.dynamodb(), orders: DynamoOrders::new(aws, &table), table }
    }
}

impl ParkedOrders for DynamoParkedOrders {
    async fn parked(&self, limit: usize) -> Result<Vec<Order>, StorageError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("parked")
            .key_condition_expression("parked = :parked")
            .expression_attribute_values(":parked", text(OrderStatus::Parked.name()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let ids = found.items().iter().filter_map(|item| item.get("id")?.as_s().ok());
        // The index lags and carries keys only; the order itself is read, and only counts while it is parked.
        let orders = try_join_all(ids.map(|id| self.orders.order(id))).await?;
        Ok(orders.into_iter().flatten().filter(|order| order.status == OrderStatus::Parked).collect())
    }

    async fn reopen(&self, order_id: &str, look_again_at: i64) -> Result<Order, Refused> {
        if !can_be_key(order_id) {
            return Err(Refused::NotFound);
        }
        let prepared = || -> Result<_, StorageError> {
            Ok(self
                .client
                .update_item()
                .table_name(&self.table)
                .key("id", text(order_id))
                .update_expression(
                    "SET #status = :processing, direction = :undo, run = run + :one, sweep_shard = :shard, sweep_at = :again, \
                     updated_at = :now, #version = #version + :one REMOVE parked, parked_at",
                )
                .condition_expression("#status = :parked")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":parked", text(OrderStatus::Parked.name()))
                .expression_attribute_values(":processing", text(OrderStatus::Processing.name()))
                .expression_attribute_values(":undo", value(&Direction::Undo)?)
                .expression_attribute_values(":shard", text(sweep_shard(order_id)))
                .expression_attribute_values(":again", number(look_again_at)))
        };
        updated(prepared()?).await
    }
}
