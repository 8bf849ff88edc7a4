//! The payment processor: the Stripe API's payment intents with manual capture, and refunds.
//!
//! <https://docs.stripe.com/api/payment_intents>. Everything about one intent is one document: the intent, its refunds,
//! and the replies that were given under idempotency keys. So each change is one conditional write, and a key can neither act
//! twice nor be forgotten after it acted.

use crate::books::{Call, partition};
use crate::callbacks::{Outbound, PaymentEvent};
use crate::documents::{Documents, DocumentsError, put_once, read, update};
use crate::faults::FaultKind;
use crate::{Partner, Reply, Settings, fit_for_ids, key_hash, order_in};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use carryout_lambda::idempotency::validation_hash;
use carryout_lambda::ids::new_id;
use carryout_lambda::signature::{PAYMENT_SIGNATURE_HEADER, sign_webhook};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["create", "confirm", "capture", "cancel", "lookup", "list", "refund", "subscribe"];
/// The partition that names the minutes in which intents were created.
const MINUTES: &str = "payment-minutes";
/// The document that holds where events go.
const SUBSCRIPTION: (&str, &str) = ("payment-subscription", "url");
/// Intents whose creator does not say for which order they are.
const NO_ORDER: &str = "none";

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has no payment method, or the last one was declined.
    RequiresPaymentMethod,
    /// It has one, and was not confirmed.
    RequiresConfirmation,
    /// The money is held.
    RequiresCapture,
    /// The money is taken.
    Succeeded,
    /// Nothing is held.
    Canceled,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// With the confirmation.
    Automatic,
    /// When asked to.
    Manual,
}

/// A payment intent, as the API shows it. Amounts in minor units, times in seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    id: String,
    object: String,
    amount: i64,
    /// What is held.
    pub amount_capturable: i64,
    /// What was taken; refunds do not lessen it.
    pub amount_received: i64,
    canceled_at: Option<i64>,
    cancellation_reason: Option<String>,
    capture_method: CaptureMethod,
    confirmation_method: String,
    /// When it was created.
    pub created: i64,
    currency: String,
    last_payment_error: Option<Value>,
    latest_charge: Option<String>,
    livemode: bool,
    metadata: BTreeMap<String, String>,
    payment_method: Option<String>,
    payment_method_types: Vec<String>,
    /// Where it stands.
    pub status: Status,
}

/// A refund, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    id: String,
    object: String,
    /// Minor units.
    amount: i64,
    charge: Option<String>,
    created: i64,
    currency: String,
    metadata: BTreeMap<String, String>,
    payment_intent: String,
    reason: Option<String>,
    status: String,
}

/// What was answered under an idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptReply {
    /// The hash of the parameters: the same key with others is an error.
    parameters: String,
    status: u16,
    body: Value,
}

/// Everything about one intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// The intent.
    pub intent: Intent,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// By operation and hash of the key.
    replies: BTreeMap<String, KeptReply>,
}

impl PaymentRecord {
    /// What was given back. Minor units.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }
}

/// A form's fields; of a repeated one, the last.
type Form = BTreeMap<String, String>;

/// What is asked.
#[derive(Debug)]
pub(crate) enum Route {
    Create(Form),
    Confirm(String, Form),
    Capture(String, Form),
    Cancel(String, Form),
    Lookup(String),
    List(Page),
    Refund(String, Form),
    Refunds(String),
    Subscribe(String),
}

