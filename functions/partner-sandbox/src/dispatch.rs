//! Dispatches requests and callbacks to partners, and injects faults.

use crate::books::{self, CallRecord};
use crate::call::{CallOutcome, FaultKind, Reply};
use crate::callbacks::{Callback, Callbacks, DeferredRequest, Time};
use crate::faults;
use crate::partner::{PartnerCall, PlayedPartner};
use crate::partners;
use crate::sandbox::{Ports, Sandbox, SandboxError};
use carryout_lambda::batch::{BatchItemError, Message};
use carryout_lambda::http::{Problem, Request, Response};
use serde_json::json;

/// The role that may set faults and read books.
const OPERATOR: &str = "operator";

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
        if let ["v1", "ops", "sandbox", rest @ ..] = segments.as_slice() {
            return self.operate(&request, rest).await;
        }
        let (partner, call) = self.route(&request, &segments).ok_or_else(no_such_route)?;
        match partner.authenticate(&request).and(call) {
            Ok(call) => Ok(self.play(&request, partner, &call).await?.into()),
            Err(refusal) => Ok(refusal.into()),
        }
    }

    /// Does deferred work.
    ///
    /// # Errors
    ///
    /// Where it must be retried.
    pub async fn deliver(self, message: Message) -> Result<(), BatchItemError> {
        let callback = message.json()?;
        if let Callback::LateEffect(request) = callback {
            return self.apply_late_effect(request.into()).await;
        }
        match partners::all::<P>().into_iter().find_map(|partner| partner.deliver(&self, &callback)) {
            Some(delivery) => delivery.await,
            None => Err(BatchItemError::new("Sandbox.NotACall", "no partner delivers this callback")),
        }
    }

    async fn operate(&self, request: &Request, segments: &[&str]) -> Result<Response, Problem> {
        self.operators.verify(request).await?.require_role(OPERATOR)?;
        match (request.method.as_str(), segments) {
            ("POST", ["faults"]) => {
                let fault = faults::parse::<P>(request)?;
                faults::set(&self.documents, &fault).await?;
                Ok(Response::json(201, &fault))
            }
            ("GET", ["faults"]) => Ok(Response::json(200, &json!({ "faults": faults::list(&self.documents).await? }))),
            ("DELETE", ["faults"]) => {
                faults::clear(&self.documents).await?;
                Ok(Response::empty(204))
            }
            ("GET", ["books", order_id]) => Ok(Response::json(200, &books::read::<P>(&self.documents, order_id).await?)),
            _ => Err(no_such_route()),
        }
    }

    /// The called partner, and the call or its refusal.
    fn route(
        &self,
        request: &Request,
        segments: &[&str],
    ) -> Option<(&'static dyn PlayedPartner<P>, Result<PartnerCall<P>, Reply>)> {
        let (path, rest) = segments.split_first()?;
        let partner = partners::all::<P>().into_iter().find(|partner| partner.path() == *path)?;
        Some((partner, partner.route(request, rest, &self.settings)?))
    }

    async fn play(
        &self,
        request: &Request,
        partner: &dyn PlayedPartner<P>,
        called: &PartnerCall<P>,
    ) -> Result<Reply, SandboxError> {
        let call = &called.call;
        let fault = faults::take(&self.documents, call).await?;
        let effect = match &fault {
            Some(FaultKind::LateEffect { milliseconds }) => {
                let seconds = u32::try_from(milliseconds.div_ceil(1_000)).unwrap_or(u32::MAX);
                self.callbacks.schedule(&Callback::LateEffect(DeferredRequest::of(request)), seconds).await?;
                None
            }
            Some(fault) if !fault.acts() => None,
            fault => Some(called.effect.apply(self, called, fault.as_ref()).await?),
        };
        let outcome = match (&effect, &fault) {
            (Some(reply), _) => reply.outcome(),
            (None, Some(FaultKind::LateEffect { .. })) => CallOutcome::Later,
            (None, _) => CallOutcome::Nothing,
        };
        let injected =
            fault.as_ref().and_then(FaultKind::error).map(|(status, code, message)| partner.error(status, code, message));
        let reply = injected.or(effect).unwrap_or_else(|| partner.error(500, "internal", "the sandbox has no answer"));
        let held = fault.as_ref().and_then(FaultKind::holds_for);
        let (name, operation, status) = (call.partner.name(), call.operation.name, reply.status());
        let injected = fault.as_ref().map(FaultKind::name);
        tracing::info!(
            order.id = call.order_id,
            partner = name,
            operation,
            ?outcome,
            status,
            fault = injected,
            "{name} {operation} {status}"
        );
        let record = CallRecord { status: Some(status), fault, ..CallRecord::of(call, self.time.now_ms(), outcome) };
        books::record(&self.documents, call, &record).await?;
        if let Some(milliseconds) = held {
            self.time.sleep(milliseconds).await;
        }
        Ok(reply)
    }

    /// Applies the effect of a call whose caller was told that it timed out. No fault is injected into it.
    async fn apply_late_effect(&self, request: Request) -> Result<(), BatchItemError> {
        let segments: Vec<&str> = request.path.split('/').filter(|segment| !segment.is_empty()).collect();
        let Some((_, Ok(called))) = self.route(&request, &segments) else {
            return Err(BatchItemError::new("Sandbox.NotACall", "the deferred request is not a call to a partner"));
        };
        let reply = called.effect.apply(self, &called, None).await?;
        let record = CallRecord::of(&called.call, self.time.now_ms(), reply.outcome());
        Ok(books::record(&self.documents, &called.call, &record).await?)
    }
}

fn no_such_route() -> Problem {
    Problem::new(404, "Sandbox.NoSuchRoute", "no partner has this route")
}
