use crate::{
    Aws, corrupt, now,
    status::{IS_OPEN, MAY_BEGIN},
    transaction::{Transacted, is_refused, number, refused_order, refused_update, text, updated, value},
};
use aws_sdk_dynamodb::{
    Client,
    types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use carryout_checkout::{
    audit::kept_until,
    order::{Order, OrderStatus},
    ports::{Closing, Refused},
};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::{Direction, StepState};

/// Closes orders. A closed order leaves the sweeper's index; a parked one enters the operators'.
#[derive(Clone)]
pub struct DynamoClosing {
    client: Client,
    orders: String,
    quotes: String,
}

impl DynamoClosing {
    /// IAM actions on the orders table.
    pub const ORDERS_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];
    /// IAM actions on the quotes table.
    pub const QUOTES_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// On the orders and quotes tables.
    pub fn new(aws: &Aws, orders: impl Into<String>, quotes: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), orders: orders.into(), quotes: quotes.into() }
    }

    fn fail_order(
        &self,
        order_id: &str,
        run: u32,
        ended: OrderStatus,
        reason: Option<&Failure>,
    ) -> Result<TransactWriteItem, StorageError> {
        let mut set = "SET #status = :ended, direction = :undo, updated_at = :now, #version = #version + :one".to_owned();
        let mut update = Update::builder();
        if let Some(reason) = reason {
            set.push_str(", failure = if_not_exists(failure, :reason)");
            update = update.expression_attribute_values(":reason", value(reason)?);
        }
        set.push_str(" REMOVE sweep_shard, sweep_at");
        let update = update
            .table_name(&self.orders)
            .key("id", text(order_id))
            .update_expression(set)
            .condition_expression(format!("run = :run AND {IS_OPEN}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":ended", text(ended.name()))
            .expression_attribute_values(":submitted", text("SUBMITTED"))
            .expression_attribute_values(":processing", text("PROCESSING"))
            .expression_attribute_values(":undo", value(&Direction::Undo)?)
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(corrupt)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn release_quote(&self, order_id: &str, quote_id: &str) -> Result<TransactWriteItem, StorageError> {
        let update = Update::builder()
            .table_name(&self.quotes)
            .key("id", text(quote_id))
            .update_expression("SET #ttl = :ttl REMOVE order_id")
            .condition_expression("order_id = :order")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(kept_until(now())))
            .expression_attribute_values(":order", text(order_id))
            .build()
            .map_err(corrupt)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

impl Closing for DynamoClosing {
    async fn place(&self, step: &'static str, order_id: &str, run: u32, at: i64) -> Result<(), Refused> {
        let prepared = || -> Result<_, StorageError> {
            Ok(self
                .client
                .update_item()
                .table_name(&self.orders)
                .key("id", text(order_id))
                .update_expression(
                    "SET #status = :placed, updated_at = :now, #version = #version + :one, steps.#step.#state = :done, \
                     steps.#step.run = :run, steps.#step.attempts = steps.#step.attempts + :one, \
                     steps.#step.sent_at = :at, steps.#step.ended_at = :now REMOVE sweep_shard, sweep_at",
                )
                .condition_expression(format!("run = :run AND {MAY_BEGIN}"))
                .expression_attribute_names("#step", step)
                .expression_attribute_names("#status", "status")
                .expression_attribute_names("#state", "state")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":placed", text("PLACED"))
                .expression_attribute_values(":submitted", text("SUBMITTED"))
                .expression_attribute_values(":processing", text("PROCESSING"))
                .expression_attribute_values(":forward", value(&Direction::Forward)?)
                .expression_attribute_values(":done", value(&StepState::Done)?)
                .expression_attribute_values(":run", number(run))
                .expression_attribute_values(":at", number(at))
                .expression_attribute_values(":now", number(now()))
                .expression_attribute_values(":one", number(1))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
        };
        prepared()?.send().await.map(drop).map_err(refused_update)
    }

    async fn fail(
        &self,
        order_id: &str,
        run: u32,
        quote_id: &str,
        ended: OrderStatus,
        reason: Option<&Failure>,
        _at: i64,
    ) -> Result<(), Refused> {
        for release in [true, false] {
            let mut transaction =
                self.client.transact_write_items().transact_items(self.fail_order(order_id, run, ended, reason)?);
            if release {
                transaction = transaction.transact_items(self.release_quote(order_id, quote_id)?);
            }
            match Transacted::from(transaction.send().await) {
                Transacted::Done => return Ok(()),
                Transacted::Conflict => return Err(Refused::Conflict),
                Transacted::Failed(error) => return Err(Refused::Storage(error)),
                Transacted::Cancelled(reasons) => {
                    if let Some(order) = reasons.first().filter(|reason| is_refused(reason)) {
                        return Err(refused_order(order));
                    }
                    // The quote is gone, or no longer this order's: there is nothing to release.
                }
            }
        }
        Err(Refused::Conflict)
    }

    async fn park(&self, order_id: &str, run: u32, _at: i64) -> Result<Order, Refused> {
        let park = self
            .client
            .update_item()
            .table_name(&self.orders)
            .key("id", text(order_id))
            .update_expression(
                "SET #status = :parked, parked = :parked, parked_at = :now, updated_at = :now, #version = #version + :one \
                 REMOVE sweep_shard, sweep_at",
            )
            .condition_expression(format!("run = :run AND {IS_OPEN}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":parked", text("PARKED"))
            .expression_attribute_values(":submitted", text("SUBMITTED"))
            .expression_attribute_values(":processing", text("PROCESSING"))
            .expression_attribute_values(":run", number(run));
        updated(park).await
    }
}
