use crate::callbacks::{AddressPattern, CallbackError, Callbacks, Outbound, Time};
use crate::documents::{Documents, DocumentsError};
use carryout_lambda::batch::BatchItemError;
use carryout_lambda::http::Problem;
use carryout_lambda::signature::KeyRing;
use carryout_lambda::token::{JwksSource, TokenVerifier};
use std::sync::Arc;

/// The ports of the sandbox.
pub trait Ports: Clone + Send + Sync + 'static {
    /// Stores the books, faults and partner state.
    type Documents: Documents;
    /// Schedules callbacks.
    type Callbacks: Callbacks;
    /// Posts answers and events to their receivers.
    type Outbound: Outbound;
    /// The clock.
    type Time: Time;
    /// The keys of the operators' tokens.
    type Jwks: JwksSource;
}

/// The configuration of the sandbox.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The addresses that merchants may answer to; any if absent.
    pub answers_go_to: Option<AddressPattern>,
    /// The addresses that vendors may answer to; any if absent.
    pub vendor_answers_go_to: Option<AddressPattern>,
    /// Signs the merchants' answers.
    pub webhook_keys: KeyRing,
    /// Signs vendors' answers.
    pub vendor_webhook_keys: KeyRing,
    /// The addresses that the payment processor's events may go to; any if absent.
    pub events_go_to: Option<AddressPattern>,
    /// Signs the payment processor's events.
    pub payment_webhook_keys: KeyRing,
}

/// The partners, and what they are connected to.
#[derive(Debug, Clone)]
pub struct Sandbox<P: Ports> {
    /// Stores the books, faults and partner state.
    pub documents: P::Documents,
    /// Schedules callbacks.
    pub callbacks: P::Callbacks,
    /// Posts answers and events to their receivers.
    pub outbound: P::Outbound,
    /// The clock.
    pub time: P::Time,
    /// Verifies the operators' tokens.
    pub operators: TokenVerifier<P::Jwks>,
    /// The configuration.
    pub settings: Arc<Settings>,
}

impl<P: Ports> Sandbox<P> {
    /// The time in seconds since the Unix epoch.
    pub(crate) fn now_s(&self) -> i64 {
        self.time.now_ms() / 1_000
    }
}

/// A failure of the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The documents are unavailable or corrupt.
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

impl From<SandboxError> for BatchItemError {
    fn from(error: SandboxError) -> Self {
        Self::new("Sandbox.Unavailable", error.to_string())
    }
}

impl From<DocumentsError> for BatchItemError {
    fn from(error: DocumentsError) -> Self {
        SandboxError::from(error).into()
    }
}

impl From<DocumentsError> for Problem {
    fn from(error: DocumentsError) -> Self {
        SandboxError::from(error).into()
    }
}
