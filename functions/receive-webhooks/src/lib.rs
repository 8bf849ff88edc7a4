//! Takes signed callbacks from partners.

pub mod payments;
pub mod vendors;

use carryout_checkout::{
    ports::{Answers, Callbacks, MerchantAnswer},
    steps::await_merchant::{Answered, AwaitMerchant},
};
use carryout_environment::{Clock, ErrorCode, Secrets};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, verify_webhook},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// No order waits for this answer.
pub const ORDER_NOT_WAITING: ErrorCode =
    ErrorCode::permanent("Order.NotWaiting", "Nothing to do: the order no longer waits for an answer.");
/// The order was answered otherwise before.
pub const MERCHANT_CONTRADICTS: ErrorCode =
    ErrorCode::permanent("Merchant.AnsweredBefore", "The first answer counts; call support to change it.");
/// There is no such order, or it never waits.
pub const WEBHOOK_ORDER_UNKNOWN: ErrorCode = ErrorCode::permanent("Order.Unknown", "Check the order's number.");

/// Seconds by which a callback's timestamp may be off.
const TOLERANCE_SECONDS: i64 = 300;

/// A merchant's answer, as it is sent.
#[derive(Debug, Deserialize)]
struct MerchantWebhook {
    order_id: String,
    #[serde(flatten)]
    answer: MerchantAnswer,
}

/// What the processor is told of its event.
#[derive(Debug, Serialize)]
struct Received {
    received: String,
    recorded: bool,
}

/// `POST /v1/webhooks/merchants`: records the answer, then sends it to the step that waits. Safe to repeat.
pub async fn handle<A: Answers, C: Callbacks>(
    step: &AwaitMerchant<A, C>,
    secret: &impl Secrets,
    clock: &impl Clock,
    request: &Request,
) -> Result<Response, Problem> {
    let secret = secret.secret().await.map_err(|error| Problem::internal(&error))?;
    let keys = KeyRing::new(&secret.current, secret.previous.as_deref());
    let now = clock.now();
    verify_webhook(&keys, request.header("carryout-signature"), &request.body, now / 1_000, TOLERANCE_SECONDS)?;
    let webhook: MerchantWebhook = request.json()?;
    let answered = step.answer(&webhook.order_id, &webhook.answer, now).await;
    let answered = answered.map_err(|error| {
        Problem::from_code(503, error.code(), "the answer could not be recorded; send it again").retry_after(1).caused_by(&error)
    })?;
    let id = &webhook.order_id;
    tracing::info!(order.id = %id, ?answered, answer = ?webhook.answer, "merchant answered");
    match answered {
        Answered::Recorded => Ok(Response::json(200, &json!({ "order_id": id, "recorded": true }))),
        Answered::Repeated => Ok(Response::json(200, &json!({ "order_id": id, "recorded": false }))),
        Answered::Contradicts => {
            Err(Problem::from_code(409, MERCHANT_CONTRADICTS, format!("order {id} was answered otherwise before")))
        }
        Answered::TooLate => Err(Problem::from_code(409, ORDER_NOT_WAITING, format!("order {id} no longer waits for an answer"))),
        Answered::Unknown => Err(Problem::from_code(404, WEBHOOK_ORDER_UNKNOWN, format!("no order {id} waits for an answer"))),
    }
}
