use crate::{
    Aws,
    status::{MAY_BEGIN, open},
    transaction::{can_be_key, number, text, updated, value},
};
use aws_sdk_dynamodb::Client;
use carryout_checkout::{
    order::Order,
    ports::{Cancellations, Refused},
    steps::{await_merchant, notify_merchant},
};
use carryout_environment::StorageError;
use carryout_workflow::{Direction, StepState};

/// Marks orders as cancelled.
#[derive(Clone)]
pub struct DynamoCancellations {
    client: Client,
    table: String,
}

impl DynamoCancellations {
    /// IAM actions on the orders table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// On the orders table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

/// The condition that the order's store has not agreed to make it; see [`carryout_checkout::cancel::is_accepted`].
const NOT_ACCEPTED: &str = "((attribute_exists(steps.#await) AND steps.#await.#state <> :done) \
     OR (attribute_not_exists(steps.#await) AND steps.#notify.#state <> :done))";

impl Cancellations for DynamoCancellations {
    async fn request(&self, order_id: &str, consumer_id: &str, at: i64) -> Result<Order, Refused> {
        if !can_be_key(order_id) {
            return Err(Refused::NotFound);
        }
        let prepared = || -> Result<_, StorageError> {
            Ok(open(self.client.update_item())
                .table_name(&self.table)
                .key("id", text(order_id))
                .update_expression("SET cancel_requested_at = :at, updated_at = :now, #version = #version + :one")
                .condition_expression(format!("consumer.id = :consumer AND {MAY_BEGIN} AND {NOT_ACCEPTED}"))
                .expression_attribute_names("#await", await_merchant::NAME)
                .expression_attribute_names("#notify", notify_merchant::NAME)
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":consumer", text(consumer_id))
                .expression_attribute_values(":forward", value(&Direction::Forward)?)
                .expression_attribute_values(":done", value(&StepState::Done)?)
                .expression_attribute_values(":at", number(at)))
        };
        updated(prepared()?).await
    }
}
