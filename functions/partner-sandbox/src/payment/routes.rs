//! The routes of the payment processor.

use crate::call::{Call, FaultKind, Operation, Partner, Reply};
use crate::callbacks::{Callback, Callbacks};
use crate::documents::{Documents, DocumentsError, order_partition, update};
use crate::ids::{is_valid_id, key_hash, order_in};
use crate::partner::{Effect, OrderDocuments, PartnerBooks, PartnerCall, PlayedPartner};
use crate::payment::change::Change;
use crate::payment::errors::{error, invalid, missing, no_such_intent};
use crate::payment::form::{Form, form};
use crate::payment::intents::{self, INTENT_PREFIX, Intent, NO_ORDER, Status};
use crate::payment::listing::{self, Page};
use crate::payment::record::{PaymentRecord, change, find, sort_key};
use crate::payment::{events, refunds::Refund};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use carryout_lambda::ids::new_id;
use futures::future::BoxFuture;
use serde_json::json;

const CREATE: &Operation = &Operation::effect("create");
const CONFIRM: &Operation = &Operation::effect("confirm").declinable();
const CAPTURE: &Operation = &Operation::effect("capture").declinable();
const CANCEL: &Operation = &Operation::effect("cancel");
const LOOKUP: &Operation = &Operation::read("lookup");
const LIST: &Operation = &Operation::read("list");
const REFUND: &Operation = &Operation::effect("refund").declinable();
const SUBSCRIBE: &Operation = &Operation::effect("subscribe");

/// The payment processor.
pub(crate) struct Payment;

/// A request to the payment processor.
#[derive(Debug)]
enum PaymentRequest {
    Create(Form),
    Change(&'static Operation, String, Form),
    Lookup(String),
    List(Page),
    Refunds(String),
    Subscribe(String),
}

impl<P: Ports> PlayedPartner<P> for Payment {
    fn partner(&self) -> Partner {
        Partner::Payment
    }

    fn operations(&self) -> &'static [&'static Operation] {
        &[CREATE, CONFIRM, CAPTURE, CANCEL, LOOKUP, LIST, REFUND, SUBSCRIBE]
    }

    /// Accepts any API key: there is one account.
    fn authenticate(&self, request: &Request) -> Result<(), Reply> {
        let key = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match key {
            Some(key) if !key.is_empty() => Ok(()),
            _ => Err(error(401, "invalid_request_error", json!({ "message": "You did not provide an API key." }))),
        }
    }

    fn route(&self, request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<PartnerCall<P>, Reply>> {
        let change = |operation, id: &str| form(request).map(|form| PaymentRequest::Change(operation, id.to_owned(), form));
        let asked = match (request.method.as_str(), segments) {
            ("POST", ["v1", "payment_intents"]) => form(request).and_then(create_request),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => change(CONFIRM, id),
            ("POST", ["v1", "payment_intents", id, "capture"]) => change(CAPTURE, id),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => change(CANCEL, id),
            ("GET", ["v1", "payment_intents", id]) => Ok(PaymentRequest::Lookup((*id).to_owned())),
            ("GET", ["v1", "payment_intents"]) => Page::of(request).map(PaymentRequest::List),
            ("POST", ["v1", "refunds"]) => form(request).and_then(|form| match form.get("payment_intent").cloned() {
                Some(id) => Ok(PaymentRequest::Change(REFUND, id, form)),
                None => Err(missing("payment_intent")),
            }),
            ("GET", ["v1", "refunds"]) => match request.query_param("payment_intent") {
                Some(id) => Ok(PaymentRequest::Refunds(id.to_owned())),
                None => Err(missing("payment_intent")),
            },
            ("POST", ["v1", "webhook_endpoints"]) => form(request).and_then(|form| subscribe_request(&form, settings)),
            _ => return None,
        };
        Some(asked.map(|asked| PartnerCall::new(request, call(&asked, request), asked)))
    }

    fn error(&self, status: u16, code: &str, message: &str) -> Reply {
        error(status, "api_error", json!({ "code": code, "message": message }))
    }

    fn deliver<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        callback: &'a Callback,
    ) -> Option<BoxFuture<'a, Result<(), BatchItemError>>> {
        let Callback::PaymentEvent(due) = callback else { return None };
        Some(Box::pin(events::send(sandbox, due)))
    }

    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError> {
        let mut payments: Vec<PaymentRecord> = order.of("payment")?;
        payments.sort_by_key(|payment| payment.intent.created);
        let captured: i64 = payments.iter().map(|payment| payment.intent.amount_received).sum();
        let refunded: i64 = payments.iter().map(PaymentRecord::refunded).sum();
        let authorized: i64 = payments.iter().map(|payment| payment.intent.amount_capturable).sum();
        let charges = payments.iter().filter(|payment| payment.intent.status == Status::Succeeded).count();
        Ok(PartnerBooks {
            entries: vec![
                ("payment_intents", payments.iter().map(|payment| json!(payment.intent)).collect()),
                ("refunds", payments.iter().flat_map(|payment| &payment.refunds).map(|refund| json!(refund)).collect()),
            ],
            summary: vec![
                ("authorized", authorized.into()),
                ("captured", captured.into()),
                ("refunded", refunded.into()),
                ("net_charged", (captured - refunded).into()),
                ("charges", charges.into()),
            ],
        })
    }
}

