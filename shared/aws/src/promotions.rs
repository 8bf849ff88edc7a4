use crate::{Aws, corrupt, counters::DynamoCounters, documents::document, transaction::text, unavailable};
use aws_sdk_dynamodb::Client;
use carryout_checkout::{
    draws::Counters,
    market::Country,
    ports::{PROMOTIONS, Promotions},
};
use carryout_pricing::Promotion;
use carryout_workflow::StoreError;

/// The promotions in the control table, one document for each market; and the counters of those that are limited.
#[derive(Clone)]
pub struct DynamoPromotions {
    client: Client,
    control: String,
    counters: DynamoCounters,
}

impl DynamoPromotions {
    /// IAM actions on the control table.
    pub const CONTROL_ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];
    /// IAM actions on the counters table.
    pub const COUNTERS_ACTIONS: &'static [&'static str] = &["dynamodb:BatchGetItem"];

    /// On the control and counters tables.
    pub fn new(aws: &Aws, control: impl Into<String>, counters: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), control: control.into(), counters: DynamoCounters::new(aws, counters) }
    }
}

impl Promotions for DynamoPromotions {
    async fn promotions(&self, country: Country) -> Result<Vec<Promotion>, StoreError> {
        let get = self.client.get_item().table_name(&self.control).key("pk", text(PROMOTIONS)).key("sk", text(country.code()));
        let Some(item) = get.send().await.map_err(|error| unavailable(&error))?.item else { return Ok(Vec::new()) };
        serde_json::from_value(document(&item)?.value).map_err(corrupt)
    }

    async fn counters(&self, keys: &[String]) -> Result<Counters, StoreError> {
        self.counters.read(keys).await
    }
}
