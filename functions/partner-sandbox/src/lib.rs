//! Plays the partners: payment, fraud, logistics, merchants, and a legacy system. Keeps books on what it did, and fails as told.
//!
//! A call goes through [`Sandbox::handle`]: it is recognised, the oldest fault that fits is taken, the partner acts unless
//! the fault forbids it, the call is written into the books, and the answer is given, held back or replaced. What is due
//! later comes back through [`Sandbox::deliver`].

pub mod books;
pub mod callbacks;
pub mod documents;
pub mod faults;
pub mod fraud;
pub mod legacy;
pub mod logistics;
pub mod merchant;
pub mod payment;
pub mod vendors;

use books::{Call, CallOutcome};
use callbacks::{AddressPattern, Callback, CallbackError, Callbacks, DeferredRequest, Outbound, Time};
use carryout_lambda::batch::{BatchItemError, Message};
use carryout_lambda::http::{Problem, Request, Response};
use carryout_lambda::idempotency::validation_hash;
use carryout_lambda::signature::KeyRing;
use carryout_lambda::token::{JwksSource, TokenVerifier};
use documents::{Documents, DocumentsError};
use faults::FaultKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// The role that may set faults and read books.
const OPERATOR: &str = "operator";

/// What the sandbox is connected to.
pub trait Ports: Clone + Send + Sync + 'static {
    /// Where it keeps everything.
    type Documents: Documents;
    /// Where it keeps what is due later.
    type Callbacks: Callbacks;
    /// How it reaches those who wait for answers.
    type Outbound: Outbound;
    /// Its clock.
    type Time: Time;
    /// Where the keys of the operators' tokens come from.
    type Jwks: JwksSource;
}

/// How the sandbox is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The addresses that merchants may answer to; where there is none, they answer to any.
    pub answers_go_to: Option<AddressPattern>,
    /// The addresses that vendors may answer to; where there is none, they answer to any.
    pub vendor_answers_go_to: Option<AddressPattern>,
    /// Signs the merchants' answers.
    pub webhook_keys: KeyRing,
    /// Signs vendors' answers.
    pub vendor_webhook_keys: KeyRing,
    /// The addresses that the payment processor's events may go to; where there is none, they go to any.
    pub events_go_to: Option<AddressPattern>,
    /// Signs the payment processor's events.
    pub payment_webhook_keys: KeyRing,
}

/// The partners.
#[derive(Debug, Clone)]
pub struct Sandbox<P: Ports> {
    /// Where it keeps everything.
    pub documents: P::Documents,
    /// Where it keeps what is due later.
    pub callbacks: P::Callbacks,
    /// How it reaches those who wait for answers.
    pub outbound: P::Outbound,
    /// Its clock.
    pub time: P::Time,
    /// Knows operators.
    pub operators: TokenVerifier<P::Jwks>,
    /// How it is set up.
    pub settings: Arc<Settings>,
}

/// Who is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partner {
    /// The payment processor.
    Payment,
    /// The fraud check.
    Fraud,
    /// The couriers.
    Logistics,
    /// The stores.
    Merchant,
    /// The system before this one, whose readers orders are mirrored for.
    Legacy,
    /// The vendors of onboarding.
    Vendor,
}

/// What the sandbox itself failed at.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The documents did not do what was asked.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// A callback could not be scheduled.
    #[error(transparent)]
    Callback(#[from] CallbackError),
}

impl From<SandboxError> for Problem {
    fn from(error: SandboxError) -> Self {
        Self::new(503, "Sandbox.Unavailable", "the sandbox can't keep its books right now").retry_after(1).caused_by(&error)
    }
}

