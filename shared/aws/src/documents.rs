use crate::{
    Aws, corrupt,
    transaction::{Item, number, text},
    unavailable,
};
use aws_sdk_dynamodb::{Client, operation::put_item::PutItemError};
use carryout_environment::StorageError;
use serde_json::Value;

/// A JSON document and how often it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The document.
    pub value: Value,
    /// 1 for the first write.
    pub version: u64,
}

/// Why a document was not written.
#[derive(Debug)]
pub enum DocumentConflict {
    /// It exists already, or is at another version.
    Conflict,
    /// The store failed.
    Storage(StorageError),
}

/// JSON documents under a partition and a sort key, written only at the version that the writer saw.
#[derive(Clone)]
pub struct DynamoDocuments {
    client: Client,
    table: String,
}

impl DynamoDocuments {
    /// IAM actions on the table.
    pub const ACTIONS: &'static [&'static str] =
        &["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"];

    /// On `table`.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }

    /// The document, if there is one.
    pub async fn read(&self, pk: &str, sk: &str) -> Result<Option<Document>, StorageError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk)).consistent_read(true);
        get.send().await.map_err(|error| unavailable(&error))?.item.as_ref().map(document).transpose()
    }

    /// Writes the document, if it is at the `expected` version; `None` for one that must not exist.
    pub async fn write(&self, pk: &str, sk: &str, value: &Value, expected: Option<u64>) -> Result<(), DocumentConflict> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(pk))
            .item("sk", text(sk))
            .item("version", number(expected.unwrap_or_default() + 1))
            .item("document", text(value.to_string()));
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("#version = :expected")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":expected", number(version)),
        };
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Err(DocumentConflict::Conflict)
            }
            Err(error) => Err(DocumentConflict::Storage(unavailable(&error))),
        }
    }

    /// Every document of the partition with its sort key, in the order of the sort keys.
    pub async fn list(&self, pk: &str) -> Result<Vec<(String, Document)>, StorageError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| unavailable(&error))?;
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            found.push((sk, document(&item)?));
        }
        Ok(found)
    }

    /// Removes the document, if there is one.
    pub async fn remove(&self, pk: &str, sk: &str) -> Result<(), StorageError> {
        let delete = self.client.delete_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        delete.send().await.map(drop).map_err(|error| unavailable(&error))
    }
}

/// The document of an item.
pub(crate) fn document(item: &Item) -> Result<Document, StorageError> {
    let field = |name: &str| item.get(name).ok_or_else(|| corrupt(format!("a document without {name}")));
    let text = field("document")?.as_s().map_err(|_| corrupt("a document that is no text"))?;
    let version = field("version")?.as_n().map_err(|_| corrupt("a version that is no number"))?;
    Ok(Document { value: serde_json::from_str(text).map_err(corrupt)?, version: version.parse().map_err(corrupt)? })
}
