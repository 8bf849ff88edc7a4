//! What the sandbox does later: answers of merchants and vendors, events of the payment processor, and effects that land after their call was given up.

use crate::faults::FaultKind;
use carryout_lambda::clock::SystemClock;
use carryout_lambda::http::Request;
use carryout_onboarding::ports::VendorKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

/// How long the receiver of an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a receiver that did not take an answer is left alone before it is sent again. After these, the queue tries again later.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Something to do later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Callback {
    /// A merchant answers an order.
    MerchantAnswer(MerchantAnswer),
    /// The payment processor tells what happened.
    PaymentEvent(PaymentEvent),
    /// A vendor of onboarding answers.
    VendorAnswer(VendorAnswerDue),
    /// A call takes effect though its caller was told that nobody answers.
    LateEffect(DeferredRequest),
}

/// An answer that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantAnswer {
    /// The merchant's store.
    pub store_id: String,
    /// The order.
    pub order_id: String,
    /// Where to.
    pub answer_to: String,
    /// Follows the order's notification.
    pub correlation_id: String,
}

/// A vendor's answer that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorAnswerDue {
    /// The applicant.
    pub applicant_id: String,
    /// Who was asked.
    pub vendor: VendorKind,
    /// The request's key.
    pub key: String,
    /// Where to.
    pub answer_to: String,
    /// Follows the request.
    pub correlation_id: String,
}

/// An event of the payment processor that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEvent {
    /// The event as JSON, to the byte as it is signed.
    pub body: String,
}

/// A request to a partner, kept for later.
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
    /// Keeps what the effect depends on. Credentials are not kept: they were checked.
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

/// Addresses that answers may go to: what the sandbox posts is signed, so it must not post anywhere it is asked to.
///
/// At most one `*`, which stands for letters, digits and hyphens: where an API lies is not known when its stack is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPattern(String);

impl AddressPattern {
    /// Addresses like `pattern`.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether `url` is one of them.
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

/// Keeps callbacks until they are due.
pub trait Callbacks: Clone + Send + Sync + 'static {
    /// Delivers `callback` to this function after a delay of 0 to 900 seconds, at least once.
    fn schedule(&self, callback: &Callback, delay_seconds: u32) -> impl Future<Output = Result<(), CallbackError>> + Send;
}

/// When a partner answers that does so later. Seconds.
pub(crate) const ANSWERS_AFTER: u32 = 1;
/// When it answers a second time, if it was told to.
pub(crate) const ANSWERS_AGAIN_AFTER: u32 = 2;

/// Schedules an answer as often as the partner was told to give it.
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

/// Nobody answered.
#[derive(Debug, thiserror::Error)]
#[error("nobody answered: {0}")]
pub struct NoAnswer(pub String);

/// Sends answers to those who wait for them.
pub trait Outbound: Clone + Send + Sync + 'static {
    /// Posts JSON and returns the status that came back. MUST NOT follow redirects.
    fn post(&self, url: &str, headers: &[(&str, String)], body: String) -> impl Future<Output = Result<u16, NoAnswer>> + Send;
}

/// [`Outbound`] by HTTP. A receiver that can't be reached or fails is tried again soon.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpOutbound;

impl HttpOutbound {
    async fn post_once(&self, url: &str, headers: &[(&str, String)], body: String) -> Result<u16, NoAnswer> {
        // A proxy in the environment is ignored: those who wait for answers are reached directly. Answers are few, so keeping a
        // connection is not worth while.
        let no_answer = |error: reqwest::Error| NoAnswer(error.without_url().to_string());
        let builder = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).redirect(reqwest::redirect::Policy::none()).no_proxy();
        let request = builder.build().map_err(no_answer)?.post(url).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        // The address may carry a token, so it stays out of the log.
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

/// Tells the time and lets it pass.
pub trait Time: Clone + Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Waits.
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
    fn a_star_stands_for_one_name_only() {
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
