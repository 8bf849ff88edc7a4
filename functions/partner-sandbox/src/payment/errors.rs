//! Error replies in Stripe's form.

use crate::call::Reply;
use serde::Serialize;
use serde_json::{Value, json};

/// An error of a type, with details.
pub(super) fn error(status: u16, kind: &str, mut details: Value) -> Reply {
    details["type"] = kind.into();
    Reply::new(status, json!({ "error": details }))
}

/// 400: a parameter is invalid. An empty code or parameter is omitted.
pub(super) fn invalid(code: &str, message: &str, param: &str) -> Reply {
    let mut details = json!({ "message": message });
    for (name, value) in [("code", code), ("param", param)].into_iter().filter(|(_, value)| !value.is_empty()) {
        details[name] = value.into();
    }
    error(400, "invalid_request_error", details)
}

/// 400: a parameter is missing.
pub(super) fn missing(field: &str) -> Reply {
    invalid("parameter_missing", &format!("Missing required param: {field}."), field)
}

/// 400: a parameter is not an integer.
pub(super) fn not_an_integer(field: &str) -> Reply {
    invalid("parameter_invalid_integer", &format!("Invalid integer: {field}"), field)
}

/// 404: the intent does not exist.
pub(super) fn no_such_intent(id: &str) -> Reply {
    error(
        404,
        "invalid_request_error",
        json!({ "code": "resource_missing", "message": format!("No such payment_intent: '{id}'"), "param": "intent" }),
    )
}

/// 400: the intent's status does not allow the operation.
pub(super) fn unexpected_state(intent: &impl Serialize, message: &str) -> Reply {
    error(
        400,
        "invalid_request_error",
        json!({ "code": "payment_intent_unexpected_state", "message": message, "payment_intent": intent }),
    )
}
