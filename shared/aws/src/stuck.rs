use crate::{
    Aws, now,
    status::{IS_OPEN, open},
    submissions::SWEEP_SHARDS,
    transaction::{number, order_of, refused_update, text},
    unavailable,
};
use aws_sdk_dynamodb::{Client, types::ReturnValuesOnConditionCheckFailure};
use carryout_checkout::{
    order::Order,
    ports::{Refused, StuckOrders},
};
use carryout_environment::StorageError;
use carryout_workflow::Subject;
use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Finds orders, or refunds, whose deadline has passed by the sparse index `stuck`: closed ones are not in it.
#[derive(Clone)]
pub struct DynamoStuckOrders<S = Order> {
    client: Client,
    table: String,
    of: PhantomData<fn() -> S>,
}

impl<S: DeserializeOwned> DynamoStuckOrders<S> {
    /// IAM actions on the orders table, or that of refunds.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:UpdateItem"];
    /// IAM actions on the index `stuck` of that table.
    pub const INDEX_ACTIONS: &'static [&'static str] = &["dynamodb:Query"];

    /// On the orders table, or that of refunds.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into(), of: PhantomData }
    }

    async fn read(&self, id: &str) -> Result<Option<S>, StorageError> {
        let found = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true).send().await;
        found.map_err(|error| unavailable(&error))?.item.map(order_of).transpose()
    }

    async fn stuck_ids(&self, shard: u32, now: i64, limit: usize) -> Result<Vec<String>, StorageError> {
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("stuck")
            .key_condition_expression("sweep_shard = :shard AND sweep_at <= :now")
            .expression_attribute_values(":shard", text(shard.to_string()))
            .expression_attribute_values(":now", number(now))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(found.items().iter().filter_map(|item| item.get("id")?.as_s().ok().cloned()).collect())
    }
}

impl<S: Subject + DeserializeOwned + 'static> StuckOrders for DynamoStuckOrders<S> {
    type Subject = S;

    async fn stuck(&self, now: i64, limit: usize) -> Result<Vec<S>, StorageError> {
        let per_shard = limit.div_ceil(SWEEP_SHARDS as usize);
        let ids = try_join_all((0..SWEEP_SHARDS).map(|shard| self.stuck_ids(shard, now, per_shard))).await?;
        // The index lags and carries keys only; the order itself is read, and only counts while somebody does something for it.
        let orders = try_join_all(ids.concat().iter().map(|id| self.read(id))).await?;
        Ok(orders.into_iter().flatten().filter(S::is_looked_after).collect())
    }

    async fn next_run(&self, order_id: &str, run: u32, look_again_at: i64) -> Result<bool, StorageError> {
        let update = open(self.client.update_item())
            .table_name(&self.table)
            .key("id", text(order_id))
            .update_expression("SET run = run + :one, sweep_at = :again, updated_at = :now, #version = #version + :one")
            .condition_expression(format!("run = :run AND {IS_OPEN}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":again", number(look_again_at))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await.map_err(refused_update::<S>) {
            Ok(_) => Ok(true),
            Err(Refused::ConditionFailed(_) | Refused::NotFound | Refused::Other) => Ok(false),
            Err(Refused::Conflict) => Err(StorageError::Unavailable("somebody else writes this order".to_owned())),
            Err(Refused::Storage(error)) => Err(error),
        }
    }

    async fn look_again(&self, order_id: &str, run: u32, look_again_at: i64) -> Result<(), StorageError> {
        let update = open(self.client.update_item())
            .table_name(&self.table)
            .key("id", text(order_id))
            .update_expression("SET sweep_at = :again")
            .condition_expression(format!("run = :run AND {IS_OPEN}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":again", number(look_again_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await.map_err(refused_update::<S>) {
            Ok(_) | Err(Refused::ConditionFailed(_) | Refused::NotFound | Refused::Other) => Ok(()),
            Err(Refused::Conflict) => Err(StorageError::Unavailable("somebody else writes this order".to_owned())),
            Err(Refused::Storage(error)) => Err(error),
        }
    }
}
