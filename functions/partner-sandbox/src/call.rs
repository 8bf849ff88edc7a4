//! A call to a partner: what was asked, the fault that is injected into it, and the reply.

use carryout_lambda::http::{Request, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A partner that the sandbox plays.
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
    /// The legacy system that orders and applicants are mirrored to.
    Legacy,
    /// The vendors of onboarding.
    Vendor,
}

impl Partner {
    /// Its name in faults, books and logs.
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
}

/// An operation that a partner offers, and the faults that fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name in faults, books and logs.
    pub name: &'static str,
    has_effect: bool,
    can_decline: bool,
    answers_later: bool,
}

impl Operation {
    /// An operation that only reads.
    pub(crate) const fn read(name: &'static str) -> Self {
        Self { name, has_effect: false, can_decline: false, answers_later: false }
    }

    /// An operation with an effect, which a fault can defer.
    pub(crate) const fn effect(name: &'static str) -> Self {
        Self { has_effect: true, ..Self::read(name) }
    }

    /// The same operation, which the partner can decline.
    pub(crate) const fn declinable(self) -> Self {
        Self { can_decline: true, ..self }
    }

    /// The same operation, which the partner answers later with an acceptance or a refusal.
    pub(crate) const fn answered_later(self) -> Self {
        Self { answers_later: true, ..self }
    }
}

/// A call to a partner, as faults match it and the books record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The called partner.
    pub partner: Partner,
    /// The requested operation.
    pub operation: &'static Operation,
    /// The order; calls without one are not recorded.
    pub order_id: Option<String>,
    /// The consumer, if the call names one.
    pub consumer_id: Option<String>,
    /// The caller's idempotency key.
    pub key: Option<String>,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// The effect took place, now or in an earlier call.
    Done,
    /// The partner refused.
    Refused,
    /// A fault prevented the effect.
    Nothing,
    /// A fault deferred the effect.
    Later,
}

/// A fault that is injected into a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The effect, and a late answer.
    Slow {
        /// The delay.
        milliseconds: u64,
    },
    /// 503 without an effect.
    FailBefore,
    /// The effect, then 500.
    FailAfter,
    /// No effect, and 504 after a delay.
    Hang {
        /// The delay.
        milliseconds: u64,
    },
    /// The effect at once, and 504 after a delay.
    LoseAnswer {
        /// The delay.
        milliseconds: u64,
    },
    /// 504 at once, and the effect after a delay, to the second.
    LateEffect {
        /// The delay.
        milliseconds: u64,
    },
    /// Payment declines the card, fraud rejects the order, logistics refuses the delivery.
    Decline {
        /// The reason's code, such as `insufficient_funds`.
        code: String,
    },
    /// The merchant refuses the order, or the vendor the applicant.
    Refuse {
        /// The reason.
        reason: String,
    },
    /// The merchant, or the vendor, never answers.
    Silent,
    /// The merchant, or the vendor, answers twice.
    AnswerTwice,
}

impl FaultKind {
    /// Its name in requests, books and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slow { .. } => "slow",
            Self::FailBefore => "fail_before",
            Self::FailAfter => "fail_after",
            Self::Hang { .. } => "hang",
            Self::LoseAnswer { .. } => "lose_answer",
            Self::LateEffect { .. } => "late_effect",
            Self::Decline { .. } => "decline",
            Self::Refuse { .. } => "refuse",
            Self::Silent => "silent",
            Self::AnswerTwice => "answer_twice",
        }
    }

    /// Whether the effect takes place before the answer.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::FailBefore | Self::Hang { .. } | Self::LateEffect { .. })
    }

    /// The delay of the answer. Milliseconds.
    pub fn holds_for(&self) -> Option<u64> {
        match self {
            Self::Slow { milliseconds } | Self::Hang { milliseconds } | Self::LoseAnswer { milliseconds } => Some(*milliseconds),
            _ => None,
        }
    }

    /// The error that replaces the true answer: status, code, message.
    pub(crate) fn error(&self) -> Option<(u16, &'static str, &'static str)> {
        match self {
            Self::FailBefore => Some((503, "unavailable", "injected fault: failed before the effect")),
            Self::FailAfter => Some((500, "internal", "injected fault: failed after the effect")),
            Self::Hang { .. } | Self::LoseAnswer { .. } | Self::LateEffect { .. } => {
                Some((504, "no_answer", "injected fault: no answer"))
            }
            Self::Slow { .. } | Self::Decline { .. } | Self::Refuse { .. } | Self::Silent | Self::AnswerTwice => None,
        }
    }

    /// Whether it fits an operation.
    pub(crate) fn fits(&self, operation: &Operation) -> bool {
        match self {
            Self::Slow { .. } | Self::FailBefore | Self::FailAfter | Self::Hang { .. } | Self::LoseAnswer { .. } => true,
            Self::LateEffect { .. } => operation.has_effect,
            Self::Decline { .. } => operation.can_decline,
            Self::Refuse { .. } | Self::Silent | Self::AnswerTwice => operation.answers_later,
        }
    }
}

/// A partner's reply.
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

    /// An error in the form of every partner but the payment processor.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::new(status, json!({ "code": code, "message": message }))
    }

    /// 400: the request can't be read.
    pub(crate) fn invalid(message: &str) -> Self {
        Self::error(400, "invalid_request", message)
    }

    /// Marks the reply as one that changed nothing, because its idempotency key was used before.
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

    pub(crate) fn outcome(&self) -> CallOutcome {
        if self.status < 400 { CallOutcome::Done } else { CallOutcome::Refused }
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        let response = Self::json(reply.status, &reply.body);
        if reply.replayed { response.header("idempotent-replayed", "true") } else { response }
    }
}

/// Reads the request's JSON body, or refuses it in the form of every partner but the payment processor.
pub(crate) fn json_body<T: DeserializeOwned>(request: &Request) -> Result<T, Reply> {
    request.json().map_err(|problem| Reply::invalid(problem.detail()))
}
