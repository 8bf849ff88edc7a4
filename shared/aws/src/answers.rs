use crate::{
    Aws,
    status::{IS_OPEN, MAY_BEGIN, open},
    transaction::{can_be_key, number, text, updated, value},
};
use aws_sdk_dynamodb::{Client, operation::update_item::builders::UpdateItemFluentBuilder};
use carryout_checkout::{
    order::Order,
    ports::{Answers, MerchantAnswer, Refused},
    steps::await_merchant::failure_of,
};
use carryout_environment::StorageError;
use carryout_workflow::{Direction, StepState};

/// Keeps merchants' answers in the waiting step's entry.
#[derive(Clone)]
pub struct DynamoAnswers {
    client: Client,
    table: String,
}

impl DynamoAnswers {
    /// IAM actions on the orders table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// On the orders table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }

    /// An update of the order and its waiting step, with what every one of them has in common.
    fn update(&self, step: &str, order_id: &str) -> Result<UpdateItemFluentBuilder, StorageError> {
        Ok(open(self.client.update_item())
            .table_name(&self.table)
            .key("id", text(order_id))
            .expression_attribute_names("#step", step)
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":forward", value(&Direction::Forward)?)
            .expression_attribute_values(":pending", value(&StepState::Pending)?)
            .expression_attribute_values(":running", value(&StepState::Running)?)
            .expression_attribute_values(":waiting", value(&StepState::Waiting)?))
    }
}

/// The condition that no answer is recorded.
const IS_UNANSWERED: &str = "steps.#step.#state IN (:pending, :running, :waiting)";

async fn send(update: UpdateItemFluentBuilder, step: &str) -> Result<Order, Refused> {
    updated(update).await.map_err(|refused: Refused<Order>| match refused {
        // The order's workflow has no such step: it never waits.
        Refused::ConditionFailed(order) if order.steps.entry(step).is_none() => Refused::Other,
        refused => refused,
    })
}

impl Answers for DynamoAnswers {
    async fn wait_for(&self, step: &'static str, order_id: &str, run: u32, task_token: &str, at: i64) -> Result<Order, Refused> {
        let update = self
            .update(step, order_id)?
            .expression_attribute_values(":token", text(task_token))
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":at", number(at))
            .update_expression(
                "SET #status = :processing, updated_at = :now, #version = #version + :one, steps.#step.#state = :waiting, \
                 steps.#step.task_token = :token, steps.#step.run = :run, steps.#step.sent_at = :at, \
                 steps.#step.attempts = steps.#step.attempts + :one",
            )
            .condition_expression(format!("run = :run AND {MAY_BEGIN} AND {IS_UNANSWERED}"));
        send(update, step).await
    }

    async fn record(&self, step: &'static str, order_id: &str, answer: &MerchantAnswer, _at: i64) -> Result<Order, Refused> {
        if !can_be_key(order_id) {
            return Err(Refused::NotFound);
        }
        let prepared = || -> Result<UpdateItemFluentBuilder, StorageError> {
            let set =
                "SET updated_at = :now, #version = #version + :one, steps.#step.ended_at = :now, steps.#step.#state = :state";
            let update = self
                .update(step, order_id)?
                .condition_expression(format!("direction = :forward AND {IS_OPEN} AND {IS_UNANSWERED}"));
            Ok(match failure_of(answer) {
                None => update.update_expression(set).expression_attribute_values(":state", value(&StepState::Done)?),
                Some(failure) => update
                    .update_expression(format!("{set}, steps.#step.failure = :failure"))
                    .expression_attribute_values(":state", value(&StepState::Failed)?)
                    .expression_attribute_values(":failure", value(&failure)?),
            })
        };
        send(prepared()?, step).await
    }
}
