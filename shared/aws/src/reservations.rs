use crate::{
    Aws, corrupt,
    counters::DynamoCounters,
    now,
    transaction::{Transacted, is_refused, number, text, value},
};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem, Update},
};
use carryout_checkout::{
    order::Order,
    ports::{Reservations, ReserveRefused},
    redemptions::{Reserved, UsageCounters, counters_for, plan},
    steps::reserve_items::reserved_by,
};
use carryout_environment::StorageError;
use carryout_pricing::PricedLine;
use carryout_workflow::{Claim, StepState};

/// Times that redemptions are planned anew because other orders redeemed from the same counters meanwhile.
const PLANS: u32 = 4;

/// Takes items out of stock and what is limited from its counters, and puts them back.
#[derive(Clone)]
pub struct DynamoReservations {
    client: Client,
    orders: String,
    stores: String,
    counters: DynamoCounters,
}

impl DynamoReservations {
    /// IAM actions on the orders table.
    pub const ORDERS_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];
    /// IAM actions on the stores table.
    pub const STORES_ACTIONS: &'static [&'static str] = &["dynamodb:UpdateItem"];

    /// IAM actions on the counters table.
    pub const COUNTERS_ACTIONS: &'static [&'static str] = &["dynamodb:BatchGetItem", "dynamodb:UpdateItem"];

    /// On the orders, stores and counters tables.
    pub fn new(aws: &Aws, orders: impl Into<String>, stores: impl Into<String>, counters: impl Into<String>) -> Self {
        Self {
            client: aws.dynamodb(),
            orders: orders.into(),
            stores: stores.into(),
            counters: DynamoCounters::new(aws, counters),
        }
    }

    fn entry(
        &self,
        claim: &Claim,
        set: &str,
        values: &[(&str, AttributeValue)],
        names: &[(&str, &str)],
    ) -> Result<TransactWriteItem, StorageError> {
        let mut update = Update::builder()
            .table_name(&self.orders)
            .key("id", text(&claim.id))
            .update_expression(format!(
                "SET {set}, steps.#step.lease_until = :nobody, steps.#step.ended_at = :now, updated_at = :now, #version = #version + :one"
            ))
            .condition_expression("steps.#step.lease_until = :lease AND steps.#step.run = :run")
            .expression_attribute_names("#step", &claim.step)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":lease", number(claim.lease_until))
            .expression_attribute_values(":run", number(claim.run))
            .expression_attribute_values(":nobody", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now()));
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        for (placeholder, name) in names {
            update = update.expression_attribute_names(*placeholder, *name);
        }
        Ok(TransactWriteItem::builder().update(update.build().map_err(corrupt)?).build())
    }

    fn stock(
        &self,
        order: &Order,
        line: &PricedLine,
        expression: &str,
        condition: &str,
    ) -> Result<TransactWriteItem, StorageError> {
        let mut update = Update::builder()
            .table_name(&self.stores)
            .key("store_id", text(&order.store.id))
            .key("part", text(crate::catalog::item_part(&line.item_id)))
            .update_expression(expression)
            .condition_expression(condition)
            .expression_attribute_values(":quantity", number(line.quantity));
        if condition.contains(":yes") {
            update = update.expression_attribute_values(":yes", AttributeValue::Bool(true));
        }
        Ok(TransactWriteItem::builder().update(update.build().map_err(corrupt)?).build())
    }

    /// Writes the entry, and the stock of every line and the counters after it. Gives back the places of those whose condition
    /// was not met.
    async fn transact(&self, entry: TransactWriteItem, after: Vec<TransactWriteItem>) -> Result<Vec<usize>, ReserveRefused> {
        let result = self.client.transact_write_items().transact_items(entry).set_transact_items_after(after).send().await;
        match Transacted::from(result) {
            Transacted::Done => Ok(Vec::new()),
            Transacted::Conflict => Err(ReserveRefused::Conflict),
            Transacted::Failed(error) => Err(ReserveRefused::Storage(error)),
            Transacted::Cancelled(reasons) => {
                if reasons.first().is_some_and(is_refused) {
                    return Err(ReserveRefused::Storage(StorageError::ClaimLost));
                }
                Ok(reasons.iter().skip(1).enumerate().filter(|(_, reason)| is_refused(reason)).map(|(place, _)| place).collect())
            }
        }
    }
}

/// Adds many items to a transaction.
trait AddItems {
    fn set_transact_items_after(self, items: Vec<TransactWriteItem>) -> Self;
}

impl AddItems for aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder {
    fn set_transact_items_after(self, items: Vec<TransactWriteItem>) -> Self {
        items.into_iter().fold(self, Self::transact_items)
    }
}

impl Reservations for DynamoReservations {
    async fn reserve(&self, claim: &Claim, order: &Order) -> Result<Reserved, ReserveRefused> {
        let lines = &order.quote.terms.price.lines;
        // Most orders find enough where they look first, so nothing is read for it.
        let mut counters = UsageCounters::new();
        for _ in 0..PLANS {
            let planned = plan(order, &counters).map_err(ReserveRefused::UsedUp)?;
            let reserved = Reserved::of(order, &planned);
            let values = [(":done", value(&StepState::Done)?), (":reserved", value(&reserved)?)];
            let set = "steps.#step.#state = :done, steps.#step.#response = :reserved";
            let entry = self.entry(claim, set, &values, &[("#state", "state"), ("#response", "response")])?;
            let stock = lines
                .iter()
                .map(|line| self.stock(order, line, "SET stock = stock - :quantity", "available = :yes AND stock >= :quantity"));
            let redemptions = planned.iter().map(|planned| self.counters.redemption(planned));
            let refused = self.transact(entry, stock.chain(redemptions).collect::<Result<_, _>>()?).await?;
            if refused.is_empty() {
                return Ok(reserved);
            }
            let sold_out: Vec<_> = refused.into_iter().filter_map(|place| lines.get(place)).collect();
            if !sold_out.is_empty() {
                return Err(ReserveRefused::SoldOut(sold_out.into_iter().map(|line| line.item_id.clone()).collect()));
            }
            counters = self.counters.read(&counters_for(order)).await?;
        }
        Err(ReserveRefused::Conflict)
    }

    async fn put_back(&self, claim: &Claim, order: &Order) -> Result<(), ReserveRefused> {
        let reserved = reserved_by(order)?;
        let stock = order
            .quote
            .terms
            .price
            .lines
            .iter()
            .map(|line| self.stock(order, line, "SET stock = stock + :quantity", "attribute_exists(part)"));
        let redemptions = reserved.redemptions.iter().map(|redemption| self.counters.give_back(redemption));
        let mut parts: Vec<TransactWriteItem> = stock.chain(redemptions).collect::<Result<_, _>>()?;
        loop {
            let entry = self.entry(claim, "steps.#step.#undo = :done", &[(":done", text("DONE"))], &[("#undo", "undo")])?;
            let gone = self.transact(entry, parts.clone()).await?;
            if gone.is_empty() {
                return Ok(());
            }
            // An item that the store has dropped meanwhile has no stock to return to, and what is no longer counted no counter.
            let mut index = 0;
            parts.retain(|_| {
                let keep = !gone.contains(&index);
                index += 1;
                keep
            });
        }
    }
}
