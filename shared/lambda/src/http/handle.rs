use super::proxy_event::correlation_id;
use super::{Problem, Request, Response};
use crate::invocation::{Invocation, STOP_BEFORE_DEADLINE_MS, elapsed_ms, guarded};
use serde_json::Value;
use std::future::Future;
use std::time::Instant;
use tracing::Instrument as _;

/// Handles one API Gateway request, from event to proxy response.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::http::MAX_BODY_BYTES;
    use crate::telemetry::tests::Captured;
    use crate::test_events::event;
    use serde_json::json;
    use std::time::Duration;

    fn invocation() -> Invocation {
        Invocation { request_id: "lambda-1".into(), cold_start: true, ..Invocation::default() }
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
        large["body"] = "x".repeat(MAX_BODY_BYTES + 1).into();
        async fn unreachable(_: Request) -> Result<Response, Problem> {
            panic!("the handler was called")
        }
        let answer = handle_http(large, invocation(), &unreachable).await;
        assert_eq!(answer["statusCode"], 413);
        assert!(answer["body"].as_str().unwrap().contains("Request.TooLarge"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_stopped_before_the_deadline() {
        let answer = handle_http(
            event("api-gateway/get-order"),
            Invocation { deadline_ms: SystemClock.now_ms() + 5_000, ..invocation() },
            &|_| async {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(Response::empty(204))
            },
        )
        .await;
        assert_eq!(answer["statusCode"], 504);
        assert!(answer["body"].as_str().unwrap().contains("Request.TimedOut"));
    }
}
