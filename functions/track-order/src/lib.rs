//! Tells where an order stands.

use carryout_checkout::{
    ports::Orders,
    track::{track, view},
};
use carryout_environment::ErrorCode;
use carryout_lambda::{
    http::{Problem, Request, Response},
    token::{JwksSource, TokenVerifier},
};
use carryout_workflow::Orchestrator;

/// There is no such order, or it is somebody else's: nobody is told which.
pub const ORDER_UNKNOWN: ErrorCode =
    ErrorCode::permanent("Order.Unknown", "Check the order's number; only its consumer can see it.");

/// `GET /v1/orders/{id}`: the consumer's own order; an operator sees any.
pub async fn handle<S: JwksSource>(
    orders: &impl Orders,
    orchestrator: &Orchestrator,
    tokens: &TokenVerifier<S>,
    request: &Request,
) -> Result<Response, Problem> {
    let identity = tokens.verify(request).await?;
    let id = request.path_param("id")?;
    let found = if identity.has_role("operator") {
        orders.order(id).await.map(|order| order.map(|order| view(&order, orchestrator)))
    } else {
        track(orders, orchestrator, &identity.subject, id).await
    };
    match found {
        Ok(Some(order)) => Ok(Response::json(200, &order)),
        Ok(None) => Err(Problem::from_code(404, ORDER_UNKNOWN, format!("there is no order {id}"))),
        Err(error) => {
            Err(Problem::from_code(503, error.code(), "the order can't be read right now").retry_after(1).caused_by(&error))
        }
    }
}
