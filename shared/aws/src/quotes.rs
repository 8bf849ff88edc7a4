use crate::{
    Aws, corrupt, now,
    status::MAY_BEGIN,
    transaction::{Item, Transacted, can_be_key, is_refused, number, refused_order, text, value},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use carryout_checkout::{
    audit::{QuoteRecord, kept_until},
    order::OrderFacts,
    ports::{QuoteLocks, QuoteRecords, Quotes, Refused},
};
use carryout_environment::StorageError;
use carryout_pricing::{Price, Quote, Record};
use carryout_workflow::{Direction, StepState};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::Read as _;

/// The attribute with what a price depended on: JSON, deflated.
const CONTEXT: &str = "context";
/// The attribute with our price, where the quote shows another system's: JSON, deflated.
const OURS: &str = "ours";
/// The attribute that says that a price was wrong, and how.
const INVALID: &str = "invalid";

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

    async fn put(&self, item: Item) -> Result<(), StorageError> {
        let put =
            self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression("attribute_not_exists(id)");
        put.send().await.map(drop).map_err(|error| unavailable(&error))
    }
}

impl Quotes for DynamoQuotes {
    async fn save(&self, quote: &Quote, record: &Record) -> Result<(), StorageError> {
        self.put(item_of(quote, record)?).await
    }

    async fn save_invalid(&self, record: &QuoteRecord) -> Result<(), StorageError> {
        let facts = Facts {
            id: record.id.clone(),
            consumer_id: record.consumer_id.clone(),
            store_id: record.store_id.clone(),
            expires_at: record.expires_at,
            order_id: None,
            ttl: record.kept_until,
            price: None,
            invalid: record.invalid.clone(),
        };
        let mut item: Item = serde_dynamo::to_item(facts).map_err(corrupt)?;
        item.insert(CONTEXT.to_owned(), deflated(&record.context)?);
        self.put(item).await
    }

    async fn quote(&self, id: &str) -> Result<Option<Quote>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let found = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true).send().await;
        quote_of(found.map_err(|error| unavailable(&error))?.item)
    }
}

/// Reads what quotes' prices depended on.
#[derive(Clone)]
pub struct DynamoQuoteRecords {
    client: Client,
    table: String,
}

impl DynamoQuoteRecords {
    /// IAM actions on the quotes table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the quotes table.
    pub fn new(aws: &Aws, quotes: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: quotes.into() }
    }
}

impl QuoteRecords for DynamoQuoteRecords {
    async fn record(&self, id: &str) -> Result<Option<QuoteRecord>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let found = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true).send().await;
        found.map_err(|error| unavailable(&error))?.item.map_or(Ok(None), record_of)
    }
}

/// Reads the records of every quote, page by page. For tools: it reads the whole table.
#[derive(Clone)]
pub struct DynamoQuotePages {
    client: Client,
    table: String,
}

impl DynamoQuotePages {
    /// On the quotes table.
    pub fn new(aws: &Aws, quotes: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: quotes.into() }
    }

    /// The records of at most `limit` quotes, in no order, after the quote `after`; and the last quote that was looked at,
    /// where there are more.
    pub async fn page(&self, after: Option<&str>, limit: i32) -> Result<(Vec<QuoteRecord>, Option<String>), StorageError> {
        let mut scan = self.client.scan().table_name(&self.table).limit(limit);
        if let Some(after) = after {
            scan = scan.exclusive_start_key("id", text(after));
        }
        let page = scan.send().await.map_err(|error| unavailable(&error))?;
        let last = page.last_evaluated_key.as_ref().and_then(|key| key.get("id")?.as_s().ok()).cloned();
        let records: Result<Vec<Option<QuoteRecord>>, StorageError> =
            page.items.unwrap_or_default().into_iter().map(record_of).collect();
        Ok((records?.into_iter().flatten().collect(), last))
    }
}

/// What an item says of a quote besides the context.
#[derive(Serialize, Deserialize)]
struct Facts {
    id: String,
    consumer_id: String,
    store_id: String,
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invalid: Option<String>,
}

/// A quote's item. The price is in it once, as the quote has it, unless that is another system's.
fn item_of(quote: &Quote, record: &Record) -> Result<Item, StorageError> {
    let mut item: Item = serde_dynamo::to_item(quote).map_err(corrupt)?;
    match &quote.terms.reprices {
        Some(order) => item.insert("order_id".to_owned(), text(order)),
        None => item.insert("ttl".to_owned(), number(kept_until(quote.terms.expires_at))),
    };
    item.insert(CONTEXT.to_owned(), deflated(&record.context)?);
    if record.price != quote.terms.price {
        item.insert(OURS.to_owned(), deflated(&record.price)?);
    }
    Ok(item)
}

/// The quote of an item; nothing where its price was wrong.
pub(crate) fn quote_of(item: Option<Item>) -> Result<Option<Quote>, StorageError> {
    let item = item.filter(|item| !item.contains_key(INVALID));
    item.map(|item| serde_dynamo::from_item(item).map_err(corrupt)).transpose()
}

/// The record of an item; nothing where the item has no context.
fn record_of(mut item: Item) -> Result<Option<QuoteRecord>, StorageError> {
    let Some(context) = item.remove(CONTEXT) else { return Ok(None) };
    let ours = item.remove(OURS).as_ref().map(inflated).transpose()?;
    let facts: Facts = serde_dynamo::from_item(item).map_err(corrupt)?;
    let (price, shown) = if ours.is_some() { (ours, facts.price) } else { (facts.price, None) };
    Ok(Some(QuoteRecord {
        id: facts.id,
        consumer_id: facts.consumer_id,
        store_id: facts.store_id,
        expires_at: facts.expires_at,
        order_id: facts.order_id,
        kept_until: facts.ttl,
        context: inflated(&context)?,
        price,
        shown,
        invalid: facts.invalid,
    }))
}

