//! Deferred work: answers of merchants and vendors, events of the payment processor, and late effects.

use crate::call::FaultKind;
use carryout_lambda::clock::SystemClock;
use carryout_lambda::http::Request;
use carryout_onboarding::vendor::VendorKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

/// The timeout for a receiver of an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The pauses before an answer is sent again. After these, the queue redelivers later.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Deferred work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Callback {
    /// A merchant answers an order.
    MerchantAnswer(MerchantAnswer),
    /// The payment processor sends an event.
    PaymentEvent(PaymentEvent),
    /// A vendor answers a request.
    VendorAnswer(VendorAnswerDue),
    /// A call takes effect after its caller was told that it timed out.
    LateEffect(DeferredRequest),
}

/// A merchant's answer that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantAnswer {
    /// The merchant's store.
    pub store_id: String,
    /// The order.
    pub order_id: String,
    /// The receiver's address.
    pub answer_to: String,
    /// The notification's correlation id.
    pub correlation_id: String,
}

/// A vendor's answer that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorAnswerDue {
    /// The applicant.
    pub applicant_id: String,
    /// The vendor.
    pub vendor: VendorKind,
    /// The request's key.
    pub key: String,
    /// The receiver's address.
    pub answer_to: String,
    /// The request's correlation id.
    pub correlation_id: String,
}

/// An event of the payment processor that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEvent {
    /// The event as JSON: the exact bytes that are signed.
    pub body: String,
}

/// A deferred request to a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredRequest {
    method: String,
    path: String,
    query: BTreeMap<String, Vec<String>>,
    headers: Vec<(String, String)>,
    body: String,
    correlation_id: String,
}

impl DeferredRequest {
    /// Keeps the parts that the effect depends on. Credentials are dropped: they were checked.
    pub fn of(request: &Request) -> Self {
        let kept = |name: &str| ["content-type", "idempotency-key"].contains(&name);
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.iter().filter(|(name, _)| kept(name)).cloned().collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            correlation_id: request.correlation_id.clone(),
        }
    }
}

impl From<DeferredRequest> for Request {
    fn from(deferred: DeferredRequest) -> Self {
        let DeferredRequest { method, path, query, headers, body, correlation_id } = deferred;
        Self { method, path, query, headers, body: body.into_bytes(), correlation_id, ..Self::default() }
    }
}

/// The addresses that answers may go to. The sandbox signs what it posts, so it must not post to arbitrary addresses.
///
/// At most one `*`, which matches letters, digits and hyphens: an API's host name is unknown when its stack is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPattern(String);

impl AddressPattern {
    /// Makes a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether `url` matches.
    pub fn fits(&self, url: &str) -> bool {
        let Some((start, end)) = self.0.split_once('*') else { return url == self.0 };
        let between = url.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        between.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    }
}

/// A callback could not be scheduled.
#[derive(Debug, thiserror::Error)]
#[error("a callback could not be scheduled: {0}")]
pub struct CallbackError(pub String);

/// Schedules callbacks.
pub trait Callbacks: Clone + Send + Sync + 'static {
    /// Delivers `callback` to this function after a delay of 0 to 900 seconds, at least once.
    fn schedule(&self, callback: &Callback, delay_seconds: u32) -> impl Future<Output = Result<(), CallbackError>> + Send;
}

/// The delay of a later answer. Seconds.
pub(crate) const ANSWERS_AFTER: u32 = 1;
/// The delay of a second answer. Seconds.
pub(crate) const ANSWERS_AGAIN_AFTER: u32 = 2;

/// Schedules an answer once, or as often as `fault` demands.
pub(crate) async fn schedule_answers(
    callbacks: &impl Callbacks,
    answer: &Callback,
    fault: Option<&FaultKind>,
) -> Result<(), CallbackError> {
    let delays: &[u32] = match fault {
        Some(FaultKind::Silent) => &[],
        Some(FaultKind::AnswerTwice) => &[ANSWERS_AFTER, ANSWERS_AGAIN_AFTER],
        _ => &[ANSWERS_AFTER],
    };
    for delay in delays {
        callbacks.schedule(answer, *delay).await?;
    }
    Ok(())
}

/// The receiver did not respond.
#[derive(Debug, thiserror::Error)]
#[error("the receiver did not respond: {0}")]
pub struct NoAnswer(pub String);

/// Posts answers and events to their receivers.
pub trait Outbound: Clone + Send + Sync + 'static {
    /// Posts JSON and returns the response's status. MUST NOT follow redirects.
    fn post(&self, url: &str, headers: &[(&str, String)], body: String) -> impl Future<Output = Result<u16, NoAnswer>> + Send;
}

/// [`Outbound`] over HTTP. Retries a receiver that is unreachable or fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpOutbound;

impl HttpOutbound {
    async fn post_once(&self, url: &str, headers: &[(&str, String)], body: String) -> Result<u16, NoAnswer> {
        // A proxy in the environment is ignored: receivers are reached directly. Answers are few, so connections are not pooled.
        let no_answer = |error: reqwest::Error| NoAnswer(error.without_url().to_string());
        let builder = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).redirect(reqwest::redirect::Policy::none()).no_proxy();
        let request = builder.build().map_err(no_answer)?.post(url).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        // The address may contain a token, so it is not logged.
        let response = request.body(body).send().await.map_err(no_answer)?;
        Ok(response.status().as_u16())
    }
}

impl Outbound for HttpOutbound {
    async fn post(&self, url: &str, headers: &[(&str, String)], body: String) -> Result<u16, NoAnswer> {
        let mut answered = self.post_once(url, headers, body.clone()).await;
        for pause in PAUSES {
            if answered.as_ref().is_ok_and(|status| *status < 500) {
                break;
            }
            tokio::time::sleep(pause).await;
            answered = self.post_once(url, headers, body.clone()).await;
        }
        answered
    }
}

/// The clock, and waiting.
pub trait Time: Clone + Send + Sync + 'static {
    /// The time in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Waits for `milliseconds`.
    fn sleep(&self, milliseconds: u64) -> impl Future<Output = ()> + Send;
}

impl Time for SystemClock {
    fn now_ms(&self) -> i64 {
        SystemClock::now_ms(self)
    }

    async fn sleep(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_matches_a_single_name() {
        let pattern = AddressPattern::new("https://*.execute-api.us-east-1.amazonaws.com/live/v1/webhooks/merchants");
        assert!(pattern.fits("https://a1b2c3.execute-api.us-east-1.amazonaws.com/live/v1/webhooks/merchants"));
        for other in [
            "https://.execute-api.us-east-1.amazonaws.com/live/v1/webhooks/merchants",
            "https://evil.test/.execute-api.us-east-1.amazonaws.com/live/v1/webhooks/merchants",
            "https://evil.test?x.execute-api.us-east-1.amazonaws.com/live/v1/webhooks/merchants",
            "https://a1b2c3.execute-api.us-east-1.amazonaws.com/live/v1/ops",
            "http://169.254.169.254/",
        ] {
            assert!(!pattern.fits(other), "{other}");
        }
        assert!(AddressPattern::new("http://localhost/x").fits("http://localhost/x"));
        assert!(!AddressPattern::new("http://localhost/x").fits("http://localhost/xy"));
    }
}
