use crate::{
    Aws, corrupt,
    quotes::quote_of,
    stream::{StreamRecord, records},
    transaction::{Item, Transacted, is_refused, number, text},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_price_monitoring::{Observation, Span, Statistics, Trends, WEEKS};
use carryout_pricing::PriceMeasure;
use serde_json::Value;
use std::{collections::BTreeMap, str::FromStr};

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// How long an event is known. A stream keeps its records for a day.
const KEEP_EVENTS_SECONDS: i64 = 2 * DAY_SECONDS;
/// Quotes of one transaction, at most: each has a marker beside the 16 slots that they share, and a transaction has 100 items.
const MAX_PER_TRANSACTION: usize = 50;

/// Statistics of prices, one item for each figure of a market and slot. Sums and buckets are numbers of their own, which
/// DynamoDB adds to.
#[derive(Clone)]
pub struct DynamoTrends {
    client: Client,
    table: String,
}

impl DynamoTrends {
    /// IAM actions on the trends table.
    pub const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"];

    /// On the trends table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }

    /// Remembers an event that was never counted.
    fn marker(&self, observation: &Observation) -> Result<TransactWriteItem, StorageError> {
        let put = Put::builder()
            .table_name(&self.table)
            .item("pk", text(format!("event#{}", observation.event_id)))
            .item("start", number(0))
            .item("ttl", number(observation.at / 1_000 + KEEP_EVENTS_SECONDS))
            .condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().put(put.build().map_err(corrupt)?).build())
    }

    /// Adds to a slot.
    fn addition(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        start: i64,
        more: &Statistics,
    ) -> Result<TransactWriteItem, StorageError> {
        let mut expression = "SET #ttl = :ttl ADD #sum :sum, squares :squares".to_owned();
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(partition(market, figure, span)))
            .key("start", number(start))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#sum", "sum")
            .expression_attribute_values(":ttl", number(start / 1_000 + keep_seconds(span)))
            .expression_attribute_values(":sum", number(more.sum))
            .expression_attribute_values(":squares", number(more.squares));
        for (place, (bucket, count)) in more.sketch.iter().enumerate() {
            expression.push_str(&format!(", #b{place} :b{place}"));
            update = update
                .expression_attribute_names(format!("#b{place}"), format!("{BUCKET}{bucket}"))
                .expression_attribute_values(format!(":b{place}"), number(count));
        }
        Ok(TransactWriteItem::builder().update(update.update_expression(expression).build().map_err(corrupt)?).build())
    }

    /// Counts quotes of one market and minute in one transaction: all of them, but those that were counted before.
    async fn count_together(&self, mut observations: Vec<&Observation>) -> Result<(), StorageError> {
        while let Some(Observation { market, at, .. }) = observations.first() {
            let mut slots: BTreeMap<PriceMeasure, Statistics> = BTreeMap::new();
            for (figure, amount) in observations.iter().flat_map(|observation| &observation.figures) {
                slots.entry(*figure).or_default().add(*amount);
            }
            let mut items = observations.iter().map(|one| self.marker(one)).collect::<Result<Vec<_>, _>>()?;
            for (figure, more) in &slots {
                for span in Span::ALL {
                    items.push(self.addition(*market, *figure, span, span.start_of(*at), more)?);
                }
            }
            let result = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
            match Transacted::from(result) {
                Transacted::Done => return Ok(()),
                Transacted::Cancelled(reasons) => {
                    let before = observations.len();
                    let mut known = reasons.iter().map(is_refused);
                    observations.retain(|_| !known.next().unwrap_or_default());
                    if observations.len() == before {
                        return Err(corrupt("a slot was refused that has no condition"));
                    }
                }
                // Another shard of the stream counts in the same hour. The batch comes again, and each quote counts once.
                Transacted::Conflict => return Err(StorageError::Unavailable("the slot is being written".to_owned())),
                Transacted::Failed(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What an attribute that counts a bucket begins with.
const BUCKET: &str = "b";

fn partition(market: MarketId, figure: PriceMeasure, span: Span) -> String {
    format!("{}#{market}#{figure}", span.name())
}

/// How long a slot is kept: what is drawn of minutes is a day, and hours are held against those of some weeks.
fn keep_seconds(span: Span) -> i64 {
    match span {
        Span::Minute => 3 * DAY_SECONDS,
        Span::Hour => (WEEKS + 1) * 7 * DAY_SECONDS,
    }
}

fn statistics(item: &Item) -> Result<Statistics, StorageError> {
    fn read<N: FromStr>(value: Option<&AttributeValue>) -> Result<N, StorageError> {
        let number = value.and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok());
        number.ok_or_else(|| corrupt("a slot without a number"))
    }
    let mut sketch = BTreeMap::new();
    for (name, count) in item {
        if let Some(bucket) = name.strip_prefix(BUCKET).and_then(|bucket| bucket.parse().ok()) {
            sketch.insert(bucket, read(Some(count))?);
        }
    }
    Ok(Statistics { sum: read(item.get("sum"))?, squares: read(item.get("squares"))?, sketch })
}

impl Trends for DynamoTrends {
    async fn observe(&self, observations: &[Observation]) -> Result<(), StorageError> {
        let mut groups: BTreeMap<(MarketId, i64), Vec<&Observation>> = BTreeMap::new();
        for observation in observations {
            let group = groups.entry((observation.market, Span::Minute.start_of(observation.at))).or_default();
            // A transaction takes an item once only.
            if !group.iter().any(|other| other.event_id == observation.event_id) {
                group.push(observation);
            }
        }
        for chunk in groups.values().flat_map(|group| group.chunks(MAX_PER_TRANSACTION)) {
            self.count_together(chunk.to_vec()).await?;
        }
        Ok(())
    }

    async fn slot(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        start: i64,
    ) -> Result<Option<Statistics>, StorageError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(partition(market, figure, span)));
        let found = get.key("start", number(start)).send().await.map_err(|error| unavailable(&error))?;
        found.item.as_ref().map(statistics).transpose()
    }

    async fn series(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        since: i64,
        until: i64,
    ) -> Result<BTreeMap<i64, Statistics>, StorageError> {
        let mut found = BTreeMap::new();
        if since >= until {
            return Ok(found);
        }
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND #start BETWEEN :since AND :last")
            .expression_attribute_names("#start", "start")
            .expression_attribute_values(":pk", text(partition(market, figure, span)))
            .expression_attribute_values(":since", number(since))
            .expression_attribute_values(":last", number(until - 1))
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| unavailable(&error))?;
            let start = item.get("start").and_then(|start| start.as_n().ok()).and_then(|start| start.parse().ok());
            found.insert(start.ok_or_else(|| corrupt("a slot without a start"))?, statistics(&item)?);
        }
        Ok(found)
    }
}