/// Which intents to list, newest first.
#[derive(Debug)]
pub(crate) struct Page {
    limit: usize,
    starting_after: Option<String>,
    created_from: i64,
    created_to: i64,
}

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<(Call, Route), Reply>> {
    let change = |id: &str, route: fn(String, Form) -> Route| form(request).map(|form| route(id.to_owned(), form));
    let route = match (request.method.as_str(), segments) {
        ("POST", ["v1", "payment_intents"]) => form(request).and_then(|form| match form.get("metadata[order_id]") {
            Some(order_id) if !fit_for_ids(order_id) => {
                Err(invalid("parameter_invalid", "this order_id can't be played", "metadata[order_id]"))
            }
            _ if form.contains_key("confirm") => {
                Err(invalid("parameter_unknown", "this sandbox confirms in a call of its own", "confirm"))
            }
            _ => Ok(Route::Create(form)),
        }),
        ("POST", ["v1", "payment_intents", id, "confirm"]) => change(id, Route::Confirm),
        ("POST", ["v1", "payment_intents", id, "capture"]) => change(id, Route::Capture),
        ("POST", ["v1", "payment_intents", id, "cancel"]) => change(id, Route::Cancel),
        ("GET", ["v1", "payment_intents", id]) => Ok(Route::Lookup((*id).to_owned())),
        ("GET", ["v1", "payment_intents"]) => page(request).map(Route::List),
        ("POST", ["v1", "refunds"]) => form(request).and_then(|form| match form.get("payment_intent").cloned() {
            Some(id) => Ok(Route::Refund(id, form)),
            None => Err(missing("payment_intent")),
        }),
        ("GET", ["v1", "refunds"]) => {
            request.query_param("payment_intent").map(|id| Route::Refunds(id.to_owned())).ok_or_else(|| missing("payment_intent"))
        }
        ("POST", ["v1", "webhook_endpoints"]) => form(request).and_then(|form| match form.get("url").cloned() {
            Some(url) if settings.events_go_to.as_ref().is_none_or(|pattern| pattern.fits(&url)) => Ok(Route::Subscribe(url)),
            Some(_) => Err(invalid("url_invalid", "Events do not go there.", "url")),
            None => Err(missing("url")),
        }),
        _ => return None,
    };
    Some(route.map(|route| (call(&route, request), route)))
}

/// The refusal of a caller who brings no API key. Any key will do: there is one account.
pub(crate) fn unauthorized(request: &Request) -> Option<Reply> {
    let key = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    key.is_none_or(str::is_empty)
        .then(|| error(401, "invalid_request_error", json!({ "message": "You did not provide an API key." })))
}

fn call(route: &Route, request: &Request) -> Call {
    let metadata = |name: &str| match route {
        Route::Create(form) => form.get(&format!("metadata[{name}]")).cloned(),
        _ => None,
    };
    let (operation, id) = match route {
        Route::Create(_) => ("create", None),
        Route::Confirm(id, _) => ("confirm", Some(id)),
        Route::Capture(id, _) => ("capture", Some(id)),
        Route::Cancel(id, _) => ("cancel", Some(id)),
        Route::Lookup(id) | Route::Refunds(id) => ("lookup", Some(id)),
        Route::List(_) => ("list", None),
        Route::Subscribe(_) => ("subscribe", None),
        Route::Refund(id, _) => ("refund", Some(id)),
    };
    Call {
        partner: Partner::Payment,
        operation,
        order_id: id.and_then(|id| order_in("pi_", id)).map(str::to_owned).or_else(|| metadata("order_id")),
        consumer_id: metadata("consumer_id"),
        key: request.header("idempotency-key").map(str::to_owned),
    }
}

fn form(request: &Request) -> Result<Form, Reply> {
    let content_type = request.header("content-type").unwrap_or_default();
    if !request.body.is_empty() && !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(invalid("", "Invalid request (check that your POST content type is application/x-www-form-urlencoded).", ""));
    }
    Ok(form_urlencoded::parse(&request.body).into_owned().collect())
}

fn page(request: &Request) -> Result<Page, Reply> {
    let number = |name: &str, default: i64| {
        request.query_param(name).map_or(Ok(default), |text| text.parse().map_err(|_| not_an_integer(name)))
    };
    let limit = number("limit", 10)?;
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
    Ok(Page {
        limit: limit.ok_or_else(|| invalid("parameter_invalid_integer", "limit must be from 1 to 100", "limit"))?,
        starting_after: request.query_param("starting_after").map(str::to_owned),
        created_from: number("created[gte]", 0)?,
        created_to: number("created[lte]", i64::MAX)?,
    })
}

pub(crate) async fn serve(
    documents: &impl Documents,
    route: &Route,
    key: Option<&str>,
    now_s: i64,
    fault: Option<&FaultKind>,
) -> Result<Reply, DocumentsError> {
    match route {
        Route::Create(form) => create(documents, form, key, now_s).await,
        Route::Confirm(id, form) => change(documents, id, "confirm", form, key, |record| confirm(record, form, fault)).await,
        Route::Capture(id, form) => change(documents, id, "capture", form, key, |record| capture(record, form, fault)).await,
        Route::Cancel(id, form) => change(documents, id, "cancel", form, key, |record| cancel(record, form, now_s)).await,
        Route::Refund(id, form) => {
            change(documents, id, "refund", form, key, |record| refund(record, form, key, now_s, fault)).await
        }
        Route::Lookup(id) => {
            Ok(find(documents, id).await?.map_or_else(|| no_such(id), |record| Reply::new(200, json!(record.intent))))
        }
        Route::Refunds(id) => Ok(find(documents, id).await?.map_or_else(
            || no_such(id),
            |record| {
                let newest_first: Vec<&Refund> = record.refunds.iter().rev().collect();
                Reply::new(200, json!({ "object": "list", "url": "/v1/refunds", "has_more": false, "data": newest_first }))
            },
        )),
        Route::List(page) => list(documents, page).await,
        Route::Subscribe(url) => subscribe(documents, url).await,
    }
}

