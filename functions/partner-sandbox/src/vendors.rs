//! The vendors of onboarding: they check addresses, identities, documents, risk and backgrounds, pay, and activate. Some
//! answer immediately, the others later.

use crate::call::{Call, FaultKind, Operation, Partner, Reply, json_body};
use crate::callbacks::{Callback, Outbound, VendorAnswerDue, schedule_answers};
use crate::documents::{DocumentsError, order_partition, read, update};
use crate::ids::{is_valid_id, key_hash};
use crate::partner::{Effect, OrderDocuments, PartnerBooks, PartnerCall, PlayedPartner};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use carryout_lambda::signature::{WEBHOOK_SIGNATURE_HEADER, sign_webhook};
use carryout_onboarding::vendor::{VendorAnswer, VendorCallback, VendorKind, parse_request_key};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const ASK: &Operation = &Operation::effect("ask").declinable().answered_later();
const LOOKUP: &Operation = &Operation::read("lookup");

/// The body of a request. The applicant's details are not kept.
#[derive(Deserialize)]
struct AskBody {
    #[serde(rename = "details")]
    _details: Map<String, Value>,
    answer_to: String,
}

/// The record of a request under its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VendorRecord {
    key: String,
    kind: VendorKind,
    /// The final answer.
    answer: VendorAnswer,
    /// Whether the final answer was given.
    answered: bool,
    /// Whether the answers are scheduled, or suppressed by a fault.
    scheduled: bool,
}

impl VendorRecord {
    fn current_answer(&self) -> VendorAnswer {
        if self.answered { self.answer.clone() } else { VendorAnswer::Pending }
    }
}

/// The vendors.
pub(crate) struct Vendors;

/// A request to a vendor.
#[derive(Debug)]
struct VendorRequest {
    kind: VendorKind,
    key: String,
    applicant_id: String,
    action: Action,
}

/// The requested operation.
#[derive(Debug)]
enum Action {
    Ask { answer_to: String },
    Lookup,
}

fn sort_key(kind: VendorKind, key: &str) -> String {
    format!("vendor#{}#{}", kind.name(), key_hash(key))
}

impl<P: Ports> PlayedPartner<P> for Vendors {
    fn partner(&self) -> Partner {
        Partner::Vendor
    }

    fn path(&self) -> &'static str {
        "vendors"
    }

    fn operations(&self) -> &'static [&'static Operation] {
        &[ASK, LOOKUP]
    }

    fn route(&self, request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<PartnerCall<P>, Reply>> {
        let ["v1", kind, "requests"] = segments else { return None };
        let kind = VendorKind::ALL.into_iter().find(|known| known.name() == *kind)?;
        let read = match request.method.as_str() {
            "POST" => ask(request, settings).map(|action| (ASK, request.header("idempotency-key"), action)),
            "GET" => Ok((LOOKUP, request.query_param("key"), Action::Lookup)),
            _ => return None,
        };
        Some(read.and_then(|(operation, key, action)| {
            let key = key.ok_or_else(|| Reply::invalid("the key is missing"))?;
            let Some((applicant_id, ..)) = parse_request_key(key).filter(|(id, ..)| is_valid_id(id)) else {
                return Err(Reply::invalid("the key is not valid"));
            };
            let (key, applicant_id) = (key.to_owned(), applicant_id.to_owned());
            let call = Call {
                partner: Partner::Vendor,
                operation,
                order_id: Some(applicant_id.clone()),
                consumer_id: None,
                key: Some(key.clone()),
            };
            Ok(PartnerCall::new(request, call, VendorRequest { kind, key, applicant_id, action }))
        }))
    }

    fn deliver<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        callback: &'a Callback,
    ) -> Option<BoxFuture<'a, Result<(), BatchItemError>>> {
        let Callback::VendorAnswer(due) = callback else { return None };
        Some(Box::pin(answer(sandbox, due)))
    }

    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError> {
        Ok(PartnerBooks { entries: vec![("vendor_requests", Value::Array(order.of("vendor")?))], ..PartnerBooks::default() })
    }
}

