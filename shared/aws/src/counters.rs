use crate::{
    Aws, corrupt,
    transaction::{Item, number, text},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    types::{KeysAndAttributes, TransactWriteItem, Update, builders::UpdateBuilder},
};
use carryout_checkout::redemptions::{Planned, Redemption, UsageCounter, UsageCounters};
use carryout_environment::StorageError;
use std::collections::HashMap;

/// Counts what orders take of what is limited.
#[derive(Clone)]
pub(crate) struct DynamoCounters {
    client: Client,
    table: String,
}

impl DynamoCounters {
    /// On the counters table.
    pub(crate) fn new(aws: &Aws, counters: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: counters.into() }
    }

    /// A redemption from a counter that exists as little as an empty one.
    pub(crate) fn redemption(&self, planned: &Planned) -> Result<TransactWriteItem, StorageError> {
        let Planned { redemption, allowance } = planned;
        let mut update = self
            .update(redemption, "SET uses = if_not_exists(uses, :zero) + :uses, given = if_not_exists(given, :zero) + :amount")
            .expression_attribute_values(":zero", number(0));
        let mut conditions = Vec::new();
        if let Some(uses) = allowance.uses {
            conditions.push("(attribute_not_exists(uses) OR uses <= :most_uses)");
            update = update.expression_attribute_values(":most_uses", number(i64::from(uses) - i64::from(redemption.uses)));
        }
        if let Some(budget) = allowance.budget {
            conditions.push("(attribute_not_exists(given) OR given <= :most_given)");
            update = update.expression_attribute_values(":most_given", number(budget - redemption.amount));
        }
        let update = update.condition_expression(conditions.join(" AND ")).build().map_err(corrupt)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Returns what was redeemed, where it is still counted.
    pub(crate) fn give_back(&self, redemption: &Redemption) -> Result<TransactWriteItem, StorageError> {
        let update = self
            .update(redemption, "SET uses = uses - :uses, given = given - :amount")
            .condition_expression("uses >= :uses AND given >= :amount")
            .build()
            .map_err(corrupt)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn update(&self, redemption: &Redemption, expression: &str) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .key("id", text(&redemption.counter))
            .update_expression(expression)
            .expression_attribute_values(":uses", number(redemption.uses))
            .expression_attribute_values(":amount", number(redemption.amount))
    }

    /// The counters under these keys, without those that don't exist.
    pub(crate) async fn read(&self, keys: &[String]) -> Result<UsageCounters, StorageError> {
        const BATCH: usize = 100;
        let mut found = UsageCounters::new();
        for batch in keys.chunks(BATCH) {
            let keys = batch.iter().map(|key| HashMap::from([("id".to_owned(), text(key))]));
            let wanted =
                KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true).build().map_err(corrupt)?;
            let read = self.client.batch_get_item().request_items(&self.table, wanted).send().await;
            let read = read.map_err(|error| unavailable(&error))?;
            if read.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
                return Err(StorageError::Unavailable("the store is too busy to read every counter at once".to_owned()));
            }
            for item in read.responses.unwrap_or_default().remove(&self.table).unwrap_or_default() {
                let key = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
                found.insert(key, serde_dynamo::from_item::<Item, UsageCounter>(item).map_err(corrupt)?);
            }
        }
        Ok(found)
    }
}
