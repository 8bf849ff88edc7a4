use crate::{
    Aws, now,
    transaction::{can_be_key, number, refused_update, text, value},
};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use carryout_checkout::{
    ledger::LedgerEvent,
    order::Order,
    ports::{Appended, Ledgers, Refused},
};
use carryout_environment::StorageError;

/// The attribute of an order's item that holds the names of all that its ledger was told, as a set.
pub(crate) const TOLD: &str = "ledger_told";

/// Appends to the ledgers of orders.
#[derive(Clone)]
pub struct DynamoLedgers {
    client: Client,
    table: String,
}

impl DynamoLedgers {
    /// IAM actions on the orders table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// On the orders table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

/// The names of these events, as [`TOLD`] holds them.
pub(crate) fn names(events: &[LedgerEvent]) -> AttributeValue {
    // DynamoDB refuses a set in which something is twice.
    let names: std::collections::BTreeSet<String> = events.iter().map(LedgerEvent::name).collect();
    AttributeValue::Ss(names.into_iter().collect())
}

impl Ledgers for DynamoLedgers {
    async fn append(&self, order_id: &str, event: &LedgerEvent) -> Result<Appended, StorageError> {
        if !can_be_key(order_id) {
            return Ok(Appended::NoOrder);
        }
        let events = std::slice::from_ref(event);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(order_id))
            .update_expression(
                "SET ledger = list_append(ledger, :ledger), updated_at = :now, #version = #version + :one ADD #told :names",
            )
            .condition_expression("attribute_exists(id) AND (attribute_not_exists(#told) OR NOT contains(#told, :name))")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#told", TOLD)
            .expression_attribute_values(":ledger", value(&events)?)
            .expression_attribute_values(":names", names(events))
            .expression_attribute_values(":name", text(event.name()))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await.map_err(refused_update::<Order>) {
            Ok(_) => Ok(Appended::New),
            Err(Refused::ConditionFailed(_) | Refused::Other) => Ok(Appended::Known),
            Err(Refused::NotFound) => Ok(Appended::NoOrder),
            Err(Refused::Conflict) => Err(StorageError::Unavailable("somebody else writes this order".to_owned())),
            Err(Refused::Storage(error)) => Err(error),
        }
    }
}
