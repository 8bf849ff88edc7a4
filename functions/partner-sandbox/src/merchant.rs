//! The merchants: they receive orders, and answer them if asked to.

use crate::books::{Call, partition};
use crate::callbacks::{Callback, Callbacks, MerchantAnswer, Outbound, schedule_answers};
use crate::documents::{Documents, DocumentsError, read, update};
use crate::faults::FaultKind;
use crate::{Partner, Reply, SandboxError, Settings, fit_for_ids};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use carryout_lambda::signature::{WEBHOOK_SIGNATURE_HEADER, sign_webhook};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["notify", "lookup", "cancel"];

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    name: String,
    quantity: u32,
}

/// An order that a store is notified of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    consumer_id: String,
    consumer_name: String,
    fulfilment: String,
    lines: Vec<Line>,
    #[serde(default)]
    answer_to: Option<String>,
}

/// Where an order stands at a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatus {
    /// The store has it.
    Received,
    /// The store has said yes.
    Accepted,
    /// The store has said no.
    Refused,
    /// It is called off, perhaps before it came.
    Cancelled,
}

/// An order at a store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MerchantOrder {
    store_id: String,
    order_id: String,
    /// Where it stands.
    pub status: MerchantStatus,
    /// Nothing where it was called off before it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consumer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notification: Option<Notification>,
    /// Why the store refuses, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refuses: Option<String>,
    /// Whether the store's answers are on their way, or never will be.
    #[serde(default)]
    scheduled: bool,
    /// What those who wait for an answer said to it: a status, or nothing where they could not be reached.
    #[serde(default)]
    answers: Vec<Option<u16>>,
}

impl MerchantOrder {
    fn reply(&self) -> Reply {
        Reply::new(200, json!({ "store_id": self.store_id, "order_id": self.order_id, "status": self.status }))
    }

    /// An answer that was thrown away is given again to whoever asks again.
    fn wants_answer(&self) -> bool {
        !self.scheduled || matches!(self.answers.last(), Some(Some(400..500)))
    }
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    Notify(Box<Notification>),
    Lookup,
    Cancel,
}

/// What is asked about which order of which store.
#[derive(Debug)]
pub(crate) struct Route {
    store_id: String,
    order_id: String,
    ask: Ask,
}

impl Route {
    fn sk(&self) -> String {
        sk(&self.store_id)
    }
}

fn sk(store_id: &str) -> String {
    format!("merchant#{store_id}")
}

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<(Call, Route), Reply>> {
    let ["v1", "stores", store_id, "orders", order_id, rest @ ..] = segments else { return None };
    let ask = match (request.method.as_str(), rest) {
        ("PUT", []) => notification(request, settings),
        ("GET", []) => Ok(Ask::Lookup),
        ("POST", ["cancel"]) => Ok(Ask::Cancel),
        _ => return None,
    };
    if !fit_for_ids(store_id) || !fit_for_ids(order_id) {
        return Some(Err(Partner::Merchant.error(400, "invalid_request", "the store's or the order's id is not valid")));
    }
    Some(ask.map(|ask| {
        let (operation, consumer_id) = match &ask {
            Ask::Notify(notification) => ("notify", Some(notification.consumer_id.clone())),
            Ask::Lookup => ("lookup", None),
            Ask::Cancel => ("cancel", None),
        };
        let order_id = (*order_id).to_owned();
        let call = Call { partner: Partner::Merchant, operation, order_id: Some(order_id.clone()), consumer_id, key: None };
        (call, Route { store_id: (*store_id).to_owned(), order_id, ask })
    }))
}

fn notification(request: &Request, settings: &Settings) -> Result<Ask, Reply> {
    let notification: Notification = Partner::Merchant.body(request)?;
    // The sandbox signs what it posts, so it posts only where it is meant to.
    let allowed = |url: &String| settings.answers_go_to.as_ref().is_none_or(|pattern| pattern.fits(url));
    if !notification.answer_to.iter().all(allowed) {
        return Err(Partner::Merchant.error(
            400,
            "invalid_request",
            "answer_to is not an address that this sandbox may answer to",
        ));
    }
    Ok(Ask::Notify(Box::new(notification)))
}

pub(crate) async fn serve(
    documents: &impl Documents,
    callbacks: &impl Callbacks,
    route: &Route,
    correlation_id: &str,
    fault: Option<&FaultKind>,
) -> Result<Reply, SandboxError> {
    let pk = partition(&route.order_id);
    match &route.ask {
        Ask::Notify(notification) => notify(documents, callbacks, route, notification, correlation_id, fault).await,
        Ask::Lookup => {
            let order = read::<MerchantOrder>(documents, &pk, &route.sk()).await?;
            Ok(order.map_or_else(
                || Partner::Merchant.error(404, "not_found", "the store does not know this order"),
                |order| order.reply(),
            ))
        }
        Ask::Cancel => {
            let cancel = |known: Option<MerchantOrder>| {
                let order = MerchantOrder { status: MerchantStatus::Cancelled, ..known.unwrap_or_else(|| unknown(route)) };
                let reply = order.reply();
                (Some(order), reply)
            };
            Ok(update(documents, &pk, &route.sk(), cancel).await?)
        }
    }
}

