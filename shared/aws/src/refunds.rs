use crate::{
    Aws, corrupt, now,
    status::IS_OPEN,
    submissions::{is_remembered, put_record, remembered, sweep_shard},
    transaction::{Item, Transacted, can_be_key, is_refused, number, order_of, refused_order, text, updated, value},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update, builders::UpdateBuilder},
};
use carryout_checkout::{
    ledger::LedgerEvent,
    order::OrderStatus,
    ports::{CompletedRequest, ParkedRefunds, RefundClosing, RefundRefused, RefundRequests, RefundSubmission, Refused},
    refund::{OrderRefund, RefundStatus},
    steps::refund_payment,
};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::StepState;

/// Takes refunds.
#[derive(Clone)]
pub struct DynamoRefundRequests {
    client: Client,
    orders: String,
    refunds: String,
    idempotency: String,
}

impl DynamoRefundRequests {
    /// IAM actions on the orders table.
    pub const ORDERS_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];
    /// IAM actions on the refunds table.
    pub const REFUNDS_ACTIONS: &'static [&'static str] = &["dynamodb:PutItem"];
    /// IAM actions on the idempotency table.
    pub const IDEMPOTENCY_ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem"];

    /// On the three tables that a refund's request writes.
    pub fn new(aws: &Aws, orders: impl Into<String>, refunds: impl Into<String>, idempotency: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), orders: orders.into(), refunds: refunds.into(), idempotency: idempotency.into() }
    }

    fn put_refund(&self, submission: &RefundSubmission) -> Result<Put, StorageError> {
        let refund = &submission.refund;
        let mut item: Item = serde_dynamo::to_item(refund).map_err(corrupt)?;
        item.insert("sweep_shard".to_owned(), text(sweep_shard(&refund.id)));
        item.insert("sweep_at".to_owned(), number(submission.stuck_at));
        let put = Put::builder().table_name(&self.refunds).set_item(Some(item));
        put.condition_expression("attribute_not_exists(id)").build().map_err(corrupt)
    }

    fn update_order(&self, submission: &RefundSubmission) -> Result<Update, StorageError> {
        let refund = &submission.refund;
        written(Update::builder().table_name(&self.orders).key("id", text(&refund.order_id)))
            .update_expression(
                "SET refunded = :refunded, open_refund = :refund, ledger = list_append(ledger, :events), updated_at = :now, \
                 #version = #version + :one",
            )
            .condition_expression("#status = :placed AND #version = :read AND attribute_not_exists(open_refund)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":placed", text(OrderStatus::Placed.name()))
            .expression_attribute_values(":read", number(submission.order_version))
            .expression_attribute_values(":refund", text(&refund.id))
            .expression_attribute_values(":refunded", value(&submission.refunded)?)
            .expression_attribute_values(":events", value(&[refund.requested()])?)
            .build()
            .map_err(corrupt)
    }
}

/// An update with what every one counts and stamps.
fn written(update: UpdateBuilder) -> UpdateBuilder {
    update
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":now", number(now()))
        .expression_attribute_values(":one", number(1))
}

impl RefundRequests for DynamoRefundRequests {
    async fn request(&self, submission: &RefundSubmission) -> Result<(), RefundRefused> {
        let order = self.update_order(submission)?;
        let refund = self.put_refund(submission)?;
        let record = Put::builder().table_name(&self.idempotency);
        let record = put_record(record, &submission.key, &submission.answer, submission.remember_until)?;
        let result = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(record).build())
            .transact_items(TransactWriteItem::builder().update(order).build())
            .transact_items(TransactWriteItem::builder().put(refund).build())
            .send()
            .await;
        match Transacted::from(result) {
            Transacted::Done => Ok(()),
            Transacted::Conflict => Err(RefundRefused::Changed),
            Transacted::Failed(error) => Err(RefundRefused::Storage(error)),
            Transacted::Cancelled(reasons) => {
                let known = reasons.first().filter(|record| is_refused(record)).and_then(|record| remembered(record.item()?));
                Err(known.map_or(RefundRefused::Changed, RefundRefused::Repeated))
            }
        }
    }

    async fn completed(&self, record_id: &str) -> Result<Option<CompletedRequest>, StorageError> {
        let get = self.client.get_item().table_name(&self.idempotency).key("id", text(record_id)).consistent_read(true);
        let item = get.send().await.map_err(|error| unavailable(&error))?.item;
        Ok(item.as_ref().filter(|item| is_remembered(item)).and_then(remembered))
    }
}

/// Closes refunds, each together with its order. A closed refund leaves the sweeper's index.
#[derive(Clone)]
pub struct DynamoRefundClosing {
    client: Client,
    orders: String,
    refunds: String,
}

