//! Connects handlers to Lambda: one entry point for each kind of event.

use crate::batch::{BatchItemError, Message, handle_batch};
use crate::http::{Problem, Request, Response, handle_http};
use crate::task::{TaskError, handle_schedule, handle_stream, handle_task};
use crate::{Error, Invocation, telemetry};
use futures::FutureExt as _;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
        async move { handle_batch(event, invocation, &handler).await }
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
                handle_batch(event, invocation, &batch).await
            } else {
                Ok(handle_http(event, invocation, &http).await)
            }
        }
    })
    .await
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
