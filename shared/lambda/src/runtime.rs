//! Runs a handler in Lambda: reads the event, opens the invocation's span, guards against panics and the deadline, answers,
//! and logs one line.

use crate::batch::{self, BatchItemError, Message};
use crate::clock::SystemClock;
use crate::http::{Problem, Request, Response, correlation_id, fit_for_logs};
use crate::{Error, telemetry};
use carryout_environment::HasErrorCode;
use futures::FutureExt as _;
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

/// How long before Lambda's deadline a request or a task is stopped, so that it can still say so. Milliseconds.
const STOP_BEFORE_DEADLINE_MS: i64 = 100;

/// What a handler may want to know about its invocation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// Lambda's id of this invocation.
    pub request_id: String,
    /// When Lambda kills the invocation. Milliseconds since the Unix epoch; 0 where nobody will.
    pub deadline_ms: i64,
    /// Follows the work through every log and every partner.
    pub correlation_id: String,
    /// The function and its version or alias, as invoked.
    pub function_arn: String,
    /// X-Ray's trace, where there is one: the `Root` part.
    pub xray_trace_id: Option<String>,
    /// Whether this is the environment's first invocation.
    pub cold_start: bool,
    /// When a schedule's event was due; absent where the event does not say, and for everything else.
    pub scheduled_at: Option<Timestamp>,
}

impl Invocation {
    fn new(context: Context, cold_start: bool) -> Self {
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

    // At the level of errors, so that the context is there whatever the log level.
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

/// Serves API Gateway requests.
///
/// # Errors
///
/// Where the process does not run in Lambda, or Lambda's runtime API fails.
pub async fn run_http<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    run(move |event, invocation| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(handle_http(event, invocation, &handler).await) }
    })
    .await
}

/// Serves tasks of Step Functions.
///
/// # Errors
///
/// As [`run_http`].
pub async fn run_task<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Value, Invocation) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Value, TaskError>> + Send + 'static,
{
    run(move |event, invocation| {
        let handler = handler.clone();
        async move { handle_task(event, invocation, &handler).await }
    })
    .await
}

/// Serves batches of an SQS queue. The event source mapping must have `ReportBatchItemFailures`.
///
/// # Errors
///
/// As [`run_http`].
pub async fn run_batch<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Message, Invocation) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), BatchItemError>> + Send + 'static,
{
    run(move |event, invocation| {
        let handler = handler.clone();
        async move { batch::handle(event, invocation, &handler).await }
    })
    .await
}

/// Serves a schedule.
///
/// # Errors
///
/// As [`run_http`].
pub async fn run_schedule<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Invocation) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Value, TaskError>> + Send + 'static,
{
    run(move |event, invocation| {
        let handler = handler.clone();
        async move { handle_schedule(event, invocation, &handler).await }
    })
    .await
}

/// Serves batches of a DynamoDB stream, each as a whole: where it fails, all of it comes again.
///
/// # Errors
///
/// As [`run_http`].
pub async fn run_stream<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Value, Invocation) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), TaskError>> + Send + 'static,
{
    run(move |event, invocation| {
        let handler = handler.clone();
        async move { handle_stream(event, invocation, &handler).await }
    })
    .await
}

/// Serves both API Gateway requests and batches of an SQS queue: an event with `Records` is a batch.
///
/// # Errors
///
/// As [`run_http`].
pub async fn run_http_or_batch<H, F, B, G>(http: H, batch: B) -> Result<(), Error>
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
    B: Fn(Message, Invocation) -> G + Clone + Send + Sync + 'static,
    G: Future<Output = Result<(), BatchItemError>> + Send + 'static,
{
    run(move |event, invocation| {
        let (http, batch) = (http.clone(), batch.clone());
        async move {
            if event.get("Records").is_some() {
                batch::handle(event, invocation, &batch).await
            } else {
                Ok(handle_http(event, invocation, &http).await)
            }
        }
    })
    .await
}