/// Lets events go to `url` from now on, and nowhere else.
async fn subscribe(documents: &impl Documents, url: &str) -> Result<Reply, DocumentsError> {
    let (pk, sk) = SUBSCRIPTION;
    update(documents, pk, sk, |_: Option<String>| (Some(url.to_owned()), ())).await?;
    let endpoint = json!({ "object": "webhook_endpoint", "url": url, "status": "enabled", "enabled_events": ["*"] });
    Ok(Reply::new(200, endpoint))
}

/// Where events go, if anywhere.
pub(crate) async fn subscriber(documents: &impl Documents) -> Result<Option<String>, DocumentsError> {
    read(documents, SUBSCRIPTION.0, SUBSCRIPTION.1).await
}

/// What the processor tells by itself after it was asked for `route` and answered `reply`.
pub(crate) fn event(route: &Route, reply: &Reply, now_s: i64) -> Option<PaymentEvent> {
    if reply.was_replayed() {
        return None;
    }
    let body = reply.body();
    let (kind, object) = match (route, reply.status()) {
        (Route::Confirm(..) | Route::Capture(..), 200) if body["status"] == "succeeded" => ("payment_intent.succeeded", body),
        (Route::Confirm(..), 200) => ("payment_intent.amount_capturable_updated", body),
        (Route::Confirm(..), 402) => ("payment_intent.payment_failed", &body["error"]["payment_intent"]),
        (Route::Cancel(..), 200) => ("payment_intent.canceled", body),
        (Route::Refund(..), 200) => ("refund.updated", body),
        _ => return None,
    };
    let event = json!({
        "id": new_id("evt"),
        "object": "event",
        "type": kind,
        "created": now_s,
        "livemode": false,
        "data": { "object": object },
    });
    Some(PaymentEvent { body: event.to_string() })
}

/// Gives an event to whoever subscribed. A receiver that can't be reached or fails is tried again; one that says no is
/// believed.
pub(crate) async fn tell(
    documents: &impl Documents,
    outbound: &impl Outbound,
    settings: &Settings,
    now_s: i64,
    due: &PaymentEvent,
) -> Result<(), BatchItemError> {
    let url = subscriber(documents).await.map_err(|error| BatchItemError::new("Sandbox.Unavailable", error.to_string()))?;
    let Some(url) = url else { return Ok(()) };
    let signature = sign_webhook(&settings.payment_webhook_keys, now_s, due.body.as_bytes());
    match outbound.post(&url, &[(PAYMENT_SIGNATURE_HEADER, signature)], due.body.clone()).await {
        Err(error) => Err(BatchItemError::new("Payment.EventLost", error.to_string())),
        Ok(status @ 500..) => Err(BatchItemError::new("Payment.EventLost", format!("the receiver failed with {status}"))),
        Ok(_) => Ok(()),
    }
}

async fn create(documents: &impl Documents, form: &Form, key: Option<&str>, now_s: i64) -> Result<Reply, DocumentsError> {
    let order_id = form.get("metadata[order_id]").map_or(NO_ORDER, String::as_str);
    let id = match key {
        Some(key) => format!("pi_{order_id}_{}", key_hash(key)),
        None => format!("pi_{order_id}_{}", new_id("x").trim_start_matches("x_")),
    };
    let intent = match new_intent(&id, form, now_s) {
        Ok(intent) => intent,
        Err(refusal) => return Ok(refusal),
    };
    let (pk, sk) = (partition(order_id), format!("payment#{id}"));
    if documents.get(&pk, &sk).await?.is_none() {
        // The index comes first, so that no intent is ever missing from it. An entry whose intent another call has created at
        // another time is passed over when listing.
        let minute = minute(intent.created);
        put_once(documents, MINUTES, &minute, &Value::Null).await?;
        put_once(documents, &format!("payment-minute#{minute}"), &format!("{:010}#{id}", intent.created), &Value::Null).await?;
    }
    update(documents, &pk, &sk, |existing: Option<PaymentRecord>| {
        let mut record =
            existing.unwrap_or_else(|| PaymentRecord { intent: intent.clone(), refunds: Vec::new(), replies: BTreeMap::new() });
        let reply = keyed(&mut record, "create", form, key, |record| Reply::new(200, json!(record.intent)));
        ((!reply.was_replayed()).then_some(record), reply)
    })
    .await
}