fn deflated(document: &impl Serialize) -> Result<AttributeValue, StorageError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, document).map_err(corrupt)?;
    Ok(AttributeValue::B(Blob::new(encoder.finish().map_err(corrupt)?)))
}

fn inflated<T: DeserializeOwned>(deflated: &AttributeValue) -> Result<T, StorageError> {
    let bytes = deflated.as_b().map_err(|_| corrupt("a deflated document that is no bytes"))?;
    let mut json = Vec::new();
    DeflateDecoder::new(bytes.as_ref()).read_to_end(&mut json).map_err(corrupt)?;
    serde_json::from_slice(&json).map_err(corrupt)
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

    fn held(&self, order_id: &str, facts: &OrderFacts) -> Result<ConditionCheck, StorageError> {
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

    fn confirmed(&self, step: &'static str, order_id: &str, run: u32, at: i64) -> Result<Update, StorageError> {
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
            Transacted::Failed(error) => Err(Refused::Storage(error)),
            Transacted::Cancelled(reasons) => match reasons.first() {
                Some(order) if is_refused(order) => Err(refused_order(order)),
                _ => Err(Refused::Other),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carryout_checkout::{
        cart::{MAX_LINES, MAX_QUANTITY},
        workflows::orchestrator,
    };
    use carryout_market::{MarketType, ids};
    use carryout_money::Rate;
    use carryout_pricing::{ChargeKind, Context, ContextLine, Pipeline, Promotion, Weight};
    use carryout_testing::{PlainSeal, samples};
    use std::iter::repeat_n;

    /// What DynamoDB stores in one item, at most. Bytes.
    ///
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
    const MOST_BYTES: usize = 400 * 1_024;

    /// The size of a value as DynamoDB counts it.
    ///
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
    fn size(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len() / 2 + 2,
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            AttributeValue::L(values) => 3 + values.iter().map(|value| size(value) + 1).sum::<usize>(),
            AttributeValue::M(members) => 3 + members.iter().map(|(name, value)| name.len() + size(value) + 1).sum::<usize>(),
            _ => 1,
        }
    }

    fn size_of(item: &Item) -> usize {
        item.iter().map(|(name, value)| name.len() + size(value)).sum()
    }

    /// The largest cart there is, in a market with many promotions of which every one is given, and several taxes.
    fn largest() -> Context {
        let name: String = repeat_n("Slow-Roasted Heirloom Tomato ", 3).collect();
        let lines = (0..MAX_LINES).map(|place| ContextLine {
            weight: Some(Weight::from_thousandths(999_999)),
            deposit: 25,
            ..ContextLine::new(format!("itm_{place:020}"), format!("{name}{place}"), MAX_QUANTITY, 1_000_000 - place as i64)
        });
        let (store, market) = (samples::store("sto_1", ids::CA, MarketType::Grocery).store, samples::market(ids::CA));
        let promotions = (0..20).map(|place| Promotion {
            id: format!("promotion-{place}"),
            condition: serde_json::from_value(serde_json::json!({ "$not": { "consumer.orders": { "$lt": place } } })).ok(),
            ..samples::promotions().remove(place % 2)
        });
        let mut taxes =
            carryout_checkout::store::Store { tax_rate: Rate::from_milli_percent(5_000), ..store.clone() }.taxes(&market);
        let second = carryout_pricing::TaxRate { code: "pst".to_owned(), compound: true, ..taxes.rates[0].clone() };
        taxes.rates.push(second);
        Context {
            promotions: promotions.collect(),
            fees: store.fees(&market, true),
            taxes,
            tip: 100_000,
            attributes: serde_json::json!({ "consumer": { "orders": 99 } }),
            ..Context::new(market.currency, lines.collect())
        }
    }

    #[test]
    fn the_largest_cart_fits_into_an_item_with_room_to_spare() {
        let ours = Record::of(largest()).unwrap();
        let Record { context, price } = &ours;
        assert_eq!(
            (price.lines.len(), price.charges[ChargeKind::Discount].len(), price.charges[ChargeKind::Tax].len()),
            (MAX_LINES, 20, 2)
        );
        let store = samples::store("sto_1", ids::CA, MarketType::Grocery);
        let orchestrator = orchestrator();
        let workflow = orchestrator.pick("CA", "grocery").unwrap();
        let mut order = samples::order("ord_1", "quo_1", &store, workflow, &PlainSeal::default());
        order.quote.terms.price = price.clone();
        let item = item_of(&order.quote, &ours).unwrap();
        assert!(size_of(&item) < MOST_BYTES / 2, "the quote has {} bytes", size_of(&item));
        let stored: Item = serde_dynamo::to_item(&order).unwrap();
        assert!(size_of(&stored) < MOST_BYTES / 2, "the order has {} bytes", size_of(&stored));

        let plain = serde_json::to_vec(context).unwrap().len();
        assert!(size(&item[CONTEXT]) * 3 < plain, "{} of {plain} bytes", size(&item[CONTEXT]));
        let record = record_of(item).unwrap().unwrap();
        assert_eq!(record, QuoteRecord::of(&order.quote, &ours));
        assert!(record.replay(&Pipeline::standard()).identical);

        // Beside another system's price.
        order.quote.terms.price.engine = 0;
        let item = item_of(&order.quote, &ours).unwrap();
        assert!(size_of(&item) < MOST_BYTES / 2, "the quote has {} bytes", size_of(&item));
        assert_eq!(record_of(item).unwrap().unwrap(), QuoteRecord::of(&order.quote, &ours));
    }
}
