use crate::{
    Aws, SqsQueue, corrupt,
    transaction::{Item, number, text},
    unavailable,
};
use aws_sdk_dynamodb::Client;
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_migration::parity::{Comparison, Comparisons, PriceSample, SampleQueue};

/// How long a comparison is kept. Seconds.
const KEEP_SECONDS: i64 = 30 * 24 * 60 * 60;
/// A partition holds the comparisons of one market and one day, by UTC. Milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Keeps comparisons for 30 days.
#[derive(Clone)]
pub struct DynamoComparisons {
    client: Client,
    table: String,
}

impl DynamoComparisons {
    /// IAM actions on the parity table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:PutItem", "dynamodb:Query"];

    /// On the parity table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

/// Times sort as text: milliseconds have 13 digits until the year 2286.
fn moment(at: i64) -> String {
    format!("{at:013}")
}

fn partition(market: MarketId, day: i64) -> String {
    format!("{market}#{day}")
}

fn comparison(item: &Item) -> Result<Comparison, StorageError> {
    let text = item.get("comparison").and_then(|comparison| comparison.as_s().ok());
    serde_json::from_str(text.ok_or_else(|| corrupt("an item without a comparison"))?).map_err(corrupt)
}

impl Comparisons for DynamoComparisons {
    async fn save(&self, comparison: &Comparison) -> Result<(), StorageError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(partition(comparison.market, comparison.at.div_euclid(DAY_MS))))
            .item("sk", text(format!("{}#{}", moment(comparison.at), comparison.quote_id)))
            .item("comparison", text(serde_json::to_string(comparison).map_err(corrupt)?))
            .item("ttl", number(comparison.at / 1_000 + KEEP_SECONDS));
        put.send().await.map(drop).map_err(|error| unavailable(&error))
    }

    async fn between(&self, market: MarketId, since: i64, until: i64) -> Result<Vec<Comparison>, StorageError> {
        let mut found = Vec::new();
        if since >= until {
            return Ok(found);
        }
        for day in since.div_euclid(DAY_MS)..=(until - 1).div_euclid(DAY_MS) {
            let mut pages = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :until")
                .expression_attribute_values(":pk", text(partition(market, day)))
                .expression_attribute_values(":since", text(moment(since)))
                // What follows a moment sorts behind it, so this is before `until` itself.
                .expression_attribute_values(":until", text(moment(until)))
                .into_paginator()
                .items()
                .send();
            while let Some(item) = pages.next().await {
                found.push(comparison(&item.map_err(|error| unavailable(&error))?)?);
            }
        }
        Ok(found)
    }
}

impl SampleQueue for SqsQueue {
    async fn send(&self, sample: &PriceSample) -> Result<(), StorageError> {
        self.send_json(sample, &sample.correlation_id, 0).await
    }
}
