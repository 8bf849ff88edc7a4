use crate::{corrupt, transaction::Item};
use carryout_environment::StorageError;
use serde::Deserialize;
use serde_json::Value;

/// A record of a table's stream that carries new images.
#[derive(Deserialize)]
pub(crate) struct StreamRecord {
    /// What the stream knows the change by; a repeated record has the same.
    #[serde(rename = "eventID", default)]
    pub(crate) event_id: String,
    #[serde(rename = "eventName", default)]
    name: String,
    dynamodb: StreamChange,
}

#[derive(Deserialize)]
struct StreamChange {
    #[serde(rename = "ApproximateCreationDateTime", default)]
    at_seconds: f64,
    #[serde(rename = "NewImage")]
    new_image: Option<Value>,
}

#[derive(Deserialize)]
struct StreamBatch {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

/// The records of a stream's event.
pub(crate) fn records(event: Value) -> Result<Vec<StreamRecord>, StorageError> {
    serde_json::from_value::<StreamBatch>(event).map(|batch| batch.records).map_err(corrupt)
}

impl StreamRecord {
    /// The item as it was written; `None` where it was removed.
    pub(crate) fn new_image(&mut self) -> Option<Result<Item, StorageError>> {
        let image = self.dynamodb.new_image.take()?;
        Some(serde_json::from_value::<serde_dynamo::Item>(image).map(Item::from).map_err(corrupt))
    }

    /// Whether there was no such item before.
    pub(crate) fn is_insert(&self) -> bool {
        self.name == "INSERT"
    }

    /// When the item was written, to the second. Milliseconds since the Unix epoch.
    pub(crate) fn at(&self) -> i64 {
        (self.dynamodb.at_seconds * 1_000.0) as i64
    }
}