impl DynamoRefundClosing {
    /// IAM actions on the orders table.
    pub const ORDERS_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];
    /// IAM actions on the refunds table.
    pub const REFUNDS_ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:UpdateItem"];

    /// On the orders and refunds tables.
    pub fn new(aws: &Aws, orders: impl Into<String>, refunds: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), orders: orders.into(), refunds: refunds.into() }
    }

    /// Closes the refund, if it is open, still in its run, and its payment step stands where `condition` says.
    fn close_refund(
        &self,
        refund: &OrderRefund,
        status: RefundStatus,
        set: &str,
        condition: &str,
    ) -> Result<UpdateBuilder, StorageError> {
        Ok(written(Update::builder().table_name(&self.refunds).key("id", text(&refund.id)))
            .update_expression(format!(
                "SET #status = :ended, updated_at = :now, #version = #version + :one{set} REMOVE sweep_shard, sweep_at"
            ))
            .condition_expression(format!("run = :run AND {IS_OPEN} AND {condition}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#payment", refund_payment::NAME)
            .expression_attribute_values(":ended", text(status.name()))
            .expression_attribute_values(":submitted", text(RefundStatus::Submitted.name()))
            .expression_attribute_values(":processing", text(RefundStatus::Processing.name()))
            .expression_attribute_values(":run", number(refund.run))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    /// Lets go of the order, if it knows the refund as under way.
    fn release_order(&self, refund: &OrderRefund, events: &[LedgerEvent], set: &str) -> Result<UpdateBuilder, StorageError> {
        Ok(written(Update::builder().table_name(&self.orders).key("id", text(&refund.order_id)))
            .update_expression(format!(
                "SET ledger = list_append(ledger, :events), updated_at = :now, #version = #version + :one{set} REMOVE open_refund"
            ))
            .condition_expression("open_refund = :refund")
            .expression_attribute_values(":refund", text(&refund.id))
            .expression_attribute_values(":events", value(&events)?))
    }

    async fn close(&self, refund: UpdateBuilder, order: UpdateBuilder) -> Result<(), Refused<OrderRefund>> {
        let (refund, order) = (refund.build().map_err(corrupt)?, order.build().map_err(corrupt)?);
        let transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(refund).build())
            .transact_items(TransactWriteItem::builder().update(order).build());
        match Transacted::from(transaction.send().await) {
            Transacted::Done => Ok(()),
            Transacted::Conflict => Err(Refused::Conflict),
            Transacted::Failed(error) => Err(Refused::Storage(error)),
            Transacted::Cancelled(reasons) => match reasons.first().filter(|reason| is_refused(reason)) {
                Some(refund) => Err(refused_order(refund)),
                None => Err(Refused::Other),
            },
        }
    }
}

impl RefundClosing for DynamoRefundClosing {
    async fn refund(&self, id: &str) -> Result<Option<OrderRefund>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let found = self.client.get_item().table_name(&self.refunds).key("id", text(id)).consistent_read(true).send().await;
        found.map_err(|error| unavailable(&error))?.item.map(order_of).transpose()
    }

    async fn succeed(
        &self,
        step: &'static str,
        refund: &OrderRefund,
        events: &[LedgerEvent],
        at: i64,
    ) -> Result<(), Refused<OrderRefund>> {
        let entry = ", steps.#step.#state = :done, steps.#step.run = :run, steps.#step.attempts = steps.#step.attempts + :one, \
             steps.#step.sent_at = :at, steps.#step.ended_at = :now";
        let closed = self
            .close_refund(refund, RefundStatus::Refunded, entry, "steps.#payment.#state = :done")?
            .expression_attribute_names("#step", step)
            .expression_attribute_values(":done", value(&StepState::Done)?)
            .expression_attribute_values(":at", number(at));
        self.close(closed, self.release_order(refund, events, "")?).await
    }

    async fn fail(
        &self,
        refund: &OrderRefund,
        events: &[LedgerEvent],
        reason: Option<&Failure>,
        _at: i64,
    ) -> Result<(), Refused<OrderRefund>> {
        let set = if reason.is_some() { ", failure = if_not_exists(failure, :reason)" } else { "" };
        let mut closed = self
            .close_refund(refund, RefundStatus::Failed, set, "steps.#payment.#state IN (:pending, :failed)")?
            .expression_attribute_values(":pending", value(&StepState::Pending)?)
            .expression_attribute_values(":failed", value(&StepState::Failed)?);
        if let Some(reason) = reason {
            closed = closed.expression_attribute_values(":reason", value(reason)?);
        }
        let released = self
            .release_order(refund, events, ", refunded = :before")?
            .expression_attribute_values(":before", value(&refund.before)?);
        self.close(closed, released).await
    }

    async fn park(&self, refund_id: &str, run: u32, _at: i64) -> Result<OrderRefund, Refused<OrderRefund>> {
        let park = self
            .client
            .update_item()
            .table_name(&self.refunds)
            .key("id", text(refund_id))
            .update_expression(
                "SET #status = :parked, updated_at = :now, #version = #version + :one REMOVE sweep_shard, sweep_at",
            )
            .condition_expression(format!("run = :run AND {IS_OPEN}"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":parked", text(RefundStatus::Parked.name()))
            .expression_attribute_values(":submitted", text(RefundStatus::Submitted.name()))
            .expression_attribute_values(":processing", text(RefundStatus::Processing.name()))
            .expression_attribute_values(":run", number(run));
        updated(park).await
    }
}

/// Takes up parked refunds again.
#[derive(Clone)]
pub struct DynamoParkedRefunds {
    client: Client,
    table: String,
}

impl DynamoParkedRefunds {
    /// IAM actions on the refunds table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// On the refunds table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

impl ParkedRefunds for DynamoParkedRefunds {
    async fn reopen(&self, refund_id: &str, look_again_at: i64) -> Result<OrderRefund, Refused<OrderRefund>> {
        if !can_be_key(refund_id) {
            return Err(Refused::NotFound);
        }
        let reopen = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(refund_id))
            .update_expression(
                "SET #status = :processing, run = run + :one, sweep_shard = :shard, sweep_at = :again, updated_at = :now, \
                 #version = #version + :one",
            )
            .condition_expression("#status = :parked")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":parked", text(RefundStatus::Parked.name()))
            .expression_attribute_values(":processing", text(RefundStatus::Processing.name()))
            .expression_attribute_values(":shard", text(sweep_shard(refund_id)))
            .expression_attribute_values(":again", number(look_again_at));
        updated(reopen).await
    }
}
