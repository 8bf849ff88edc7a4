//! The vendors of onboarding: they check addresses, identities, documents, risk and backgrounds, pay, and activate. Some answer at
//! once, the others later.

use crate::books::{Call, partition};
use crate::callbacks::{Callback, Callbacks, Outbound, VendorAnswerDue, schedule_answers};
use crate::documents::{Documents, DocumentsError, read, update};
use crate::faults::FaultKind;
use crate::{Partner, Reply, SandboxError, Settings, fit_for_ids, key_hash};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use carryout_lambda::signature::{WEBHOOK_SIGNATURE_HEADER, sign_webhook};
use carryout_onboarding::answer::parts_of;
use carryout_onboarding::ports::{VendorAnswer, VendorCallback, VendorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["ask", "lookup"];

/// A request, as it is sent. What it says of the applicant is not kept.
#[derive(Deserialize)]
struct AskBody {
    #[serde(rename = "details")]
    _details: Map<String, Value>,
    answer_to: String,
}

/// A request under its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VendorRecord {
    key: String,
    kind: VendorKind,
    /// What is said at last.
    answer: VendorAnswer,
    /// Whether it is said already.
    answered: bool,
    /// Whether the answers are on their way, or never will be.
    scheduled: bool,
}

impl VendorRecord {
    fn says(&self) -> VendorAnswer {
        if self.answered { self.answer.clone() } else { VendorAnswer::Pending }
    }
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    Ask { answer_to: String },
    Lookup,
}

/// What is asked about which request.
#[derive(Debug)]
pub(crate) struct Route {
    kind: VendorKind,
    key: String,
    applicant_id: String,
    ask: Ask,
}

fn sk(kind: VendorKind, key: &str) -> String {
    format!("vendor#{}#{}", kind.name(), key_hash(key))
}

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<(Call, Route), Reply>> {
    let ["v1", kind, "requests"] = segments else { return None };
    let kind = VendorKind::ALL.into_iter().find(|known| known.name() == *kind)?;
    let refused = |detail: &str| Some(Err(Partner::Vendor.error(400, "invalid_request", detail)));
    let (operation, key, ask) = match request.method.as_str() {
        "POST" => match Partner::Vendor.body::<AskBody>(request) {
            Err(refusal) => return Some(Err(refusal)),
            // The sandbox signs what it posts, so it posts only where it is meant to.
            Ok(body) if settings.vendor_answers_go_to.as_ref().is_some_and(|pattern| !pattern.fits(&body.answer_to)) => {
                return refused("answer_to is not an address that this sandbox may answer to");
            }
            Ok(body) => ("ask", request.header("idempotency-key"), Ask::Ask { answer_to: body.answer_to }),
        },
        "GET" => ("lookup", request.query_param("key"), Ask::Lookup),
        _ => return None,
    };
    let Some(key) = key else { return refused("the key is missing") };
    let Some((applicant_id, ..)) = parts_of(key).filter(|(id, ..)| fit_for_ids(id)) else {
        return refused("the key is not valid");
    };
    let applicant_id = applicant_id.to_owned();
    let call = Call {
        partner: Partner::Vendor,
        operation,
        order_id: Some(applicant_id.clone()),
        consumer_id: None,
        key: Some(key.to_owned()),
    };
    Some(Ok((call, Route { kind, key: key.to_owned(), applicant_id, ask })))
}

pub(crate) async fn serve(
    documents: &impl Documents,
    callbacks: &impl Callbacks,
    route: &Route,
    correlation_id: &str,
    fault: Option<&FaultKind>,
) -> Result<Reply, SandboxError> {
    let (pk, sk) = (partition(&route.applicant_id), sk(route.kind, &route.key));
    let Ask::Ask { answer_to } = &route.ask else {
        let found = read::<VendorRecord>(documents, &pk, &sk).await?;
        return Ok(Reply::new(200, json!({ "found": found.map(|record| record.says()) })));
    };
    // Those who look at pictures and people take longer.
    let later = matches!(route.kind, VendorKind::Identity | VendorKind::Background | VendorKind::Document)
        || matches!(fault, Some(FaultKind::Silent | FaultKind::AnswerTwice));
    let (record, is_new) = update(documents, &pk, &sk, |known: Option<VendorRecord>| {
        if let Some(known) = known {
            return (None, (known, false));
        }
        let answer = match fault {
            Some(FaultKind::Refuse { reason }) => VendorAnswer::Refused { reason: reason.clone() },
            Some(FaultKind::Decline { code }) => VendorAnswer::Refused { reason: code.clone() },
            _ => VendorAnswer::Approved { findings: Map::new() },
        };
        let record = VendorRecord { key: route.key.clone(), kind: route.kind, answer, answered: !later, scheduled: false };
        (Some(record.clone()), (record, true))
    })
    .await?;
    if !record.answered && !record.scheduled {
        let due = Callback::VendorAnswer(VendorAnswerDue {
            applicant_id: route.applicant_id.clone(),
            vendor: route.kind,
            key: route.key.clone(),
            answer_to: answer_to.clone(),
            correlation_id: correlation_id.to_owned(),
        });
        // First scheduled, then remembered: whoever dies in between is asked again, and answers twice rather than never.
        schedule_answers(callbacks, &due, fault).await?;
        update(documents, &pk, &sk, |record: Option<VendorRecord>| {
            (record.map(|record| VendorRecord { scheduled: true, ..record }), ())
        })
        .await?;
    }
    let reply = Reply::new(200, json!(record.says()));
    Ok(if is_new { reply } else { reply.replayed() })
}

/// Gives a vendor's answer to whoever waits for it. A receiver that can't be reached or fails is tried again; one that says no is
/// believed.
pub(crate) async fn answer(
    documents: &impl Documents,
    outbound: &impl Outbound,
    settings: &Settings,
    now_ms: i64,
    due: &VendorAnswerDue,
) -> Result<(), BatchItemError> {
    let broken = |error: DocumentsError| BatchItemError::new("Sandbox.Unavailable", error.to_string());
    let (pk, sk) = (partition(&due.applicant_id), sk(due.vendor, &due.key));
    let record = update(documents, &pk, &sk, |record: Option<VendorRecord>| {
        let answered = record.map(|record| VendorRecord { answered: true, ..record });
        (answered.clone(), answered)
    });
    let Some(record) = record.await.map_err(broken)? else { return Ok(()) };
    let callback = VendorCallback { key: record.key, answer: record.answer };
    let lost = |reason: String| BatchItemError::new("Vendor.AnswerLost", reason);
    let body = serde_json::to_string(&callback).map_err(|error| lost(error.to_string()))?;
    let signature = sign_webhook(&settings.vendor_webhook_keys, now_ms / 1_000, body.as_bytes());
    let headers = [(WEBHOOK_SIGNATURE_HEADER, signature), ("X-Correlation-Id", due.correlation_id.clone())];
    let status = outbound.post(&due.answer_to, &headers, body).await.map_err(|error| lost(error.to_string()))?;
    tracing::info!(key = callback.key, status, "answered");
    if status >= 500 { Err(lost(format!("the receiver failed with {status}"))) } else { Ok(()) }
}