impl<P: Ports> Sandbox<P> {
    /// Answers a request: a call to a partner, or an operator's.
    ///
    /// # Errors
    ///
    /// Problems of the operators' routes; 404 `Sandbox.NoSuchRoute`; 503 `Sandbox.Unavailable`. Refusals of partners are
    /// responses in the partner's own form.
    pub async fn handle(self, request: Request) -> Result<Response, Problem> {
        let path = request.path.clone();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["v1", "ops", "sandbox", rest @ ..] => self.operate(&request, rest).await,
            segments => {
                let refusal = if segments.first() == Some(&"payment") { payment::unauthorized(&request) } else { None };
                let call = PartnerCall::of(&request, segments, &self.settings).ok_or_else(no_such_route)?;
                match refusal.map_or(call, Err) {
                    Ok(call) => Ok(self.call(&request, call).await?.into()),
                    Err(refusal) => Ok(refusal.into()),
                }
            }
        }
    }

    /// Does what is due.
    ///
    /// # Errors
    ///
    /// Where it must be tried again.
    pub async fn deliver(self, message: Message) -> Result<(), BatchItemError> {
        match message.json()? {
            Callback::MerchantAnswer(answer) => {
                merchant::answer(&self.documents, &self.outbound, &self.settings, self.time.now_ms(), &answer).await
            }
            Callback::PaymentEvent(event) => {
                let now_s = self.time.now_ms() / 1_000;
                payment::tell(&self.documents, &self.outbound, &self.settings, now_s, &event).await
            }
            Callback::VendorAnswer(due) => {
                vendors::answer(&self.documents, &self.outbound, &self.settings, self.time.now_ms(), &due).await
            }
            Callback::LateEffect(request) => self.land(request.into()).await,
        }
    }

    async fn operate(&self, request: &Request, segments: &[&str]) -> Result<Response, Problem> {
        self.operators.verify(request).await?.require_role(OPERATOR)?;
        let unavailable = |error: DocumentsError| Problem::from(SandboxError::from(error));
        match (request.method.as_str(), segments) {
            ("POST", ["faults"]) => {
                let fault = faults::parse(request)?;
                faults::set(&self.documents, &fault).await.map_err(unavailable)?;
                Ok(Response::json(201, &fault))
            }
            ("GET", ["faults"]) => {
                Ok(Response::json(200, &json!({ "faults": faults::list(&self.documents).await.map_err(unavailable)? })))
            }
            ("DELETE", ["faults"]) => {
                faults::clear(&self.documents).await.map_err(unavailable)?;
                Ok(Response::empty(204))
            }
            ("GET", ["books", order_id]) => {
                Ok(Response::json(200, &books::read(&self.documents, order_id).await.map_err(unavailable)?))
            }
            _ => Err(no_such_route()),
        }
    }

    async fn call(&self, request: &Request, partner_call: PartnerCall) -> Result<Reply, SandboxError> {
        let call = partner_call.call.clone();
        let fault = faults::take(&self.documents, &call).await?;
        let effect = match &fault {
            Some(FaultKind::LateEffect { milliseconds }) => {
                let seconds = u32::try_from(milliseconds.div_ceil(1_000)).unwrap_or(u32::MAX);
                self.callbacks.schedule(&Callback::LateEffect(DeferredRequest::of(request)), seconds).await?;
                None
            }
            Some(fault) if !fault.acts() => None,
            fault => Some(self.act(&partner_call, fault.as_ref()).await?),
        };
        let outcome = match (&effect, &fault) {
            (Some(reply), _) => reply.outcome(),
            (None, Some(FaultKind::LateEffect { .. })) => CallOutcome::Later,
            (None, _) => CallOutcome::Nothing,
        };
        let instead = fault.as_ref().and_then(|fault| fault.answer(call.partner));
        let reply = instead.or(effect).unwrap_or_else(|| call.partner.error(500, "internal", "the sandbox has no answer"));
        let held = fault.as_ref().and_then(FaultKind::holds_for);
        let (partner, operation, status) = (call.partner.name(), call.operation, reply.status);
        let played = fault.as_ref().map(FaultKind::name);
        tracing::info!(
            order.id = call.order_id,
            partner,
            operation,
            ?outcome,
            status,
            fault = played,
            "{partner} {operation} {status}"
        );
        books::record(&self.documents, &call, self.time.now_ms(), outcome, Some(reply.status), fault).await?;
        if let Some(milliseconds) = held {
            self.time.sleep(milliseconds).await;
        }
        Ok(reply)
    }

    /// Lets an effect land whose caller has long been told that nobody answers. No fault is played on it.
    async fn land(&self, request: Request) -> Result<(), BatchItemError> {
        let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
        let Some(Ok(call)) = PartnerCall::of(&request, &segments, &self.settings) else {
            return Err(BatchItemError::new("Sandbox.NotACall", "the deferred request is no call to a partner"));
        };
        let unavailable = |error: SandboxError| BatchItemError::new("Sandbox.Unavailable", error.to_string());
        let reply = self.act(&call, None).await.map_err(unavailable)?;
        let recorded = books::record(&self.documents, &call.call, self.time.now_ms(), reply.outcome(), None, None).await;
        recorded.map_err(|error| unavailable(error.into()))
    }

    async fn act(&self, call: &PartnerCall, fault: Option<&FaultKind>) -> Result<Reply, SandboxError> {
        let (documents, now_ms) = (&self.documents, self.time.now_ms());
        Ok(match &call.part {
            Operation::Payment(route) => {
                let (key, now_s) = (call.call.key.as_deref(), now_ms / 1_000);
                let reply = payment::serve(documents, route, key, now_s, fault).await?;
                // Whoever dies before this has acted and tells nobody; nobody may rely on being told.
                if let Some(event) = payment::event(route, &reply, now_s)
                    && payment::subscriber(documents).await?.is_some()
                {
                    self.callbacks.schedule(&Callback::PaymentEvent(event), 0).await?;
                }
                reply
            }
            Operation::Fraud(check) => fraud::serve(documents, check, now_ms, fault).await?,
            Operation::Logistics(route) => logistics::serve(documents, route, now_ms, fault).await?,
            Operation::Legacy(route) => legacy::serve(documents, route).await?,
            Operation::Vendor(route) => vendors::serve(documents, &self.callbacks, route, &call.correlation_id, fault).await?,
            Operation::Merchant(route) => merchant::serve(documents, &self.callbacks, route, &call.correlation_id, fault).await?,
        })
    }
}

