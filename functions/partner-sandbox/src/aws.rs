//! The sandbox's ports on AWS.

use carryout_aws::{DocumentConflict, DynamoDocuments, SqsQueue};
use carryout_environment::StorageError;
use carryout_lambda::clock::SystemClock;
use carryout_lambda::token::HttpJwks;
use partner_sandbox::Ports;
use partner_sandbox::callbacks::{Callback, CallbackError, Callbacks, HttpOutbound};
use partner_sandbox::documents::{Document, Documents, DocumentsError};
use serde_json::Value;

/// Everything on AWS.
#[derive(Clone)]
pub struct Live;

impl Ports for Live {
    type Documents = Table;
    type Callbacks = Queue;
    type Outbound = HttpOutbound;
    type Time = SystemClock;
    type Jwks = HttpJwks;
}

/// Documents in a table.
#[derive(Clone)]
pub struct Table(pub DynamoDocuments);

impl Documents for Table {
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Document>, DocumentsError> {
        Ok(self.0.read(pk, sk).await.map_err(unavailable)?.map(document))
    }

    async fn put(&self, pk: &str, sk: &str, value: &Value, expected: Option<u64>) -> Result<(), DocumentsError> {
        self.0.write(pk, sk, value, expected).await.map_err(|error| match error {
            DocumentConflict::Conflict => DocumentsError::Conflict,
            DocumentConflict::Storage(error) => unavailable(error),
        })
    }

    async fn list(&self, pk: &str) -> Result<Vec<(String, Document)>, DocumentsError> {
        let found = self.0.list(pk).await.map_err(unavailable)?;
        Ok(found.into_iter().map(|(sk, stored)| (sk, document(stored))).collect())
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), DocumentsError> {
        self.0.remove(pk, sk).await.map_err(unavailable)
    }
}

fn document(carryout_aws::Document { value, version }: carryout_aws::Document) -> Document {
    Document { value, version }
}

fn unavailable(error: StorageError) -> DocumentsError {
    DocumentsError::Unavailable(error.to_string())
}

/// Callbacks in a queue that brings them to this function.
#[derive(Clone)]
pub struct Queue(pub SqsQueue);

impl Callbacks for Queue {
    async fn schedule(&self, callback: &Callback, delay_seconds: u32) -> Result<(), CallbackError> {
        // The correlation id is in the body already.
        self.0.send_json(callback, "", delay_seconds).await.map_err(|error| CallbackError(error.to_string()))
    }
}
