use crate::{
    Aws, corrupt,
    transaction::{Item, number, text},
    unavailable,
};
use aws_sdk_dynamodb::Client;
use carryout_checkout::ports::{Report, Reports};
use carryout_environment::StorageError;

/// How long a report is kept. Seconds.
const KEEP_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Keeps reports for 30 days.
#[derive(Clone)]
pub struct DynamoReports {
    client: Client,
    table: String,
}

impl DynamoReports {
    /// IAM actions on the reports table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:PutItem", "dynamodb:Query"];

    /// On the reports table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

fn report<R: Report>(item: &Item) -> Result<R, StorageError> {
    let text = item.get("report").and_then(|report| report.as_s().ok()).ok_or_else(|| corrupt("an item without a report"))?;
    serde_json::from_str(text).map_err(corrupt)
}

impl<R: Report> Reports<R> for DynamoReports {
    async fn latest(&self) -> Result<Option<R>, StorageError> {
        let newest = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("subject = :subject")
            .expression_attribute_values(":subject", text(R::SUBJECT))
            .scan_index_forward(false)
            .limit(1);
        let found = newest.send().await.map_err(|error| unavailable(&error))?;
        found.items().first().map(report).transpose()
    }

    async fn save(&self, report: &R) -> Result<(), StorageError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("subject", text(R::SUBJECT))
            .item("started_at", number(report.started_at()))
            .item("report", text(serde_json::to_string(report).map_err(corrupt)?))
            .item("ttl", number(report.started_at() / 1_000 + KEEP_SECONDS));
        put.send().await.map(drop).map_err(|error| unavailable(&error))
    }
}
