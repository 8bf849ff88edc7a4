use crate::{
    Aws, corrupt, now,
    status::MAY_BEGIN,
    transaction::{Item, Transacted, can_be_key, is_refused, number, refused_order, text, value},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    types::{ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use carryout_checkout::ports::{OrderFacts, QuoteLocks, Quotes, Refused};
use carryout_pricing::Quote;
use carryout_workflow::{Direction, StepState, StoreError};

/// How long a quote is kept after it has expired, so that an order at it can be told what changed. Seconds.
const KEEP_EXPIRED_SECONDS: i64 = 24 * 60 * 60;

/// Keeps quotes.
#[derive(Clone)]
pub struct DynamoQuotes {
    client: Client,
    table: String,
}

impl DynamoQuotes {
    /// IAM actions on the quotes table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem"];

    /// On the quotes table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

impl Quotes for DynamoQuotes {
    async fn save(&self, quote: &Quote) -> Result<(), StoreError> {
        let mut item: Item = serde_dynamo::to_item(quote).map_err(corrupt)?;
        item.insert("ttl".to_owned(), number(quote.terms.expires_at / 1_000 + KEEP_EXPIRED_SECONDS));
        let put =
            self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression("attribute_not_exists(id)");
        put.send().await.map(drop).map_err(|error| unavailable(&error))
    }

    async fn quote(&self, id: &str) -> Result<Option<Quote>, StoreError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let found = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true).send().await;
        found.map_err(|error| unavailable(&error))?.item.map(|item| serde_dynamo::from_item(item).map_err(corrupt)).transpose()
    }
}

/// Confirms that quotes are held by their orders.
#[derive(Clone)]
pub struct DynamoQuoteLocks {
    client: Client,
    orders: String,
    quotes: String,
}

impl DynamoQuoteLocks {
    /// IAM actions on the orders table.
    pub const ORDERS_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];
    /// IAM actions on the quotes table.
    pub const QUOTES_ACTIONS: &'static [&'static str] = &["dynamodb:ConditionCheckItem"];

    /// On the orders and quotes tables.
    pub fn new(aws: &Aws, orders: impl Into<String>, quotes: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), orders: orders.into(), quotes: quotes.into() }
    }

    fn held(&self, order_id: &str, facts: &OrderFacts) -> Result<ConditionCheck, StoreError> {
        ConditionCheck::builder()
            .table_name(&self.quotes)
            .key("id", text(&facts.quote_id))
            .condition_expression("order_id = :order AND price.#total.minor = :minor AND price.#total.currency = :currency")
            .expression_attribute_names("#total", "total")
            .expression_attribute_values(":order", text(order_id))
            .expression_attribute_values(":minor", number(facts.total.minor))
            .expression_attribute_values(":currency", text(facts.total.currency.code()))
            .build()
            .map_err(corrupt)
    }

    fn confirmed(&self, step: &'static str, order_id: &str, run: u32, at: i64) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.orders)
            .key("id", text(order_id))
            .update_expression(
                "SET #status = :processing, updated_at = :now, #version = #version + :one, steps.#step.#state = :done, \
                 steps.#step.run = :run, steps.#step.attempts = steps.#step.attempts + :one, \
                 steps.#step.sent_at = :at, steps.#step.ended_at = :now",
            )
            .condition_expression(format!("run = :run AND {MAY_BEGIN} AND steps.#step.#state IN (:pending, :running)"))
            .expression_attribute_names("#step", step)
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":submitted", text("SUBMITTED"))
            .expression_attribute_values(":processing", text("PROCESSING"))
            .expression_attribute_values(":forward", value(&Direction::Forward)?)
            .expression_attribute_values(":pending", value(&StepState::Pending)?)
            .expression_attribute_values(":running", value(&StepState::Running)?)
            .expression_attribute_values(":done", value(&StepState::Done)?)
            .expression_attribute_values(":run", number(run))
            .expression_attribute_values(":at", number(at))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(corrupt)
    }
}

impl QuoteLocks for DynamoQuoteLocks {
    async fn confirm(&self, step: &'static str, order_id: &str, run: u32, facts: &OrderFacts, at: i64) -> Result<(), Refused> {
        let held = self.held(order_id, facts)?;
        let confirmed = self.confirmed(step, order_id, run, at)?;
        let result = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(confirmed).build())
            .transact_items(TransactWriteItem::builder().condition_check(held).build())
            .send()
            .await;
        match Transacted::from(result) {
            Transacted::Done => Ok(()),
            Transacted::Conflict => Err(Refused::Conflict),
            Transacted::Failed(error) => Err(Refused::Store(error)),
            Transacted::Cancelled(reasons) => match reasons.first() {
                Some(order) if is_refused(order) => Err(refused_order(order)),
                _ => Err(Refused::Other),
            },
        }
    }
}