/// One API Gateway request, from event to proxy response.
pub async fn handle_http<H, F>(event: Value, mut invocation: Invocation, handler: &H) -> Value
where
    H: Fn(Request) -> F,
    F: Future<Output = Result<Response, Problem>> + Send,
{
    invocation.correlation_id = correlation_id(&event);
    let span = invocation.span();
    async {
        let started = Instant::now();
        let text = |member: &str| event.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (method, route) = (text("httpMethod"), text("resource"));
        let result = match Request::from_event(event) {
            Ok(request) => {
                let request = Request { deadline_ms: invocation.deadline_ms, ..request };
                let answer = guarded(invocation.deadline_ms, STOP_BEFORE_DEADLINE_MS, async { handler(request).await }).await;
                answer.unwrap_or_else(|stopped| Err(stopped.into()))
            }
            Err(problem) => Err(problem),
        };
        let ms = elapsed_ms(started);
        let response = match result {
            Ok(response) => {
                let status = response.status();
                tracing::info!(method, route, status, ms, "{method} {route} {status}");
                response
            }
            Err(problem) => {
                let (status, code, error) = (problem.status(), problem.code(), problem.cause());
                if status >= 500 {
                    tracing::error!(method, route, status, ms, code, error, "{method} {route} {status}: {}", problem.detail());
                } else {
                    tracing::info!(method, route, status, ms, code, error, "{method} {route} {status}: {}", problem.detail());
                }
                problem.into_response(&invocation.correlation_id)
            }
        };
        response.header("x-correlation-id", &*invocation.correlation_id).default_header("cache-control", "no-store").into_event()
    }
    .instrument(span)
    .await
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
    invocation.correlation_id = text("correlation_id").filter(|id| fit_for_logs(id)).unwrap_or_else(fresh_id);
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
    let id = event.get("id").and_then(Value::as_str).filter(|id| fit_for_logs(id)).map(str::to_owned);
    invocation.correlation_id = id.unwrap_or_else(fresh_id);
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
    invocation.correlation_id = fresh_id();
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

/// Why work did not come to its own end.
#[derive(Debug)]
pub(crate) enum Stopped {
    Panicked(String),
    TimedOut,
}

impl Stopped {
    fn message(&self) -> String {
        match self {
            Self::Panicked(message) => format!("panicked: {message}"),
            Self::TimedOut => "stopped shortly before the function's deadline; it may or may not have happened".into(),
        }
    }
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Panicked(_) => Self::unexplained().caused_by(&TaskError::from(stopped)),
            Stopped::TimedOut => {
                Self::new(504, "Request.TimedOut", "the request was not finished in time; it may or may not have happened")
                    .advice("Send the same request again, with the same Idempotency-Key where it has one.")
            }
        }
    }
}

impl From<Stopped> for TaskError {
    fn from(stopped: Stopped) -> Self {
        let code = match stopped {
            Stopped::Panicked(_) => "Lambda.Unknown",
            Stopped::TimedOut => "Sandbox.Timedout",
        };
        Self::new(code, stopped.message())
    }
}

/// Runs `work` until `margin_ms` before the deadline. Work that could only begin after that is not begun.
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

