//! One invocation of a function: its context, its deadline, and the guard that stops work before Lambda does.

use crate::clock::SystemClock;
use crate::telemetry;
use futures::FutureExt as _;
use jiff::Timestamp;
use lambda_runtime::Context;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tracing::Span;
use uuid::Uuid;

/// How long before Lambda's deadline a request or a task is stopped, to leave time for a reply. Milliseconds.
pub(crate) const STOP_BEFORE_DEADLINE_MS: i64 = 100;
/// How long a lease lasts when the invocation has no deadline. Milliseconds.
const LEASE_WITHOUT_DEADLINE_MS: i64 = 10_000;

/// The context of one invocation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// Lambda's id of this invocation.
    pub request_id: String,
    /// When Lambda ends the invocation. Milliseconds since the Unix epoch; 0 without a deadline.
    pub deadline_ms: i64,
    /// Follows the work through every log and every partner.
    pub correlation_id: String,
    /// The function and its version or alias, as invoked.
    pub function_arn: String,
    /// The `Root` part of X-Ray's trace header, if there is one.
    pub xray_trace_id: Option<String>,
    /// Whether this is the environment's first invocation.
    pub cold_start: bool,
    /// When a scheduled event was due; absent in events without a time, and for all other events.
    pub scheduled_at: Option<Timestamp>,
}

impl Invocation {
    pub(crate) fn new(context: Context, cold_start: bool) -> Self {
        let root = |header: String| header.split(';').find_map(|part| part.strip_prefix("Root=")).map(str::to_owned);
        Self {
            request_id: context.request_id,
            deadline_ms: i64::try_from(context.deadline).unwrap_or(i64::MAX),
            correlation_id: String::new(),
            function_arn: context.invoked_function_arn,
            xray_trace_id: context.xray_trace_id.and_then(root),
            cold_start,
            scheduled_at: None,
        }
    }

    /// How long the invocation may still run, from `now_ms`. Milliseconds; never negative.
    pub fn remaining_ms(&self, now_ms: i64) -> i64 {
        if self.deadline_ms == 0 { i64::MAX } else { self.deadline_ms.saturating_sub(now_ms).max(0) }
    }

    // At the error level, so that the context is logged at every log level.
    pub(crate) fn span(&self) -> Span {
        tracing::error_span!(
            "invocation",
            function_request_id = self.request_id,
            correlation_id = Some(self.correlation_id.as_str()).filter(|id| !id.is_empty()),
            function_arn = self.function_arn,
            xray_trace_id = self.xray_trace_id,
            cold_start = self.cold_start,
        )
    }
}

/// When a lease on a step ends that an invocation with this deadline takes now: never before the invocation itself ends. All in
/// milliseconds since the Unix epoch.
pub fn lease_until(deadline_ms: i64, now_ms: i64) -> i64 {
    if deadline_ms > now_ms { deadline_ms } else { now_ms + LEASE_WITHOUT_DEADLINE_MS }
}

/// Why work was cut short.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stopped {
    #[error("panicked: {0}")]
    Panicked(String),
    #[error("stopped shortly before the function's deadline; it may or may not have happened")]
    TimedOut,
}

/// Runs `work` until `margin_ms` before the deadline. Does not begin work when less time is left.
pub(crate) async fn guarded<T>(deadline_ms: i64, margin_ms: i64, work: impl Future<Output = T>) -> Result<T, Stopped> {
    // After a panic nothing of the work is used again: its future is dropped.
    let work = AssertUnwindSafe(work).catch_unwind();
    let result = if deadline_ms == 0 {
        work.await
    } else {
        let left = deadline_ms.saturating_sub(margin_ms).saturating_sub(SystemClock.now_ms());
        let left = u64::try_from(left).ok().filter(|left| *left > 0).ok_or(Stopped::TimedOut)?;
        tokio::time::timeout(Duration::from_millis(left), work).await.map_err(|_| Stopped::TimedOut)?
    };
    result.map_err(|payload| Stopped::Panicked(telemetry::panic_text(&*payload).to_owned()))
}

/// Milliseconds since `started`, in tenths.
pub(crate) fn elapsed_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}

/// A correlation id for work whose event brings none.
pub(crate) fn new_correlation_id() -> String {
    Uuid::now_v7().to_string()
}

/// Whether an id from outside is safe to log and to pass on: `[A-Za-z0-9_.-]{1,64}`.
pub(crate) fn is_safe_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_becomes_an_invocation() {
        let mut context = Context::default();
        context.request_id = "r".into();
        context.deadline = 5_000;
        context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".into());
        let invocation = Invocation::new(context, false);
        assert_eq!(invocation.xray_trace_id.as_deref(), Some("1-5759e988-bd862e3fe1be46a994272793"));
        assert_eq!((invocation.remaining_ms(1_000), invocation.remaining_ms(9_000)), (4_000, 0));
    }

    #[test]
    fn a_lease_ends_with_the_invocation_or_after_ten_seconds() {
        assert_eq!(lease_until(5_000, 1_000), 5_000);
        assert_eq!((lease_until(0, 1_000), lease_until(1_000, 1_000)), (11_000, 11_000));
    }
}