impl<P: Ports> Effect<P> for VendorRequest {
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        called: &'a PartnerCall<P>,
        fault: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>> {
        Box::pin(async move {
            match &self.action {
                Action::Ask { answer_to } => self.ask(sandbox, answer_to, &called.correlation_id, fault).await,
                Action::Lookup => {
                    let (pk, sk) = (order_partition(&self.applicant_id), sort_key(self.kind, &self.key));
                    let found = read::<VendorRecord>(&sandbox.documents, &pk, &sk).await?;
                    Ok(Reply::new(200, json!({ "found": found.map(|record| record.current_answer()) })))
                }
            }
        })
    }
}

fn ask(request: &Request, settings: &Settings) -> Result<Action, Reply> {
    let body: AskBody = json_body(request)?;
    // The sandbox signs what it posts, so it posts to allowed addresses only.
    if settings.vendor_answers_go_to.as_ref().is_some_and(|pattern| !pattern.fits(&body.answer_to)) {
        return Err(Reply::invalid("the sandbox may not answer to this address"));
    }
    Ok(Action::Ask { answer_to: body.answer_to })
}

impl VendorRequest {
    async fn ask<P: Ports>(
        &self,
        sandbox: &Sandbox<P>,
        answer_to: &str,
        correlation_id: &str,
        fault: Option<&FaultKind>,
    ) -> Result<Reply, SandboxError> {
        let (documents, pk, sk) = (&sandbox.documents, order_partition(&self.applicant_id), sort_key(self.kind, &self.key));
        let is_later = self.kind.usually_answers_later() || matches!(fault, Some(FaultKind::Silent | FaultKind::AnswerTwice));
        let (record, is_new) = update(documents, &pk, &sk, |known: Option<VendorRecord>| {
            if let Some(known) = known {
                return (None, (known, false));
            }
            let answer = match fault {
                Some(FaultKind::Refuse { reason }) => VendorAnswer::Refused { reason: reason.clone() },
                Some(FaultKind::Decline { code }) => VendorAnswer::Refused { reason: code.clone() },
                _ => VendorAnswer::Approved { findings: Map::new() },
            };
            let record = VendorRecord { key: self.key.clone(), kind: self.kind, answer, answered: !is_later, scheduled: false };
            (Some(record.clone()), (record, true))
        })
        .await?;
        if !record.answered && !record.scheduled {
            let due = Callback::VendorAnswer(VendorAnswerDue {
                applicant_id: self.applicant_id.clone(),
                vendor: self.kind,
                key: self.key.clone(),
                answer_to: answer_to.to_owned(),
                correlation_id: correlation_id.to_owned(),
            });
            // Scheduled before it is recorded: after a crash in between, a repeated call makes the vendor answer twice rather
            // than never.
            schedule_answers(&sandbox.callbacks, &due, fault).await?;
            update(documents, &pk, &sk, |record: Option<VendorRecord>| {
                (record.map(|record| VendorRecord { scheduled: true, ..record }), ())
            })
            .await?;
        }
        let reply = Reply::new(200, json!(record.current_answer()));
        Ok(if is_new { reply } else { reply.replayed() })
    }
}

/// Posts a vendor's answer to its receiver. Retried if the receiver is unreachable or fails; a refusal is final.
async fn answer<P: Ports>(sandbox: &Sandbox<P>, due: &VendorAnswerDue) -> Result<(), BatchItemError> {
    let (pk, sk) = (order_partition(&due.applicant_id), sort_key(due.vendor, &due.key));
    let record = update(&sandbox.documents, &pk, &sk, |record: Option<VendorRecord>| {
        let answered = record.map(|record| VendorRecord { answered: true, ..record });
        (answered.clone(), answered)
    });
    let Some(record) = record.await? else { return Ok(()) };
    let callback = VendorCallback { key: record.key, answer: record.answer };
    let lost = |reason: String| BatchItemError::new("Vendor.AnswerLost", reason);
    let body = serde_json::to_string(&callback).map_err(|error| lost(error.to_string()))?;
    let signature = sign_webhook(&sandbox.settings.vendor_webhook_keys, sandbox.now_s(), body.as_bytes());
    let headers = [(WEBHOOK_SIGNATURE_HEADER, signature), ("X-Correlation-Id", due.correlation_id.clone())];
    let status = sandbox.outbound.post(&due.answer_to, &headers, body).await.map_err(|error| lost(error.to_string()))?;
    tracing::info!(key = callback.key, status, "answered");
    if status >= 500 { Err(lost(format!("the receiver failed with {status}"))) } else { Ok(()) }
}