pub(crate) fn elapsed_ms(started: Instant) -> f64 {
    // Tenths are enough, and read better.
    (started.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}

fn fresh_id() -> String {
    Uuid::now_v7().to_string()
}

/// Polls Lambda for events. Where Lambda allows several at once in one environment, serves them at once.
async fn run<H, F, E>(serve: H) -> Result<(), Error>
where
    H: Fn(Value, Invocation) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Value, E>> + Send + 'static,
    E: Into<Diagnostic> + fmt::Debug + Send + 'static,
{
    if telemetry::variable("AWS_LAMBDA_RUNTIME_API").is_none() {
        return Err(
            "this program is a Lambda function and AWS_LAMBDA_RUNTIME_API is not set; `make up` runs it on this machine".into()
        );
    }
    let cold = Arc::new(AtomicBool::new(true));
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let cold_start = cold.swap(false, Ordering::Relaxed);
        // Boxed, or the nested futures' type would outgrow the compiler's limit in the functions.
        serve(event.payload, Invocation::new(event.context, cold_start)).boxed()
    });
    Runtime::new(service).run_concurrent().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::tests::Captured;
    use serde_json::json;

    fn event(name: &str) -> Value {
        let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn invocation() -> Invocation {
        Invocation { request_id: "lambda-1".into(), cold_start: true, ..Invocation::default() }
    }

    fn soon() -> i64 {
        SystemClock.now_ms() + 5_000
    }

    #[tokio::test]
    async fn a_request_is_answered_and_logged_in_one_line() {
        let (captured, _guard) = Captured::begin();
        let answer = handle_http(event("api-gateway/get-order"), invocation(), &|request: Request| async move {
            Ok(Response::json(200, &json!({ "id": request.path_param("id")? })))
        })
        .await;
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(answer["body"], "{\"id\":\"ord_01jd2v7w8x9y0z1a2b3c4d5e6f\"}");
        assert_eq!(answer["headers"]["cache-control"], "no-store");
        assert_eq!(answer["headers"]["x-correlation-id"], "client-7f3a");
        let lines = captured.lines();
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!((&line["method"], &line["route"], &line["status"]), (&"GET".into(), &"/v1/orders/{id}".into(), &200.into()));
        assert_eq!(
            (&line["correlation_id"], &line["function_request_id"], &line["cold_start"]),
            (&"client-7f3a".into(), &"lambda-1".into(), &true.into())
        );
    }

    #[tokio::test]
    async fn a_problem_carries_the_trace_id_and_its_cause_stays_in_the_log() {
        let (captured, _guard) = Captured::begin();
        let answer = handle_http(event("api-gateway/get-order"), invocation(), &|_| async {
            Err(Problem::internal(&std::io::Error::other("connection refused")))
        })
        .await;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&answer["statusCode"], &body["code"], &body["trace_id"]),
            (&500.into(), &"Internal".into(), &"client-7f3a".into())
        );
        assert!(!answer.to_string().contains("refused"));
        assert_eq!(captured.lines()[0]["error"], "connection refused");
        assert_eq!(captured.lines()[0]["level"], "ERROR");
    }

    #[tokio::test]
    async fn a_panic_becomes_an_internal_problem() {
        let (captured, _guard) = Captured::begin();
        async fn panics(_: Request) -> Result<Response, Problem> {
            panic!("out of cheese")
        }
        let answer = handle_http(event("api-gateway/get-order"), invocation(), &panics).await;
        assert_eq!(answer["statusCode"], 500);
        assert!(!answer.to_string().contains("cheese"));
        assert!(captured.lines()[0]["error"].as_str().unwrap().contains("out of cheese"));
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_never_reaches_the_handler() {
        let mut large = event("api-gateway/get-order");
        large["body"] = "x".repeat(crate::http::MAX_BODY_BYTES + 1).into();
        async fn unreachable(_: Request) -> Result<Response, Problem> {
            panic!("the handler was called")
        }
        let answer = handle_http(large, invocation(), &unreachable).await;
        assert_eq!(answer["statusCode"], 413);
        assert!(answer["body"].as_str().unwrap().contains("Request.TooLarge"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_stopped_before_the_deadline() {
        let answer =
            handle_http(event("api-gateway/get-order"), Invocation { deadline_ms: soon(), ..invocation() }, &|_| async {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(Response::empty(204))
            })
            .await;
        assert_eq!(answer["statusCode"], 504);
        assert!(answer["body"].as_str().unwrap().contains("Request.TimedOut"));
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
        let late = Invocation { deadline_ms: soon(), ..invocation() };
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
}
