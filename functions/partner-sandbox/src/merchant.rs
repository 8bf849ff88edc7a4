//! The merchants: they receive orders, and answer them on request.

use crate::call::{Call, FaultKind, Operation, Partner, Reply, json_body};
use crate::callbacks::{Callback, MerchantAnswer, Outbound, schedule_answers};
use crate::documents::{DocumentsError, order_partition, read, update};
use crate::ids::is_valid_id;
use crate::partner::{Effect, OrderDocuments, PartnerBooks, PartnerCall, PlayedPartner};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use carryout_lambda::signature::{WEBHOOK_SIGNATURE_HEADER, sign_webhook};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;

const NOTIFY: &Operation = &Operation::effect("notify").answered_later();
const LOOKUP: &Operation = &Operation::read("lookup");
const CANCEL: &Operation = &Operation::effect("cancel");

/// An ordered item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    name: String,
    quantity: u32,
}

/// The notification of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    consumer_id: String,
    consumer_name: String,
    fulfilment: String,
    lines: Vec<Line>,
    #[serde(default)]
    answer_to: Option<String>,
}

/// The status of an order at a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatus {
    /// The store has received it.
    Received,
    /// The store has accepted it.
    Accepted,
    /// The store has refused it.
    Refused,
    /// It is cancelled, possibly before the store received it.
    Cancelled,
}

/// An order at a store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MerchantOrder {
    store_id: String,
    order_id: String,
    /// The status.
    pub status: MerchantStatus,
    /// None if it was cancelled before the store received it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consumer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notification: Option<Notification>,
    /// Why the store refuses it, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refuses: Option<String>,
    /// Whether the store's answers are scheduled, or suppressed by a fault.
    #[serde(default)]
    scheduled: bool,
    /// The receivers' statuses; none where a receiver was unreachable.
    #[serde(default)]
    answers: Vec<Option<u16>>,
}

impl MerchantOrder {
    fn reply(&self) -> Reply {
        Reply::new(200, json!({ "store_id": self.store_id, "order_id": self.order_id, "status": self.status }))
    }

    /// Whether a notification must be answered: not yet answered, or the receiver rejected the last answer.
    fn needs_answer(&self) -> bool {
        !self.scheduled || matches!(self.answers.last(), Some(Some(400..500)))
    }
}

/// The stores.
pub(crate) struct Merchant;

/// A request to a store about an order.
#[derive(Debug)]
struct MerchantRequest {
    store_id: String,
    order_id: String,
    action: Action,
}

/// The requested operation.
#[derive(Debug)]
enum Action {
    Notify(Box<Notification>),
    Lookup,
    Cancel,
}

impl MerchantRequest {
    fn sort_key(&self) -> String {
        sort_key(&self.store_id)
    }

    /// The order before the store received it.
    fn unreceived(&self) -> MerchantOrder {
        MerchantOrder {
            store_id: self.store_id.clone(),
            order_id: self.order_id.clone(),
            status: MerchantStatus::Received,
            consumer_id: None,
            notification: None,
            refuses: None,
            scheduled: false,
            answers: Vec::new(),
        }
    }
}

fn sort_key(store_id: &str) -> String {
    format!("merchant#{store_id}")
}

impl<P: Ports> PlayedPartner<P> for Merchant {
    fn partner(&self) -> Partner {
        Partner::Merchant
    }

    fn operations(&self) -> &'static [&'static Operation] {
        &[NOTIFY, LOOKUP, CANCEL]
    }

    fn route(&self, request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<PartnerCall<P>, Reply>> {
        let ["v1", "stores", store_id, "orders", order_id, rest @ ..] = segments else { return None };
        let action = match (request.method.as_str(), rest) {
            ("PUT", []) => notification(request, settings).map(|notification| Action::Notify(Box::new(notification))),
            ("GET", []) => Ok(Action::Lookup),
            ("POST", ["cancel"]) => Ok(Action::Cancel),
            _ => return None,
        };
        if !is_valid_id(store_id) || !is_valid_id(order_id) {
            return Some(Err(Reply::invalid("the store's or the order's id is not valid")));
        }
        Some(action.map(|action| {
            let (operation, consumer_id) = match &action {
                Action::Notify(notification) => (NOTIFY, Some(notification.consumer_id.clone())),
                Action::Lookup => (LOOKUP, None),
                Action::Cancel => (CANCEL, None),
            };
            let order_id = (*order_id).to_owned();
            let call = Call { partner: Partner::Merchant, operation, order_id: Some(order_id.clone()), consumer_id, key: None };
            PartnerCall::new(request, call, MerchantRequest { store_id: (*store_id).to_owned(), order_id, action })
        }))
    }

    fn deliver<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        callback: &'a Callback,
    ) -> Option<BoxFuture<'a, Result<(), BatchItemError>>> {
        let Callback::MerchantAnswer(due) = callback else { return None };
        Some(Box::pin(answer(sandbox, due)))
    }

    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError> {
        let orders: Vec<MerchantOrder> = order.of("merchant")?;
        Ok(PartnerBooks {
            entries: vec![("merchant_orders", json!(orders))],
            summary: vec![("merchant_status", json!(orders.last().map(|order| order.status)))],
        })
    }
}

