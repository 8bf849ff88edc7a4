//! Takes an operator's refund of a placed order, and takes a parked refund up again.

use carryout_checkout::{
    codes::REFUND_NOT_PARKED,
    ports::{Executions, IdempotencyKey, Orders, ParkedRefunds, RefundRequests},
    redrive::{RedriveRefundError, redrive_refund},
    request_refund::{RefundAnswer, RefundBody, RefundRequester, RequestRefund, RequestRefundError},
};
use carryout_environment::{Clock, ErrorCode, HasErrorCode, Ids, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    idempotency::{idempotency_key, record_id, validation_hash},
    token::{JwksSource, TokenVerifier},
};
use serde_json::{Value, json};

/// There is no such refund.
pub const REFUND_UNKNOWN: ErrorCode = ErrorCode::permanent("Refund.Unknown", "Check the refund's number.");

/// The function with what it needs.
pub struct RefundOrder<O, R, E, T, I, P, J> {
    /// Takes refunds.
    pub take: RequestRefund<O, R, E, T, I>,
    /// Parked refunds.
    pub parked: P,
    /// Checks tokens.
    pub tokens: TokenVerifier<J>,
}

impl<O, R, E, T, I, P, J> RefundOrder<O, R, E, T, I, P, J>
where
    O: Orders,
    R: RefundRequests,
    E: Executions,
    T: Clock,
    I: Ids,
    P: ParkedRefunds,
    J: JwksSource,
{
    /// `POST /v1/orders/{id}/refunds` and `POST /v1/ops/refunds/{id}/redrive`, for operators: 202 with the refund.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        identity.require_role("operator")?;
        let id = request.path_param("id")?;
        if request.route.ends_with("/redrive") {
            return self.redrive(id).await;
        }
        let key = idempotency_key(request)?;
        let body: RefundBody = request.json()?;
        let whole: Value = request.json()?;
        let key = IdempotencyKey {
            record_id: record_id("refund-order", &identity.subject, key),
            validation: validation_hash(&json!({ "order_id": id, "body": whole })),
        };
        let requester = RefundRequester { operator: &identity.subject, correlation_id: &request.correlation_id };
        match self.take.request(id, &body, &key, requester).await {
            Ok(answer) => {
                tracing::info!(order.id = %answer.order_id, refund.id = %answer.refund_id, amount = %answer.amount, "refund taken");
                Ok(accepted(&answer))
            }
            Err(error) => Err(problem(&error)),
        }
    }

    async fn redrive(&self, id: &str) -> Result<Response, Problem> {
        let RequestRefund { executions, orchestrator, clock, .. } = &self.take;
        match redrive_refund(&self.parked, executions, orchestrator, clock, id).await {
            Ok(refund) => {
                tracing::info!(order.id = %refund.order_id, refund.id = %refund.id, run = refund.run, "refund redriven");
                Ok(accepted(&RefundAnswer {
                    refund_id: refund.id,
                    order_id: refund.order_id,
                    amount: refund.amount,
                    status: refund.status,
                }))
            }
            Err(RedriveRefundError::Unknown) => Err(Problem::from_code(404, REFUND_UNKNOWN, format!("there is no refund {id}"))),
            Err(error @ RedriveRefundError::NotParked(_)) => Err(Problem::from_code(409, REFUND_NOT_PARKED, error.to_string())),
            Err(RedriveRefundError::Storage(error)) => Err(unavailable(&error)),
        }
    }
}

fn accepted(answer: &RefundAnswer) -> Response {
    Response::json(202, answer).header("location", format!("/v1/orders/{}", answer.order_id))
}

fn unavailable(error: &StorageError) -> Problem {
    Problem::from_code(503, error.code(), "the refund can't be read or written right now").retry_after(1).caused_by(error)
}

/// How an error is answered.
fn problem(error: &RequestRefundError) -> Problem {
    let status = match error {
        RequestRefundError::Invalid { .. } | RequestRefundError::NoLine(_) => 400,
        RequestRefundError::Unknown(_) => 404,
        RequestRefundError::NotPlaced(_)
        | RequestRefundError::InProgress(_)
        | RequestRefundError::TooMany { .. }
        | RequestRefundError::TooMuch(_)
        | RequestRefundError::Nothing
        | RequestRefundError::NotServed(_) => 409,
        RequestRefundError::KeyReused => 422,
        RequestRefundError::Busy => 429,
        RequestRefundError::Storage(cause) => return unavailable(cause),
    };
    let mut problem = Problem::from_code(status, error.code(), error.to_string());
    if let Some(field) = error.field() {
        problem = problem.field(field);
    }
    if status == 429 { problem.retry_after(1) } else { problem }
}
