//! One call to a partner, and what its outcome means.

use carryout_checkout::{partners::PartnerPolicy, ports::CallError};
use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A connection pool, shared by all clients of a function.
///
/// It is made at the first call: reading the trusted certificates takes longer than the rest of a cold start.
#[derive(Clone, Default)]
pub struct Http(Arc<OnceLock<Client>>);

impl Http {
    /// The client. A proxy in the environment is ignored: partners are reached directly.
    pub(crate) fn client(&self) -> &Client {
        self.0.get_or_init(|| {
            let builder = Client::builder().no_proxy().redirect(Policy::none()).connect_timeout(Duration::from_millis(800));
            builder.build().unwrap_or_default()
        })
    }
}

/// Sends a request within what is agreed with the partner, and reads its JSON reply.
///
/// # Errors
///
/// - Not connected, 429 or 503: nothing happened ([`CallError::Unavailable`]).
/// - No answer in time, another 5xx, or an answer that can't be read: it may have happened ([`CallError::Unclear`]).
/// - Another 4xx: refused ([`CallError::Refused`]).
pub(crate) async fn send<T: DeserializeOwned>(agreement: &PartnerPolicy, request: RequestBuilder) -> Result<T, CallError> {
    let partner = agreement.name;
    let unavailable = |detail: String| CallError::Unavailable { partner, detail };
    let unclear = |detail: String| CallError::Unclear { partner, detail };
    let reply = request.timeout(Duration::from_millis(agreement.timeout_ms)).send().await.map_err(|error| {
        if error.is_connect() || error.is_builder() {
            unavailable(without_url(error))
        } else if error.is_timeout() {
            unclear(format!("no answer within {} ms", agreement.timeout_ms))
        } else {
            unclear(without_url(error))
        }
    })?;
    let status = reply.status();
    let body = reply.bytes().await.map_err(|error| unclear(without_url(error)))?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|error| unclear(format!("its answer can't be read: {error}")));
    }
    let (code, detail) = problem(status, &body);
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(unavailable(detail)),
        // Stripe: a request with the same key is still under way.
        StatusCode::CONFLICT if code == "lock_timeout" => Err(unclear(detail)),
        status if status.is_client_error() => Err(CallError::Refused { partner, code, detail }),
        _ => Err(unclear(detail)),
    }
}

/// The code and the words of an error reply: Stripe's `error` object, a problem document, or the status alone.
fn problem(status: StatusCode, body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(&body);
    let code = text(error, "decline_code").or_else(|| text(error, "code")).unwrap_or_else(|| status.as_u16().to_string());
    let detail = text(error, "message").or_else(|| text(error, "detail")).or_else(|| text(error, "title"));
    (code, detail.unwrap_or_else(|| format!("it answered {status}")))
}

/// A transport error with its causes and without the address, which may carry what must not be logged.
fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