impl<P: Ports> Effect<P> for MerchantRequest {
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        called: &'a PartnerCall<P>,
        fault: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>> {
        Box::pin(async move {
            let pk = order_partition(&self.order_id);
            match &self.action {
                Action::Notify(notification) => self.notify(sandbox, notification, &called.correlation_id, fault).await,
                Action::Lookup => {
                    let order = read::<MerchantOrder>(&sandbox.documents, &pk, &self.sort_key()).await?;
                    let unknown = || Reply::error(404, "not_found", "the store does not know this order");
                    Ok(order.map_or_else(unknown, |order| order.reply()))
                }
                Action::Cancel => {
                    let cancel = |known: Option<MerchantOrder>| {
                        let known = known.unwrap_or_else(|| self.unreceived());
                        let order = MerchantOrder { status: MerchantStatus::Cancelled, ..known };
                        let reply = order.reply();
                        (Some(order), reply)
                    };
                    Ok(update(&sandbox.documents, &pk, &self.sort_key(), cancel).await?)
                }
            }
        })
    }
}

fn notification(request: &Request, settings: &Settings) -> Result<Notification, Reply> {
    let notification: Notification = json_body(request)?;
    // The sandbox signs what it posts, so it posts to allowed addresses only.
    let allowed = |url: &String| settings.answers_go_to.as_ref().is_none_or(|pattern| pattern.fits(url));
    if !notification.answer_to.iter().all(allowed) {
        return Err(Reply::invalid("the sandbox may not answer to this address"));
    }
    Ok(notification)
}

impl MerchantRequest {
    async fn notify<P: Ports>(
        &self,
        sandbox: &Sandbox<P>,
        notification: &Notification,
        correlation_id: &str,
        fault: Option<&FaultKind>,
    ) -> Result<Reply, SandboxError> {
        let (documents, pk, sk) = (&sandbox.documents, order_partition(&self.order_id), self.sort_key());
        let order = update(documents, &pk, &sk, |known: Option<MerchantOrder>| {
            if let Some(known) = known {
                return (None, known);
            }
            let mut order = self.unreceived();
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
            MerchantStatus::Cancelled => return Ok(Reply::error(409, "order_cancelled", "this order was cancelled before")),
            MerchantStatus::Refused if notification.answer_to.is_none() => {
                return Ok(Reply::error(422, "order_refused", &order.refuses.unwrap_or_default()));
            }
            MerchantStatus::Received | MerchantStatus::Accepted | MerchantStatus::Refused => {}
        }
        if let Some(answer_to) = notification.answer_to.as_ref().filter(|_| order.needs_answer()) {
            let answer = Callback::MerchantAnswer(MerchantAnswer {
                store_id: self.store_id.clone(),
                order_id: self.order_id.clone(),
                answer_to: answer_to.clone(),
                correlation_id: correlation_id.to_owned(),
            });
            // Scheduled before it is recorded: after a crash in between, a repeated call makes the store answer twice rather
            // than never.
            schedule_answers(&sandbox.callbacks, &answer, fault).await?;
            update(documents, &pk, &sk, |order: Option<MerchantOrder>| {
                (order.map(|order| MerchantOrder { scheduled: true, answers: Vec::new(), ..order }), ())
            })
            .await?;
        }
        Ok(Reply::new(200, json!({ "status": "received" })))
    }
}

/// Posts a store's answer to its receiver. Retried if the receiver is unreachable or fails; a refusal is final.
async fn answer<P: Ports>(sandbox: &Sandbox<P>, due: &MerchantAnswer) -> Result<(), BatchItemError> {
    let MerchantAnswer { store_id, order_id, answer_to, correlation_id } = due;
    let (documents, pk, sk) = (&sandbox.documents, order_partition(order_id), sort_key(store_id));
    let decided = update(documents, &pk, &sk, |order: Option<MerchantOrder>| {
        let Some(mut order) = order.filter(|order| order.status != MerchantStatus::Cancelled) else { return (None, None) };
        order.status = if order.refuses.is_some() { MerchantStatus::Refused } else { MerchantStatus::Accepted };
        (Some(order.clone()), Some(order))
    })
    .await?;
    let Some(order) = decided else {
        tracing::info!(order.id = order_id, store_id, "no answer: the order was cancelled");
        return Ok(());
    };
    let (answer, reason) = order.refuses.map_or(("accepted", String::new()), |reason| ("refused", reason));
    let body = json!({ "order_id": order_id, "answer": answer, "reason": reason }).to_string();
    let signature = sign_webhook(&sandbox.settings.webhook_keys, sandbox.now_s(), body.as_bytes());
    let headers = [(WEBHOOK_SIGNATURE_HEADER, signature), ("X-Correlation-Id", correlation_id.clone())];
    let answered = sandbox.outbound.post(answer_to, &headers, body).await;
    let status = answered.as_ref().ok().copied();
    update(documents, &pk, &sk, |order: Option<MerchantOrder>| {
        let recorded = order.map(|mut order| {
            order.answers.push(status);
            order
        });
        (recorded, ())
    })
    .await?;
    tracing::info!(order.id = order_id, store_id, answer, status, "answered");
    match answered {
        Err(error) => Err(BatchItemError::new("Merchant.AnswerLost", error.to_string())),
        Ok(status @ 500..) => Err(BatchItemError::new("Merchant.AnswerLost", format!("the receiver failed with {status}"))),
        Ok(_) => Ok(()),
    }
}
