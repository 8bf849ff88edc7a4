//! Takes a consumer's cancellation.

use carryout_checkout::{
    cancel::{CancelError, cancel},
    codes::{CANCEL_NOTHING, CANCEL_TOO_LATE},
    ports::{Callbacks, Cancellations},
    track::view,
};
use carryout_environment::{Clock, ErrorCode};
use carryout_lambda::{
    http::{Problem, Request, Response},
    token::{JwksSource, TokenVerifier},
};
use carryout_workflow::Orchestrator;

/// There is no such order, or it is somebody else's: nobody is told which.
pub const ORDER_UNKNOWN: ErrorCode =
    ErrorCode::permanent("Order.Unknown", "Check the order's number; only its consumer can cancel it.");

/// `POST /v1/orders/{id}/cancellation`: 202 with the order; it is undone from here on. Safe to repeat.
pub async fn handle<S: JwksSource>(
    cancellations: &impl Cancellations,
    callbacks: &impl Callbacks,
    orchestrator: &Orchestrator,
    clock: &impl Clock,
    tokens: &TokenVerifier<S>,
    request: &Request,
) -> Result<Response, Problem> {
    let identity = tokens.verify(request).await?;
    let id = request.path_param("id")?;
    match cancel(cancellations, callbacks, &identity.subject, id, clock.now()).await {
        Ok(order) => {
            tracing::info!(order.id = %order.id, correlation_id = %order.correlation_id, "cancelled by its consumer");
            Ok(Response::json(202, &view(&order, orchestrator)).header("Location", format!("/v1/orders/{}", order.id)))
        }
        Err(CancelError::Unknown) => Err(Problem::from_code(404, ORDER_UNKNOWN, format!("there is no order {id}"))),
        Err(error @ CancelError::TooLate) => Err(Problem::from_code(409, CANCEL_TOO_LATE, error.to_string())),
        Err(error @ CancelError::Nothing) => Err(Problem::from_code(409, CANCEL_NOTHING, error.to_string())),
        Err(CancelError::Storage(error)) => {
            Err(Problem::from_code(503, error.code(), "the order can't be cancelled right now; send it again")
                .retry_after(1)
                .caused_by(&error))
        }
    }
}
