//! Tells whether the service, and what it depends on, answers.

use carryout_checkout::ports::Orders;
use carryout_environment::ErrorCode;
use carryout_lambda::http::{Problem, Request, Response};
use serde_json::json;

/// What the service depends on does not answer.
pub const NOT_READY: ErrorCode = ErrorCode::retryable("Service.NotReady", "Try again in a moment.");

/// `GET /health` answers as long as the function runs; `GET /ready` only while the orders can be read.
pub async fn handle(orders: &impl Orders, request: &Request) -> Result<Response, Problem> {
    if request.route == "/ready" {
        orders.order("ready").await.map_err(|error| {
            Problem::from_code(503, NOT_READY, "orders can't be read right now").retry_after(1).caused_by(&error)
        })?;
    }
    Ok(Response::json(200, &json!({ "status": "ok" })))
}
