//! Parked orders, for operators: lists them, and takes the undo of one up again.

use carryout_checkout::{
    codes::NOT_PARKED,
    ports::{Executions, ParkedOrders},
    redrive::{ParkedList, ParkedView, RedriveError, redrive},
    track::view,
};
use carryout_environment::{Clock, ErrorCode, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    token::{JwksSource, TokenVerifier},
};
use carryout_workflow::Orchestrator;

/// There is no such order.
pub const ORDER_UNKNOWN: ErrorCode = ErrorCode::permanent("Order.Unknown", "Check the order's number.");

/// Parked orders that one answer lists, at most.
const AT_MOST: usize = 100;

/// `GET /v1/ops/orders/parked` and `POST /v1/ops/orders/{id}/redrive`, for operators.
pub async fn handle<S: JwksSource>(
    parked: &impl ParkedOrders,
    executions: &impl Executions,
    orchestrator: &Orchestrator,
    clock: &impl Clock,
    tokens: &TokenVerifier<S>,
    request: &Request,
) -> Result<Response, Problem> {
    tokens.verify(request).await?.require_role("operator")?;
    if request.method == "GET" {
        let orders = parked.parked(AT_MOST).await.map_err(|error| unavailable(&error))?;
        return Ok(Response::json(200, &ParkedList { orders: orders.iter().map(ParkedView::of).collect() }));
    }
    let id = request.path_param("id")?;
    match redrive(parked, executions, orchestrator, clock, id).await {
        Ok(order) => {
            tracing::info!(order.id = %order.id, run = order.run, correlation_id = %order.correlation_id, "redriven");
            Ok(Response::json(202, &view(&order, orchestrator)).header("Location", format!("/v1/orders/{}", order.id)))
        }
        Err(RedriveError::Unknown) => Err(Problem::from_code(404, ORDER_UNKNOWN, format!("there is no order {id}"))),
        Err(error @ RedriveError::NotParked(_)) => Err(Problem::from_code(409, NOT_PARKED, error.to_string())),
        Err(RedriveError::Storage(error)) => Err(unavailable(&error)),
    }
}

fn unavailable(error: &StorageError) -> Problem {
    Problem::from_code(503, error.code(), "the orders can't be read or written right now").retry_after(1).caused_by(error)
}
