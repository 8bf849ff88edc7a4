//! The interface of a partner: it routes requests, executes them, delivers its callbacks, and reports its books.

use crate::call::{Call, FaultKind, Operation, Partner, Reply};
use crate::callbacks::Callback;
use crate::documents::{Document, DocumentsError};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Request;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A partner that the sandbox plays. [`partners`](crate::partners) lists all of them.
pub(crate) trait PlayedPartner<P: Ports>: Send + Sync {
    /// The partner.
    fn partner(&self) -> Partner;

    /// The first segment of its paths.
    fn path(&self) -> &'static str {
        self.partner().name()
    }

    /// Every operation that it offers.
    fn operations(&self) -> &'static [&'static Operation];

    /// Refuses a caller without credentials.
    fn authenticate(&self, _request: &Request) -> Result<(), Reply> {
        Ok(())
    }

    /// Reads a call from a request, given the path's segments after [`path`](Self::path). `None` if the partner has no such
    /// route; the partner's refusal if the request is invalid.
    fn route(&self, request: &Request, segments: &[&str], settings: &Settings) -> Option<Result<PartnerCall<P>, Reply>>;

    /// An error in the partner's form.
    fn error(&self, status: u16, code: &str, message: &str) -> Reply {
        Reply::error(status, code, message)
    }

    /// Delivers a callback that the partner scheduled. `None` if it is another partner's.
    fn deliver<'a>(
        &'a self,
        _sandbox: &'a Sandbox<P>,
        _callback: &'a Callback,
    ) -> Option<BoxFuture<'a, Result<(), BatchItemError>>> {
        None
    }

    /// Reports the partner's documents of one order.
    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError>;
}

/// A call that was read from a request, ready to be executed.
pub(crate) struct PartnerCall<P: Ports> {
    /// The call, for faults and books.
    pub call: Call,
    /// The caller's correlation id.
    pub correlation_id: String,
    /// The partner's work.
    pub effect: Box<dyn Effect<P>>,
}

impl<P: Ports> PartnerCall<P> {
    pub(crate) fn new(request: &Request, call: Call, effect: impl Effect<P> + 'static) -> Self {
        Self { call, correlation_id: request.correlation_id.clone(), effect: Box::new(effect) }
    }
}

/// The partner's work for one call.
pub(crate) trait Effect<P: Ports>: Send + Sync {
    /// Executes `call`, as `fault` changes it.
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        call: &'a PartnerCall<P>,
        fault: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>>;
}

/// The documents of one order, by sort key.
pub(crate) struct OrderDocuments(pub Vec<(String, Document)>);

impl OrderDocuments {
    /// The documents whose sort key begins with `kind`, oldest key first.
    pub(crate) fn of<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, DocumentsError> {
        let found = self.0.iter().filter(|(sk, _)| sk.split('#').next() == Some(kind));
        found.map(|(_, document)| Ok(serde_json::from_value(document.value.clone())?)).collect()
    }
}

/// A partner's part of an order's books.
#[derive(Default)]
pub(crate) struct PartnerBooks {
    /// Its entries.
    pub entries: Vec<(&'static str, Value)>,
    /// Its part of the summary.
    pub summary: Vec<(&'static str, Value)>,
}