fn new_intent(id: &str, form: &Form, now_s: i64) -> Result<Intent, Reply> {
    let amount = amount(form, "amount")?.ok_or_else(|| missing("amount"))?;
    let currency = form.get("currency").ok_or_else(|| missing("currency"))?.to_ascii_lowercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(invalid("parameter_invalid", "Invalid currency: use a three-letter ISO code.", "currency"));
    }
    let capture_method = match form.get("capture_method").map(String::as_str) {
        None | Some("automatic" | "automatic_async") => CaptureMethod::Automatic,
        Some("manual") => CaptureMethod::Manual,
        Some(_) => {
            return Err(invalid("parameter_invalid", "Invalid capture_method: must be automatic or manual.", "capture_method"));
        }
    };
    let payment_method = form.get("payment_method").cloned();
    Ok(Intent {
        id: id.to_owned(),
        object: "payment_intent".into(),
        amount,
        amount_capturable: 0,
        amount_received: 0,
        canceled_at: None,
        cancellation_reason: None,
        capture_method,
        confirmation_method: "automatic".into(),
        created: now_s,
        currency,
        last_payment_error: None,
        latest_charge: None,
        livemode: false,
        metadata: metadata(form),
        status: if payment_method.is_some() { Status::RequiresConfirmation } else { Status::RequiresPaymentMethod },
        payment_method,
        payment_method_types: vec!["card".into()],
    })
}

async fn change(
    documents: &impl Documents,
    id: &str,
    operation: &str,
    form: &Form,
    key: Option<&str>,
    act: impl Fn(&mut PaymentRecord) -> Reply + Send + Sync,
) -> Result<Reply, DocumentsError> {
    let Some(order_id) = order_in("pi_", id) else { return Ok(no_such(id)) };
    update(documents, &partition(order_id), &format!("payment#{id}"), |record: Option<PaymentRecord>| {
        let Some(mut record) = record else { return (None, no_such(id)) };
        let reply = keyed(&mut record, operation, form, key, &act);
        ((!reply.was_replayed()).then_some(record), reply)
    })
    .await
}

/// Acts once per key; whoever comes again with the same key hears the same, be it good or bad.
fn keyed(
    record: &mut PaymentRecord,
    operation: &str,
    form: &Form,
    key: Option<&str>,
    act: impl FnOnce(&mut PaymentRecord) -> Reply,
) -> Reply {
    let Some(key) = key else { return act(record) };
    let slot = format!("{operation}:{}", key_hash(key));
    let parameters = validation_hash(&json!(form));
    if let Some(kept) = record.replies.get(&slot) {
        if kept.parameters == parameters {
            return Reply::new(kept.status, kept.body.clone()).replayed();
        }
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        return error(400, "idempotency_error", json!({ "message": message })).replayed();
    }
    let reply = act(record);
    record.replies.insert(slot, KeptReply { parameters, status: reply.status(), body: reply.body().clone() });
    reply
}

fn confirm(record: &mut PaymentRecord, form: &Form, fault: Option<&FaultKind>) -> Reply {
    let intent = &mut record.intent;
    if !matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation) {
        return unexpected_state(
            intent,
            &format!("You cannot confirm this PaymentIntent because it has a status of {}.", intent.status.name()),
        );
    }
    let Some(method) = form.get("payment_method").or(intent.payment_method.as_ref()).cloned() else {
        return unexpected_state(intent, "You cannot confirm this PaymentIntent because it's missing a payment method.");
    };
    let declined = match fault {
        Some(FaultKind::Decline { code }) => Some(code.as_str()),
        _ => decline_of(&method),
    };
    let charge = intent.id.replacen("pi_", "ch_", 1);
    intent.latest_charge = Some(charge);
    if let Some(code) = declined {
        return decline(intent, code);
    }
    intent.payment_method = Some(method);
    intent.last_payment_error = None;
    match intent.capture_method {
        CaptureMethod::Manual => {
            intent.status = Status::RequiresCapture;
            intent.amount_capturable = intent.amount;
        }
        CaptureMethod::Automatic => {
            intent.status = Status::Succeeded;
            intent.amount_received = intent.amount;
        }
    }
    Reply::new(200, json!(intent))
}

