//! Tasks of a state machine, schedules and streams.

use crate::invocation::{Invocation, STOP_BEFORE_DEADLINE_MS, Stopped, elapsed_ms, guarded, is_safe_id, new_correlation_id};
use carryout_environment::HasErrorCode;
use lambda_runtime::Diagnostic;
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::time::Instant;
use tracing::Instrument as _;

/// How a task fails: Step Functions sees `code` as the error's name and `message` as its cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct TaskError {
    /// A stable code, as in `ErrorEquals`.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl TaskError {
    /// A failure with a stable code.
    pub fn new(code: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { code: code.into(), message: message.to_string() }
    }

    /// The failure that `error` is.
    pub fn of<E: HasErrorCode>(error: &E) -> Self {
        Self::new(error.code().name, error)
    }
}

impl From<TaskError> for Diagnostic {
    fn from(error: TaskError) -> Self {
        Self { error_type: error.code, error_message: error.message }
    }
}

impl From<Stopped> for TaskError {
    fn from(stopped: Stopped) -> Self {
        let code = match stopped {
            Stopped::Panicked(_) => "Lambda.Unknown",
            Stopped::TimedOut => "Sandbox.Timedout",
        };
        Self::new(code, stopped)
    }
}

/// One task of a state machine.
///
/// # Errors
///
/// What the handler ends with; `Lambda.Unknown` where it panics and `Sandbox.Timedout` where it is stopped before the
/// deadline: what Lambda itself reports for a process that dies, and the state machines retry both.
pub async fn handle_task<H, F>(event: Value, mut invocation: Invocation, handler: &H) -> Result<Value, TaskError>
where
    H: Fn(Value, Invocation) -> F,
    F: Future<Output = Result<Value, TaskError>> + Send,
{
    let text = |member: &str| event.get(member).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    invocation.correlation_id = text("correlation_id").filter(|id| is_safe_id(id)).unwrap_or_else(new_correlation_id);
    let span = invocation.span();
    let task = tracing::error_span!(parent: &span, "task", order.id = text("id"), step = text("step"), action = text("action"));
    finish_task(invocation.deadline_ms, async { handler(event, invocation).await }).instrument(task).await
}

/// One run of a schedule.
///
/// # Errors
///
/// As [`handle_task`].
pub async fn handle_schedule<H, F>(event: Value, mut invocation: Invocation, handler: &H) -> Result<Value, TaskError>
where
    H: Fn(Invocation) -> F,
    F: Future<Output = Result<Value, TaskError>> + Send,
{
    let id = event.get("id").and_then(Value::as_str).filter(|id| is_safe_id(id)).map(str::to_owned);
    invocation.correlation_id = id.unwrap_or_else(new_correlation_id);
    invocation.scheduled_at = event.get("time").and_then(Value::as_str).and_then(|due| due.parse().ok());
    let span = invocation.span();
    finish_task(invocation.deadline_ms, async { handler(invocation).await }).instrument(span).await
}

/// One batch of a DynamoDB stream. What its records have in common is the invocation, so that is what logs are followed by.
///
/// # Errors
///
/// As [`handle_task`].
pub async fn handle_stream<H, F>(event: Value, mut invocation: Invocation, handler: &H) -> Result<Value, TaskError>
where
    H: Fn(Value, Invocation) -> F,
    F: Future<Output = Result<(), TaskError>> + Send,
{
    invocation.correlation_id = new_correlation_id();
    let span = invocation.span();
    let work = async { handler(event, invocation.clone()).await.map(|()| Value::Null) };
    finish_task(invocation.deadline_ms, work).instrument(span).await
}

async fn finish_task(deadline_ms: i64, work: impl Future<Output = Result<Value, TaskError>>) -> Result<Value, TaskError> {
    let started = Instant::now();
    let result = guarded(deadline_ms, STOP_BEFORE_DEADLINE_MS, work).await.unwrap_or_else(|stopped| Err(stopped.into()));
    let ms = elapsed_ms(started);
    match &result {
        Ok(_) => tracing::info!(outcome = "done", ms, "done"),
        Err(error) => tracing::warn!(outcome = "failed", code = error.code, ms, "{error}"),
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::telemetry::tests::Captured;
    use crate::test_events::event;
    use serde_json::json;
    use std::time::Duration;

    fn invocation() -> Invocation {
        Invocation { request_id: "lambda-1".into(), cold_start: true, ..Invocation::default() }
    }

    #[tokio::test]
    async fn a_task_keeps_its_correlation_id_and_logs_its_order() {
        let (captured, _guard) = Captured::begin();
        let result = handle_task(
            event("step-functions/authorize-payment"),
            invocation(),
            &|event: Value, invocation: Invocation| async move {
                tracing::info!("authorizing");
                Ok(json!({ "run": event["run"], "correlation_id": invocation.correlation_id }))
            },
        )
        .await;
        assert_eq!(result, Ok(json!({ "run": 1, "correlation_id": "client-7f3a" })));
        for line in captured.lines() {
            assert_eq!((&line["order.id"], &line["action"]), (&"ord_01jd2v7w8x9y0z1a2b3c4d5e6f".into(), &"process".into()));
            assert_eq!(line["correlation_id"], "client-7f3a");
        }
        assert_eq!(captured.lines().len(), 2);
    }

    #[tokio::test]
    async fn a_tasks_error_reaches_step_functions_by_its_code() {
        let (captured, _guard) = Captured::begin();
        let result =
            handle_task(json!({}), invocation(), &|_, _| async { Err(TaskError::new("Payment.Declined", "no funds")) }).await;
        let diagnostic = Diagnostic::from(result.unwrap_err());
        assert_eq!((diagnostic.error_type.as_str(), diagnostic.error_message.as_str()), ("Payment.Declined", "no funds"));
        assert_eq!(
            (&captured.lines()[0]["code"], &captured.lines()[0]["outcome"]),
            (&"Payment.Declined".into(), &"failed".into())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_or_runs_late_fails_as_a_killed_one_does() {
        async fn panics(_: Value, _: Invocation) -> Result<Value, TaskError> {
            panic!("out of cheese")
        }
        let result = handle_task(json!({}), invocation(), &panics).await;
        assert_eq!(result.unwrap_err().code, "Lambda.Unknown");
        let late = Invocation { deadline_ms: SystemClock.now_ms() + 5_000, ..invocation() };
        let result = handle_task(json!({}), late, &|_, _| async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Value::Null)
        })
        .await;
        assert_eq!(result.unwrap_err().code, "Sandbox.Timedout");
    }

    #[tokio::test]
    async fn a_schedule_runs_under_its_events_id_and_time() {
        let result = handle_schedule(event("schedule/minute"), invocation(), &|invocation: Invocation| async move {
            Ok(json!([invocation.correlation_id, invocation.scheduled_at]))
        })
        .await;
        assert_eq!(result, Ok(json!(["53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "2025-11-21T23:00:00Z"])));
    }
}
