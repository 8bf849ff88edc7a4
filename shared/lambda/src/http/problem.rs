use super::Response;
use crate::invocation::Stopped;
use carryout_environment::ErrorCode;
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;

/// A problem reply: `application/problem+json` as in RFC 9457, with this API's own members.
///
/// `code` is the contract; `title` and `detail` are for people and may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    status: u16,
    code: String,
    detail: String,
    retryable: bool,
    field: Option<String>,
    advice: Option<String>,
    more: Map<String, Value>,
    headers: Vec<(String, String)>,
    cause: Option<String>,
}

impl Problem {
    /// A problem with a stable code such as `Request.TooLarge`. Retrying helps for 408, 429 and from 500 on, unless
    /// [`Self::retryable`] says otherwise.
    pub fn new(status: u16, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code: code.into(),
            detail: detail.into(),
            retryable: matches!(status, 408 | 429 | 500..),
            field: None,
            advice: None,
            more: Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A problem from a code that the operation itself ended with: its class says whether to retry, and its advice what to
    /// do.
    pub fn from_code(status: u16, code: ErrorCode, detail: impl Into<String>) -> Self {
        let problem = Self::new(status, code.name, detail).retryable(code.class.may_retry());
        if code.advice.is_empty() { problem } else { problem.advice(code.advice) }
    }

    /// 400 `Request.InvalidField`: a field of the request that is missing or can't be what it is.
    pub fn invalid_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(400, "Request.InvalidField", detail).field(field)
    }

    /// 500 `Internal`: our own fault. The client learns nothing of the cause; the log does.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        Self::new(500, "Internal", "something went wrong on our side")
            .advice("Try again; if it stays, tell support the trace id.")
            .caused_by(cause)
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// The request's field that is wrong, such as `lines[0].quantity`.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// What a person can do about it, in one sentence.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Adds a member. One of this type's own names is not replaced.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(member.to_owned(), value.into());
        self
    }

    /// Sets `Retry-After`. Seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// Sets a header of the reply.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Remembers the error behind it, with its sources, for the log; the client never sees it.
    #[must_use]
    pub fn caused_by(mut self, cause: &(dyn Error + 'static)) -> Self {
        self.0.cause = Some(chain(cause));
        self
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The request's field that is wrong.
    pub fn wrong_field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The error behind it, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The reply; `trace_id` is the request's correlation id.
    pub fn into_response(self, trace_id: &str) -> Response {
        let Parts { status, code, detail, retryable, field, advice, more: mut body, headers, cause: _ } = *self.0;
        body.insert("type".into(), format!("urn:carryout:problem:{code}").into());
        body.insert("title".into(), title(&code).into());
        body.insert("status".into(), status.into());
        body.insert("detail".into(), detail.into());
        body.insert("code".into(), code.into());
        body.insert("retryable".into(), retryable.into());
        body.insert("trace_id".into(), trace_id.into());
        body.extend(field.map(|field| ("field".to_owned(), field.into())));
        body.extend(advice.map(|advice| ("advice".to_owned(), advice.into())));
        let response = Response::new(status, "application/problem+json", Value::from(body).to_string());
        headers.into_iter().fold(response, |response, (name, value)| response.header(&name, value))
    }
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Panicked(_) => Self::internal(&stopped),
            Stopped::TimedOut => {
                Self::new(504, "Request.TimedOut", "the request was not finished in time; it may or may not have happened")
                    .advice("Send the same request again, with the same Idempotency-Key where it has one.")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.detail)
    }
}

impl Error for Problem {}

/// `Request.TooLarge` → `Request too large`.
fn title(code: &str) -> String {
    let mut title = String::with_capacity(code.len() + 4);
    for letter in code.chars() {
        match letter {
            '.' => {}
            upper if upper.is_ascii_uppercase() && !title.is_empty() => {
                title.push(' ');
                title.push(upper.to_ascii_lowercase());
            }
            other => title.push(other),
        }
    }
    title
}

/// An error with all its sources, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // Some errors repeat their source in their own text.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reply_has_the_members_of_the_contract() {
        let response = Problem::new(409, "Quote.Changed", "the tax changed")
            .advice("Accept the new quote.")
            .with("differences", json!([{ "component": "total" }]))
            .with("status", 200)
            .into_response("trace-1");
        assert_eq!(response.status(), 409);
        assert_eq!(response.header_value("Content-Type"), Some("application/problem+json"));
        assert_eq!(
            response.json_body(),
            json!({
                "type": "urn:carryout:problem:Quote.Changed",
                "title": "Quote changed",
                "status": 409,
                "detail": "the tax changed",
                "code": "Quote.Changed",
                "retryable": false,
                "trace_id": "trace-1",
                "advice": "Accept the new quote.",
                "differences": [{ "component": "total" }],
            })
        );
    }

    #[test]
    fn a_code_brings_its_class_and_advice() {
        let lost = ErrorCode::unknown("Payment.OutcomeUnknown", "Wait.");
        let problem = Problem::from_code(504, lost, "no answer").retry_after(3);
        assert!(problem.is_retryable());
        let response = problem.into_response("");
        assert_eq!(response.header_value("retry-after"), Some("3"));
        assert_eq!(response.json_body()["advice"], "Wait.");
        assert!(!Problem::from_code(503, ErrorCode::permanent("A.B", ""), "").is_retryable());
    }

    #[test]
    fn the_cause_is_for_the_log_only() {
        let cause = serde_json::from_str::<Value>("secret").unwrap_err();
        let problem = Problem::internal(&cause);
        assert!(problem.cause().is_some_and(|cause| cause.contains("expected value")));
        let body = String::from_utf8(problem.into_response("t").body().to_vec()).unwrap();
        assert!(!body.contains("expected value"), "{body}");
    }

    #[test]
    fn a_chain_names_each_source_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the store is not available")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("connection refused")]
        struct Inner;
        assert_eq!(chain(&Outer(Inner)), "the store is not available: connection refused");
    }
}
