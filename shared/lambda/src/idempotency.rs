//! Idempotency records, in the schema of Powertools for AWS Lambda, so that its tools and dashboards read them.

use crate::http::{Problem, Request};
use aws_lc_rs::digest::{SHA256, digest};
use carryout_environment::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The request has no key, or one that can't be used.
pub const KEY_MISSING: ErrorCode = ErrorCode::permanent(
    "Idempotency.KeyMissing",
    "Send a header Idempotency-Key with a fresh random value, and the same one when you retry.",
);

/// Characters of an idempotency key, at most.
const MAX_KEY_LENGTH: usize = 128;

/// The key in the request's header `Idempotency-Key`: 1 to 128 printable ASCII characters.
///
/// # Errors
///
/// A problem with [`KEY_MISSING`] where there is none, or one that can't be used.
pub fn idempotency_key(request: &Request) -> Result<&str, Problem> {
    let refuse = |detail: &str| Problem::from_code(400, KEY_MISSING, detail).field("Idempotency-Key");
    let key = request.header("idempotency-key").map(str::trim).filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| refuse("the header Idempotency-Key is missing"))?;
    if key.len() > MAX_KEY_LENGTH || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse("the header Idempotency-Key has more than 128 characters, or some that are not printable ASCII"));
    }
    Ok(key)
}

/// Where the work under a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdempotencyStatus {
    /// Somebody works on it.
    #[serde(rename = "INPROGRESS")]
    InProgress,
    /// It is done, and `data` is the answer.
    #[serde(rename = "COMPLETED")]
    Completed,
    /// Its time is over; it counts as absent.
    #[serde(rename = "EXPIRED")]
    Expired,
}

/// What is kept about one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// See [`record_id`].
    pub id: String,
    /// When the record may be deleted (the table's TTL attribute). Seconds since the Unix epoch.
    pub expiration: i64,
    /// Where the work stands.
    pub status: IdempotencyStatus,
    /// The answer to repeat, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// [`validation_hash`] of the request: the same key with another request is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<String>,
}

/// `{function}#{hash}`: the hash covers the key and its scope, such as the consumer, so that two consumers may choose the
/// same key.
pub fn record_id(function: &str, scope: &str, key: &str) -> String {
    format!("{function}#{}", hex(digest(&SHA256, format!("{scope}\n{key}").as_bytes()).as_ref()))
}

/// The SHA-256 of `request` in canonical form, in hexadecimal: the same for requests that differ only in the order of
/// their members or in white space.
pub fn validation_hash(request: &Value) -> String {
    hex(digest(&SHA256, canonical(request).as_bytes()).as_ref())
}

/// JSON without white space, the members of every object sorted by name.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            text.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_order_of_members_and_white_space_do_not_matter() {
        let one = parsed(r#"{"b": [1, {"y": null, "x": "é\n"}], "a": 1.50}"#);
        let other = parsed(r#"{"a":1.50,"b":[1,{"x":"\u00e9\n","y":null}]}"#);
        assert_eq!(canonical(&one), r#"{"a":1.5,"b":[1,{"x":"é\n","y":null}]}"#);
        assert_eq!(validation_hash(&one), validation_hash(&other));
    }

    #[test]
    fn every_difference_that_matters_changes_the_hash() {
        let base = validation_hash(&json!({ "a": [1, 2], "b": "1" }));
        for other in [
            json!({ "a": [2, 1], "b": "1" }),
            json!({ "a": [1, 2], "b": 1 }),
            json!({ "a": [1, 2] }),
            json!({ "a": [1, 2], "b": "1", "c": null }),
        ] {
            assert_ne!(base, validation_hash(&other), "{other}");
        }
    }

    #[test]
    fn a_key_is_private_to_its_scope() {
        let id = record_id("submit-checkout", "con_1", "key");
        assert!(id.starts_with("submit-checkout#") && id.len() == "submit-checkout#".len() + 64);
        assert_ne!(id, record_id("submit-checkout", "con_2", "key"));
        assert_ne!(record_id("f", "a", "b"), record_id("f", "ab", ""));
    }

    #[test]
    fn a_record_has_powertools_attributes() {
        let record = IdempotencyRecord {
            id: "f#1".into(),
            expiration: 1,
            status: IdempotencyStatus::InProgress,
            data: None,
            validation: Some("v".into()),
        };
        assert_eq!(
            serde_json::to_value(&record).unwrap(),
            json!({ "id": "f#1", "expiration": 1, "status": "INPROGRESS", "validation": "v" })
        );
    }
}
