//! Replies under idempotency keys.

use crate::call::Reply;
use crate::ids::key_hash;
use crate::payment::change::Change;
use crate::payment::errors::error;
use carryout_lambda::idempotency::validation_hash;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The replies given under idempotency keys, by operation and hash of the key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Replies(BTreeMap<String, StoredReply>);

/// A reply given under an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredReply {
    /// The hash of the parameters: the same key with other parameters is an error.
    parameters: String,
    status: u16,
    body: Value,
}

impl Replies {
    /// The reply that was given under the key, or the error for other parameters; `None` if the key is absent or unused.
    pub(super) fn replay(&self, change: &Change<'_>) -> Option<Reply> {
        let key = change.key?;
        let stored = self.0.get(&slot(change, key))?;
        if stored.parameters == parameters(change) {
            return Some(Reply::new(stored.status, stored.body.clone()).replayed());
        }
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        Some(error(400, "idempotency_error", json!({ "message": message })).replayed())
    }

    /// Stores a reply under the key, whether success or refusal.
    pub(super) fn store(&mut self, change: &Change<'_>, reply: &Reply) {
        let Some(key) = change.key else { return };
        let stored = StoredReply { parameters: parameters(change), status: reply.status(), body: reply.body().clone() };
        self.0.insert(slot(change, key), stored);
    }
}

fn slot(change: &Change<'_>, key: &str) -> String {
    format!("{}:{}", change.operation.name, key_hash(key))
}

fn parameters(change: &Change<'_>) -> String {
    validation_hash(&json!(change.form))
}