/// The reason for which one of Stripe's test payment methods is declined.
fn decline_of(method: &str) -> Option<&'static str> {
    match method {
        _ if method.contains("InsufficientFunds") => Some("insufficient_funds"),
        _ if method.contains("ExpiredCard") => Some("expired_card"),
        _ if method.contains("chargeDeclined") => Some("generic_decline"),
        _ => None,
    }
}

fn decline(intent: &mut Intent, reason: &str) -> Reply {
    // Some reasons are codes of their own; all others are kinds of `card_declined`.
    let is_code = ["expired_card", "incorrect_cvc", "incorrect_number", "processing_error"].contains(&reason);
    let message = match reason {
        "insufficient_funds" => "Your card has insufficient funds.",
        "expired_card" => "Your card has expired.",
        _ => "Your card was declined.",
    };
    let mut details = json!({ "type": "card_error", "code": if is_code { reason } else { "card_declined" }, "message": message, "charge": intent.latest_charge });
    if !is_code {
        details["decline_code"] = reason.into();
    }
    intent.status = Status::RequiresPaymentMethod;
    intent.payment_method = None;
    intent.last_payment_error = Some(details.clone());
    details["payment_intent"] = json!(intent);
    error(402, "card_error", details)
}

fn capture(record: &mut PaymentRecord, form: &Form, fault: Option<&FaultKind>) -> Reply {
    let intent = &mut record.intent;
    if intent.status != Status::RequiresCapture {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent.status.name()
        );
        return unexpected_state(intent, &message);
    }
    if let Some(FaultKind::Decline { code }) = fault {
        intent.amount_capturable = 0;
        return decline(intent, code);
    }
    let amount = match amount(form, "amount_to_capture") {
        Ok(amount) => amount.unwrap_or(intent.amount_capturable),
        Err(refusal) => return refusal,
    };
    if amount > intent.amount_capturable {
        return invalid(
            "amount_too_large",
            "The amount to capture is greater than the amount that is held.",
            "amount_to_capture",
        );
    }
    // The rest is released.
    intent.status = Status::Succeeded;
    intent.amount_received = amount;
    intent.amount_capturable = 0;
    Reply::new(200, json!(intent))
}

fn cancel(record: &mut PaymentRecord, form: &Form, now_s: i64) -> Reply {
    let intent = &mut record.intent;
    if matches!(intent.status, Status::Succeeded | Status::Canceled) {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.",
            intent.status.name()
        );
        return unexpected_state(intent, &message);
    }
    intent.status = Status::Canceled;
    intent.amount_capturable = 0;
    intent.canceled_at = Some(now_s);
    intent.cancellation_reason = form.get("cancellation_reason").cloned();
    Reply::new(200, json!(intent))
}

fn refund(record: &mut PaymentRecord, form: &Form, key: Option<&str>, now_s: i64, fault: Option<&FaultKind>) -> Reply {
    let intent = &record.intent;
    if intent.status != Status::Succeeded {
        return unexpected_state(intent, "This PaymentIntent does not have a successful charge to refund.");
    }
    let left = intent.amount_received - record.refunded();
    if left == 0 {
        return invalid("charge_already_refunded", "The charge has already been refunded.", "");
    }
    if let Some(FaultKind::Decline { code }) = fault {
        return invalid(code, "The sandbox was told to refuse the refund.", "");
    }
    let amount = match amount(form, "amount") {
        Ok(amount) => amount.unwrap_or(left),
        Err(refusal) => return refusal,
    };
    if amount > left {
        return invalid(
            "amount_too_large",
            &format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})."),
            "amount",
        );
    }
    let name = key.map_or_else(|| new_id("x").trim_start_matches("x_").to_owned(), key_hash);
    let refund = Refund {
        id: format!("re_{}_{name}", order_in("pi_", &intent.id).unwrap_or(NO_ORDER)),
        object: "refund".into(),
        amount,
        charge: intent.latest_charge.clone(),
        created: now_s,
        currency: intent.currency.clone(),
        metadata: metadata(form),
        payment_intent: intent.id.clone(),
        reason: form.get("reason").cloned(),
        status: "succeeded".into(),
    };
    let reply = Reply::new(200, json!(refund));
    record.refunds.push(refund);
    reply
}

