use crate::{Aws, corrupt, documents::document, transaction::text, unavailable};
use aws_sdk_dynamodb::Client;
use carryout_checkout::{
    market::Country,
    ports::{PROMOTIONS, Promotions},
};
use carryout_pricing::Promotion;
use carryout_workflow::StoreError;

/// The promotions in the control table: one document for each market.
#[derive(Clone)]
pub struct DynamoPromotions {
    client: Client,
    table: String,
}

impl DynamoPromotions {
    /// IAM actions on the control table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the control table.
    pub fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: control.into() }
    }
}

impl Promotions for DynamoPromotions {
    async fn promotions(&self, country: Country) -> Result<Vec<Promotion>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(PROMOTIONS)).key("sk", text(country.code()));
        let Some(item) = get.send().await.map_err(|error| unavailable(&error))?.item else { return Ok(Vec::new()) };
        serde_json::from_value(document(&item)?.value).map_err(corrupt)
    }
}