/// A call to a partner, and what exactly it asks.
struct PartnerCall {
    call: Call,
    correlation_id: String,
    part: Operation,
}

enum Operation {
    Payment(payment::Route),
    Fraud(fraud::Check),
    Logistics(logistics::Route),
    Merchant(merchant::Route),
    Legacy(legacy::Route),
    Vendor(vendors::Route),
}

impl PartnerCall {
    /// Nothing where the request is no call to a partner; the partner's refusal where it can't be read.
    fn of(request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<Self, Reply>> {
        type Routed<R> = Option<Result<(Call, R), Reply>>;
        fn call<R>(request: &Request, route: Routed<R>, part: fn(R) -> Operation) -> Option<Result<PartnerCall, Reply>> {
            route.map(|route| {
                route.map(|(call, route)| PartnerCall { call, correlation_id: request.correlation_id.clone(), part: part(route) })
            })
        }
        let (partner, rest) = segments.split_first()?;
        match *partner {
            "payment" => call(request, payment::route(request, rest, settings), Operation::Payment),
            "fraud" => call(request, fraud::route(request, rest), Operation::Fraud),
            "logistics" => call(request, logistics::route(request, rest), Operation::Logistics),
            "legacy" => call(request, legacy::route(request, rest), Operation::Legacy),
            "merchant" => call(request, merchant::route(request, rest, settings), Operation::Merchant),
            "vendors" => call(request, vendors::route(request, rest, settings), Operation::Vendor),
            _ => None,
        }
    }
}

impl Partner {
    /// Its name in paths, faults and books.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Fraud => "fraud",
            Self::Logistics => "logistics",
            Self::Merchant => "merchant",
            Self::Legacy => "legacy",
            Self::Vendor => "vendor",
        }
    }

    /// What this partner can be asked.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Payment => payment::OPERATIONS,
            Self::Fraud => fraud::OPERATIONS,
            Self::Logistics => logistics::OPERATIONS,
            Self::Merchant => merchant::OPERATIONS,
            Self::Legacy => legacy::OPERATIONS,
            Self::Vendor => vendors::OPERATIONS,
        }
    }

    /// An error in this partner's form.
    pub(crate) fn error(self, status: u16, code: &str, message: &str) -> Reply {
        match self {
            Self::Payment => payment::error(status, "api_error", json!({ "code": code, "message": message })),
            Self::Fraud | Self::Logistics | Self::Merchant | Self::Legacy | Self::Vendor => {
                Reply::new(status, json!({ "code": code, "message": message }))
            }
        }
    }

    /// The request's body, or this partner's refusal.
    pub(crate) fn body<T: DeserializeOwned>(self, request: &Request) -> Result<T, Reply> {
        request.json().map_err(|problem| self.error(400, "invalid_request", problem.detail()))
    }
}

/// What a partner answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    status: u16,
    body: Value,
    replayed: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body, replayed: false }
    }

    /// Marks the answer as one that changed nothing, because its idempotency key was used before.
    pub(crate) fn replayed(self) -> Self {
        Self { replayed: true, ..self }
    }

    pub(crate) fn was_replayed(&self) -> bool {
        self.replayed
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    fn outcome(&self) -> CallOutcome {
        if self.status < 400 { CallOutcome::Done } else { CallOutcome::Refused }
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        let response = Self::json(reply.status, &reply.body);
        if reply.replayed { response.header("idempotent-replayed", "true") } else { response }
    }
}

fn no_such_route() -> Problem {
    Problem::new(404, "Sandbox.NoSuchRoute", "no partner knows this request")
}

/// Ids become parts of other ids and of keys.
pub(crate) fn fit_for_ids(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The order in an id such as `pi_<order>_<hash>`: all of an order lies in one partition.
pub(crate) fn order_in<'a>(prefix: &str, id: &'a str) -> Option<&'a str> {
    let (order_id, _) = id.strip_prefix(prefix)?.rsplit_once('_')?;
    Some(order_id).filter(|order_id| fit_for_ids(order_id))
}

/// A short name for an idempotency key.
pub(crate) fn key_hash(key: &str) -> String {
    let mut hash = validation_hash(&Value::from(key));
    hash.truncate(20);
    hash
}

#[cfg(test)]
mod tests;