fn unknown(route: &Route) -> MerchantOrder {
    MerchantOrder {
        store_id: route.store_id.clone(),
        order_id: route.order_id.clone(),
        status: MerchantStatus::Received,
        consumer_id: None,
        notification: None,
        refuses: None,
        scheduled: false,
        answers: Vec::new(),
    }
}

async fn notify(
    documents: &impl Documents,
    callbacks: &impl Callbacks,
    route: &Route,
    notification: &Notification,
    correlation_id: &str,
    fault: Option<&FaultKind>,
) -> Result<Reply, SandboxError> {
    let (pk, sk) = (partition(&route.order_id), route.sk());
    let order = update(documents, &pk, &sk, |known: Option<MerchantOrder>| {
        if let Some(known) = known {
            return (None, known);
        }
        let mut order = unknown(route);
        order.consumer_id = Some(notification.consumer_id.clone());
        order.notification = Some(notification.clone());
        if let Some(FaultKind::Refuse { reason }) = fault {
            order.refuses = Some(reason.clone());
            if notification.answer_to.is_none() {
                order.status = MerchantStatus::Refused;
            }
        }
        (Some(order.clone()), order)
    })
    .await?;
    match order.status {
        MerchantStatus::Cancelled => {
            return Ok(Partner::Merchant.error(409, "order_cancelled", "this order was cancelled before"));
        }
        MerchantStatus::Refused if notification.answer_to.is_none() => {
            return Ok(Partner::Merchant.error(422, "order_refused", &order.refuses.unwrap_or_default()));
        }
        MerchantStatus::Received | MerchantStatus::Accepted | MerchantStatus::Refused => {}
    }
    if let Some(answer_to) = notification.answer_to.as_ref().filter(|_| order.wants_answer()) {
        let answer = Callback::MerchantAnswer(MerchantAnswer {
            store_id: route.store_id.clone(),
            order_id: route.order_id.clone(),
            answer_to: answer_to.clone(),
            correlation_id: correlation_id.to_owned(),
        });
        // First scheduled, then remembered: whoever dies in between is asked again, and answers twice rather than never.
        schedule_answers(callbacks, &answer, fault).await?;
        update(documents, &pk, &sk, |order: Option<MerchantOrder>| {
            (order.map(|order| MerchantOrder { scheduled: true, answers: Vec::new(), ..order }), ())
        })
        .await?;
    }
    Ok(Reply::new(200, json!({ "status": "received" })))
}

/// Gives a store's answer to whoever waits for it. A receiver that can't be reached or fails is tried again; one that says no
/// is believed.
pub(crate) async fn answer(
    documents: &impl Documents,
    outbound: &impl Outbound,
    settings: &Settings,
    now_ms: i64,
    due: &MerchantAnswer,
) -> Result<(), BatchItemError> {
    let MerchantAnswer { store_id, order_id, answer_to, correlation_id } = due;
    let (pk, sk) = (partition(order_id), sk(store_id));
    let broken = |error: DocumentsError| BatchItemError::new("Sandbox.Unavailable", error.to_string());
    let decided = update(documents, &pk, &sk, |order: Option<MerchantOrder>| {
        let Some(mut order) = order.filter(|order| order.status != MerchantStatus::Cancelled) else { return (None, None) };
        order.status = if order.refuses.is_some() { MerchantStatus::Refused } else { MerchantStatus::Accepted };
        (Some(order.clone()), Some(order))
    })
    .await
    .map_err(broken)?;
    let Some(order) = decided else {
        tracing::info!(order.id = order_id, store_id, "no answer: the order was cancelled");
        return Ok(());
    };
    let (answer, reason) = order.refuses.map_or(("accepted", String::new()), |reason| ("refused", reason));
    let body = json!({ "order_id": order_id, "answer": answer, "reason": reason }).to_string();
    let signature = sign_webhook(&settings.webhook_keys, now_ms / 1_000, body.as_bytes());
    let headers = [(WEBHOOK_SIGNATURE_HEADER, signature), ("X-Correlation-Id", correlation_id.clone())];
    let answered = outbound.post(answer_to, &headers, body).await;
    let status = answered.as_ref().ok().copied();
    update(documents, &pk, &sk, |order: Option<MerchantOrder>| {
        let noted = order.map(|mut order| {
            order.answers.push(status);
            order
        });
        (noted, ())
    })
    .await
    .map_err(broken)?;
    tracing::info!(order.id = order_id, store_id, answer, status, "answered");
    match answered {
        Err(error) => Err(BatchItemError::new("Merchant.AnswerLost", error.to_string())),
        Ok(status @ 500..) => Err(BatchItemError::new("Merchant.AnswerLost", format!("the receiver failed with {status}"))),
        Ok(_) => Ok(()),
    }
}