impl<P: Ports> Effect<P> for PaymentRequest {
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        called: &'a PartnerCall<P>,
        fault: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>> {
        Box::pin(async move {
            let (documents, call, now_s) = (&sandbox.documents, &called.call, sandbox.now_s());
            let reply = match self {
                Self::Create(form) => create(documents, form, call.key.as_deref(), now_s).await?,
                Self::Change(operation, id, form) => {
                    let request = Change { operation, form, key: call.key.as_deref() };
                    change(documents, id, &request, |record| act(record, &request, now_s, fault)).await?
                }
                Self::Lookup(id) => match find(documents, id).await? {
                    Some(record) => Reply::new(200, json!(record.intent)),
                    None => no_such_intent(id),
                },
                Self::Refunds(id) => refunds_of(documents, id).await?,
                Self::List(page) => listing::list(documents, page).await?,
                Self::Subscribe(url) => events::subscribe(documents, url).await?,
            };
            // A crash before this point loses the event of an effect: callers must not rely on events.
            if let Some(event) = events::event(call.operation, &reply, now_s)
                && events::subscriber(documents).await?.is_some()
            {
                sandbox.callbacks.schedule(&Callback::PaymentEvent(event), 0).await?;
            }
            Ok(reply)
        })
    }
}

fn create_request(form: Form) -> Result<PaymentRequest, Reply> {
    match form.get("metadata[order_id]") {
        Some(order_id) if !is_valid_id(order_id) => {
            Err(invalid("parameter_invalid", "the sandbox does not accept this order_id", "metadata[order_id]"))
        }
        _ if form.contains_key("confirm") => {
            Err(invalid("parameter_unknown", "the sandbox confirms in a separate call", "confirm"))
        }
        _ => Ok(PaymentRequest::Create(form)),
    }
}

fn subscribe_request(form: &Form, settings: &Settings) -> Result<PaymentRequest, Reply> {
    match form.get("url") {
        Some(url) if settings.events_go_to.as_ref().is_none_or(|pattern| pattern.fits(url)) => {
            Ok(PaymentRequest::Subscribe(url.clone()))
        }
        Some(_) => Err(invalid("url_invalid", "The sandbox may not send events to this address.", "url")),
        None => Err(missing("url")),
    }
}

fn call(asked: &PaymentRequest, request: &Request) -> Call {
    let metadata = |name: &str| match asked {
        PaymentRequest::Create(form) => form.get(&format!("metadata[{name}]")).cloned(),
        _ => None,
    };
    let (operation, id) = match asked {
        PaymentRequest::Create(_) => (CREATE, None),
        PaymentRequest::Change(operation, id, _) => (*operation, Some(id)),
        PaymentRequest::Lookup(id) | PaymentRequest::Refunds(id) => (LOOKUP, Some(id)),
        PaymentRequest::List(_) => (LIST, None),
        PaymentRequest::Subscribe(_) => (SUBSCRIBE, None),
    };
    Call {
        partner: Partner::Payment,
        operation,
        order_id: id.and_then(|id| order_in(INTENT_PREFIX, id)).map(str::to_owned).or_else(|| metadata("order_id")),
        consumer_id: metadata("consumer_id"),
        key: request.header("idempotency-key").map(str::to_owned),
    }
}

/// Changes an intent as the request asks.
fn act(record: &mut PaymentRecord, request: &Change<'_>, now_s: i64, fault: Option<&FaultKind>) -> Reply {
    let (intent, form) = (&mut record.intent, request.form);
    match request.operation {
        operation if operation == CONFIRM => intents::confirm(intent, form, fault),
        operation if operation == CAPTURE => intents::capture(intent, form, fault),
        operation if operation == CANCEL => intents::cancel(intent, form, now_s),
        _ => record.refund(request, now_s, fault),
    }
}

async fn create(documents: &impl Documents, form: &Form, key: Option<&str>, now_s: i64) -> Result<Reply, DocumentsError> {
    let order_id = form.get("metadata[order_id]").map_or(NO_ORDER, String::as_str);
    let hash = key.map_or_else(|| new_id("x").trim_start_matches("x_").to_owned(), key_hash);
    let id = format!("{INTENT_PREFIX}{order_id}_{hash}");
    let intent = match Intent::create(&id, form, now_s) {
        Ok(intent) => intent,
        Err(refusal) => return Ok(refusal),
    };
    let (pk, sk) = (order_partition(order_id), sort_key(&id));
    if documents.get(&pk, &sk).await?.is_none() {
        // The index comes first, so that no intent is ever missing from it.
        listing::index(documents, &intent).await?;
    }
    let request = Change { operation: CREATE, form, key };
    update(documents, &pk, &sk, |existing: Option<PaymentRecord>| {
        let mut record = existing.unwrap_or_else(|| PaymentRecord::of(intent.clone()));
        let reply = record.once(&request, |record| Reply::new(200, json!(record.intent)));
        ((!reply.was_replayed()).then_some(record), reply)
    })
    .await
}

async fn refunds_of(documents: &impl Documents, id: &str) -> Result<Reply, DocumentsError> {
    let Some(record) = find(documents, id).await? else { return Ok(no_such_intent(id)) };
    let newest_first: Vec<&Refund> = record.refunds.iter().rev().collect();
    Ok(Reply::new(200, json!({ "object": "list", "url": "/v1/refunds", "has_more": false, "data": newest_first })))
}
