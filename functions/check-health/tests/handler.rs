//! `GET /health` and `GET /ready` over in-memory ports.

use carryout_checkout::{order::Order, ports::Orders};
use carryout_environment::StorageError;
use carryout_lambda::http::Request;
use carryout_testing::{ManualClock, Store};
use check_health::handle;

/// Orders that can't be read.
struct Down;

impl Orders for Down {
    async fn order(&self, _: &str) -> Result<Option<Order>, StorageError> {
        Err(StorageError::Unavailable("table orders-7f3a".to_owned()))
    }
}

fn get(route: &str) -> Request {
    Request { route: route.to_owned(), ..Request::default() }
}

#[tokio::test]
async fn health_needs_nobody_and_readiness_needs_the_orders() {
    let up = Store::new(&ManualClock::default());
    for route in ["/health", "/ready"] {
        assert_eq!(handle(&up, &get(route)).await.unwrap().json_body()["status"], "ok", "{route}");
    }
    assert_eq!(handle(&Down, &get("/health")).await.unwrap().status(), 200);
    let problem = handle(&Down, &get("/ready")).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Service.NotReady", true));
    assert!(!String::from_utf8_lossy(problem.into_response("t").body()).contains("7f3a"));
}
