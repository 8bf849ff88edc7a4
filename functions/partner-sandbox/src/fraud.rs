//! The fraud partner: a deterministic score.

use crate::books::{Call, partition};
use crate::documents::{Documents, DocumentsError, update};
use crate::faults::FaultKind;
use crate::{Partner, Reply, fit_for_ids};
use carryout_lambda::http::Request;
use carryout_lambda::idempotency::validation_hash;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["check"];
/// From this score on an order is rejected.
const REJECT_FROM: u32 = 90;
/// From above this amount an order is large: 500.00. Minor units.
const LARGE_AMOUNT: i64 = 50_000;

/// A check that was asked for.
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

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str]) -> Option<Result<(Call, Check), Reply>> {
    (request.method == "POST" && segments == ["v1", "checks"]).then(|| {
        let check: Check = Partner::Fraud.body(request)?;
        if !fit_for_ids(&check.order_id) {
            return Err(Partner::Fraud.error(400, "invalid_request", "order_id is not valid"));
        }
        let call = Call {
            partner: Partner::Fraud,
            operation: "check",
            order_id: Some(check.order_id.clone()),
            consumer_id: Some(check.consumer_id.clone()),
            key: request.header("idempotency-key").map(str::to_owned),
        };
        Ok((call, check))
    })
}

pub(crate) async fn serve(
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
    update(documents, &partition(&check.order_id), &sk, |_: Option<Value>| (Some(record.clone()), ())).await?;
    Ok(Reply::new(200, answer))
}

/// 0 to 100, and why. A fresh account that spends much abroad is rejected; two of the three are not enough.
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
