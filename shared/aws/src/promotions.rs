use crate::{Aws, control::Settings, counters::DynamoCounters};
use carryout_checkout::{
    ports::{PROMOTIONS, Promotions},
    redemptions::UsageCounters,
};
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_pricing::Promotion;

/// The promotions in the control table, one document for each market; and the counters of those that are limited.
#[derive(Clone)]
pub struct DynamoPromotions {
    settings: Settings,
    counters: DynamoCounters,
}

impl DynamoPromotions {
    /// IAM actions on the control table.
    pub const CONTROL_ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];
    /// IAM actions on the counters table.
    pub const COUNTERS_ACTIONS: &'static [&'static str] = &["dynamodb:BatchGetItem"];

    /// On the control and counters tables.
    pub fn new(aws: &Aws, control: impl Into<String>, counters: impl Into<String>) -> Self {
        Self { settings: Settings::new(aws, control), counters: DynamoCounters::new(aws, counters) }
    }
}

impl Promotions for DynamoPromotions {
    async fn promotions(&self, country: MarketId) -> Result<Vec<Promotion>, StorageError> {
        self.settings.read((PROMOTIONS, country.as_str())).await
    }

    async fn counters(&self, keys: &[String]) -> Result<UsageCounters, StorageError> {
        self.counters.read(keys).await
    }
}