async fn find(documents: &impl Documents, id: &str) -> Result<Option<PaymentRecord>, DocumentsError> {
    match order_in("pi_", id) {
        Some(order_id) => read(documents, &partition(order_id), &format!("payment#{id}")).await,
        None => Ok(None),
    }
}

async fn list(documents: &impl Documents, page: &Page) -> Result<Reply, DocumentsError> {
    let after = match &page.starting_after {
        Some(id) => match find(documents, id).await? {
            Some(record) => Some((record.intent.created, id.clone())),
            None => return Ok(no_such(id)),
        },
        None => None,
    };
    let mut found: Vec<Intent> = Vec::new();
    let minutes = documents.list(MINUTES).await?;
    let in_range = |sk: &str| sk.parse::<i64>().is_ok_and(|start| start + 59 >= page.created_from && start <= page.created_to);
    for (minute, _) in minutes.iter().rev().filter(|(minute, _)| in_range(minute)) {
        let entries = documents.list(&format!("payment-minute#{minute}")).await?;
        let wanted = entries.iter().rev().filter_map(|(sk, _)| {
            let (created, id) = sk.split_once('#')?;
            let created: i64 = created.parse().ok()?;
            let in_range = (page.created_from..=page.created_to).contains(&created);
            let comes_after = after.as_ref().is_none_or(|after| (created, id) < (after.0, after.1.as_str()));
            (in_range && comes_after).then_some((created, id))
        });
        let records = try_join_all(
            wanted.map(|(created, id)| async move { Ok::<_, DocumentsError>((created, find(documents, id).await?)) }),
        )
        .await?;
        found.extend(
            records
                .into_iter()
                .filter_map(|(created, record)| record.map(|record| record.intent).filter(|intent| intent.created == created)),
        );
        if found.len() > page.limit {
            break;
        }
    }
    let has_more = found.len() > page.limit;
    found.truncate(page.limit);
    Ok(Reply::new(200, json!({ "object": "list", "url": "/v1/payment_intents", "has_more": has_more, "data": found })))
}

/// The start of the minute, so that keys sort by time.
fn minute(created: i64) -> String {
    format!("{:010}", created - created.rem_euclid(60))
}

fn metadata(form: &Form) -> BTreeMap<String, String> {
    let name = |field: &str| Some(field.strip_prefix("metadata[")?.strip_suffix(']')?.to_owned());
    form.iter().filter_map(|(field, value)| Some((name(field)?, value.clone()))).collect()
}

fn amount(form: &Form, field: &str) -> Result<Option<i64>, Reply> {
    let Some(text) = form.get(field) else { return Ok(None) };
    let amount: i64 = text.parse().map_err(|_| not_an_integer(field))?;
    if !(1..=99_999_999).contains(&amount) {
        return Err(invalid("parameter_invalid_integer", &format!("{field} must be from 1 to 99999999"), field));
    }
    Ok(Some(amount))
}

fn missing(field: &str) -> Reply {
    invalid("parameter_missing", &format!("Missing required param: {field}."), field)
}

fn not_an_integer(field: &str) -> Reply {
    invalid("parameter_invalid_integer", &format!("Invalid integer: {field}"), field)
}

fn no_such(id: &str) -> Reply {
    error(
        404,
        "invalid_request_error",
        json!({ "code": "resource_missing", "message": format!("No such payment_intent: '{id}'"), "param": "intent" }),
    )
}

fn unexpected_state(intent: &Intent, message: &str) -> Reply {
    error(
        400,
        "invalid_request_error",
        json!({ "code": "payment_intent_unexpected_state", "message": message, "payment_intent": intent }),
    )
}

fn invalid(code: &str, message: &str, param: &str) -> Reply {
    let mut details = json!({ "message": message });
    for (name, value) in [("code", code), ("param", param)].into_iter().filter(|(_, value)| !value.is_empty()) {
        details[name] = value.into();
    }
    error(400, "invalid_request_error", details)
}

/// The API's error body.
pub(crate) fn error(status: u16, kind: &str, mut details: Value) -> Reply {
    details["type"] = kind.into();
    Reply::new(status, json!({ "error": details }))
}