/// What one batch of the quotes' stream says.
#[derive(Debug, Default)]
pub struct QuotesMade {
    /// The quotes that were made, oldest first.
    pub made: Vec<Observation>,
    /// Records that are no quote, by the id of their stream event.
    pub unreadable: Vec<(String, StorageError)>,
}

/// Reads an event of the quotes' stream, which carries new images. Only a quote's first write counts: later ones tell what
/// became of it, not what it costs. A price that was wrong, and never shown, is no quote.
///
/// # Errors
///
/// [`StorageError::Corrupt`] where it is no event of a stream.
pub fn quotes_made(event: Value) -> Result<QuotesMade, StorageError> {
    let mut found = QuotesMade::default();
    for mut record in records(event)? {
        let Some(image) = record.new_image().filter(|_| record.is_insert()) else { continue };
        match image.and_then(|item| observation(&record, item)) {
            Ok(made) => found.made.extend(made),
            Err(error) => found.unreadable.push((record.event_id, error)),
        }
    }
    Ok(found)
}

/// The quote of a record; nothing where its price was wrong, or is of an order that is priced again.
fn observation(record: &StreamRecord, item: Item) -> Result<Option<Observation>, StorageError> {
    let Some(quote) = quote_of(Some(item))?.filter(|quote| quote.terms.reprices.is_none()) else { return Ok(None) };
    let market = quote.terms.market.parse().map_err(corrupt)?;
    let figures = PriceMeasure::all_of(&quote.terms.price);
    Ok(Some(Observation { event_id: record.event_id.clone(), market, at: record.at(), figures }))
}
