//! The fraud partner: a deterministic score.

use crate::call::{Call, FaultKind, Operation, Partner, Reply, json_body};
use crate::callbacks::Time;
use crate::documents::{Documents, DocumentsError, order_partition, update};
use crate::ids::is_valid_id;
use crate::partner::{Effect, OrderDocuments, PartnerBooks, PartnerCall, PlayedPartner};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::http::Request;
use carryout_lambda::idempotency::validation_hash;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const CHECK: &Operation = &Operation::effect("check").declinable();
/// The score from which an order is rejected.
const REJECT_FROM: u32 = 90;
/// The amount above which an order is large: 500.00. Minor units.
const LARGE_AMOUNT: i64 = 50_000;

/// The fraud check.
pub(crate) struct Fraud;

/// A requested check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    order_id: String,
    consumer_id: String,
    /// Minor units.
    amount: i64,
    currency: String,
    account_age_days: u32,
    orders_placed: u32,
    abroad: bool,
}

impl<P: Ports> PlayedPartner<P> for Fraud {
    fn partner(&self) -> Partner {
        Partner::Fraud
    }

    fn operations(&self) -> &'static [&'static Operation] {
        &[CHECK]
    }

    fn route(&self, request: &Request, segments: &[&str], _: &Settings) -> Option<Result<PartnerCall<P>, Reply>> {
        (request.method == "POST" && segments == ["v1", "checks"]).then(|| {
            let check: Check = json_body(request)?;
            if !is_valid_id(&check.order_id) {
                return Err(Reply::invalid("order_id is not valid"));
            }
            let call = Call {
                partner: Partner::Fraud,
                operation: CHECK,
                order_id: Some(check.order_id.clone()),
                consumer_id: Some(check.consumer_id.clone()),
                key: request.header("idempotency-key").map(str::to_owned),
            };
            Ok(PartnerCall::new(request, call, check))
        })
    }

    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError> {
        Ok(PartnerBooks { entries: vec![("fraud_checks", Value::Array(order.of("fraud")?))], ..PartnerBooks::default() })
    }
}

impl<P: Ports> Effect<P> for Check {
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        _: &'a PartnerCall<P>,
        fault: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>> {
        Box::pin(async move { Ok(check(&sandbox.documents, self, sandbox.time.now_ms(), fault).await?) })
    }
}

async fn check(
    documents: &impl Documents,
    check: &Check,
    now_ms: i64,
    fault: Option<&FaultKind>,
) -> Result<Reply, DocumentsError> {
    let (score, reason) = match fault {
        Some(FaultKind::Decline { code }) => (100, code.clone()),
        _ => score(check),
    };
    let decision = if score >= REJECT_FROM { "reject" } else { "approve" };
    let answer = json!({ "decision": decision, "score": score, "reason": reason });
    let request = serde_json::to_value(check)?;
    let sk = format!("fraud#{}", &validation_hash(&request)[..16]);
    let record = json!({ "at": now_ms, "request": request, "answer": answer });
    update(documents, &order_partition(&check.order_id), &sk, |_: Option<Value>| (Some(record.clone()), ())).await?;
    Ok(Reply::new(200, answer))
}

/// A score of 0 to 100, with the reason. A new account with a large amount abroad is rejected; two of the three signs are
/// not enough.
fn score(check: &Check) -> (u32, String) {
    let signs = [
        (check.account_age_days < 2, 40, "new account"),
        (check.amount > LARGE_AMOUNT, 30, "large amount"),
        (check.abroad, 20, "abroad"),
        (check.orders_placed == 0, 5, "first order"),
    ];
    let found: Vec<_> = signs.iter().filter(|(applies, _, _)| *applies).collect();
    let reason = found.iter().map(|(_, _, name)| *name).collect::<Vec<_>>().join(", ");
    let score = 5 + found.iter().map(|(_, points, _)| points).sum::<u32>();
    (score, if reason.is_empty() { "nothing unusual".to_owned() } else { reason })
}
