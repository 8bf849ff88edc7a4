//! Ids that become parts of other ids and of keys.

use carryout_lambda::idempotency::validation_hash;
use serde_json::Value;

/// Whether an id can be a part of other ids and of keys.
pub(crate) fn is_valid_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The order in an id such as `pi_<order>_<hash>`: all documents of an order are in one partition.
pub(crate) fn order_in<'a>(prefix: &str, id: &'a str) -> Option<&'a str> {
    let (order_id, _) = id.strip_prefix(prefix)?.rsplit_once('_')?;
    Some(order_id).filter(|order_id| is_valid_id(order_id))
}

/// A short hash of an idempotency key.
pub(crate) fn key_hash(key: &str) -> String {
    let mut hash = validation_hash(&Value::from(key));
    hash.truncate(20);
    hash
}
