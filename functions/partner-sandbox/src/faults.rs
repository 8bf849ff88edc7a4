//! Faults: how an operator tells the partners to fail.

use crate::books::{Call, consumer_of};
use crate::documents::{Documents, DocumentsError, update};
use crate::{Partner, Reply};
use carryout_lambda::http::{Problem, Request};
use carryout_lambda::ids::new_id;
use serde::{Deserialize, Serialize};

const PARTITION: &str = "faults";
/// The longest that an answer may be held back: API Gateway gives up after 29 seconds.
const MAX_HOLD_MS: u64 = 25_000;
/// The longest that an effect may be deferred: SQS holds a message back for 15 minutes.
const MAX_DEFER_MS: u64 = 900_000;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Acts, and answers late.
    Slow {
        /// How late.
        milliseconds: u64,
    },
    /// 503 without an effect.
    FailBefore,
    /// The effect, then 500.
    FailAfter,
    /// No effect, and 504 after a while.
    Hang {
        /// How long.
        milliseconds: u64,
    },
    /// The effect at once, and 504 after a while.
    LoseAnswer {
        /// How long.
        milliseconds: u64,
    },
    /// 504 at once, and the effect after a while, to the second.
    LateEffect {
        /// How long.
        milliseconds: u64,
    },
    /// Payment declines the card, fraud rejects the order, logistics refuses the delivery.
    Decline {
        /// The reason's code, such as `insufficient_funds`.
        code: String,
    },
    /// The merchant refuses the order, the vendor the applicant.
    Refuse {
        /// Why.
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

    /// Whether the partner acts before it answers.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::FailBefore | Self::Hang { .. } | Self::LateEffect { .. })
    }

    /// How long the answer is held back. Milliseconds.
    pub fn holds_for(&self) -> Option<u64> {
        match self {
            Self::Slow { milliseconds } | Self::Hang { milliseconds } | Self::LoseAnswer { milliseconds } => Some(*milliseconds),
            _ => None,
        }
    }

    /// What is answered in place of the truth.
    pub(crate) fn answer(&self, partner: Partner) -> Option<Reply> {
        match self {
            Self::FailBefore => Some(partner.error(503, "unavailable", "the sandbox was told to fail before the effect")),
            Self::FailAfter => Some(partner.error(500, "internal", "the sandbox was told to fail after the effect")),
            Self::Hang { .. } | Self::LoseAnswer { .. } | Self::LateEffect { .. } => {
                Some(partner.error(504, "no_answer", "the sandbox was told not to answer"))
            }
            Self::Slow { .. } | Self::Decline { .. } | Self::Refuse { .. } | Self::Silent | Self::AnswerTwice => None,
        }
    }

    /// Whether it makes sense for an operation of a partner.
    fn fits(&self, partner: Partner, operation: &str) -> bool {
        match self {
            Self::Slow { .. } | Self::FailBefore | Self::FailAfter | Self::Hang { .. } | Self::LoseAnswer { .. } => true,
            Self::LateEffect { .. } => !["lookup", "list", "coverage", "price", "applicant"].contains(&operation),
            Self::Decline { .. } => {
                matches!(
                    (partner, operation),
                    (Partner::Payment, "confirm" | "capture" | "refund")
                        | (Partner::Fraud, "check")
                        | (Partner::Logistics, "deliver" | "cancel")
                        | (Partner::Vendor, "ask")
                )
            }
            Self::Refuse { .. } | Self::Silent | Self::AnswerTwice => {
                matches!((partner, operation), (Partner::Merchant, "notify") | (Partner::Vendor, "ask"))
            }
        }
    }
}

/// A fault that waits for its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its id; ids sort by the time they were set, and the oldest that fits is played.
    pub id: String,
    /// Who fails.
    pub partner: Partner,
    /// In what; `*` for anything.
    pub operation: String,
    /// For which order only.
    pub order_id: Option<String>,
    /// For which consumer only.
    pub consumer_id: Option<String>,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// For how many calls more.
    pub times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    partner: Partner,
    operation: String,
    order_id: Option<String>,
    consumer_id: Option<String>,
    kind: String,
    milliseconds: Option<u64>,
    code: Option<String>,
    reason: Option<String>,
    times: Option<u32>,
}

impl FaultRequest {
    fn into_fault(self) -> Result<Fault, Problem> {
        let kind = self.kind()?;
        let operations = self.partner.operations();
        if self.operation != "*" && !operations.contains(&&*self.operation) {
            return Err(Problem::invalid_field("operation", format!("operation must be * or one of {}", operations.join(", "))));
        }
        let fits = if self.operation == "*" {
            operations.iter().any(|operation| kind.fits(self.partner, operation))
        } else {
            kind.fits(self.partner, &self.operation)
        };
        if !fits {
            return Err(Problem::invalid_field("kind", format!("kind {} does not fit this operation", self.kind)));
        }
        let times = self.times.unwrap_or(1);
        if times == 0 {
            return Err(Problem::invalid_field("times", "times must be at least 1"));
        }
        Ok(Fault {
            id: new_id("flt"),
            partner: self.partner,
            operation: self.operation,
            order_id: self.order_id,
            consumer_id: self.consumer_id,
            kind,
            times,
        })
    }

    fn kind(&self) -> Result<FaultKind, Problem> {
        let milliseconds = |longest: u64| match self.milliseconds {
            None => Err(Problem::invalid_field("milliseconds", format!("kind {} needs milliseconds", self.kind))),
            Some(given) if given > longest => {
                Err(Problem::invalid_field("milliseconds", format!("milliseconds must be at most {longest}")))
            }
            Some(given) => Ok(given),
        };
        Ok(match self.kind.as_str() {
            "slow" => FaultKind::Slow { milliseconds: milliseconds(MAX_HOLD_MS)? },
            "fail_before" => FaultKind::FailBefore,
            "fail_after" => FaultKind::FailAfter,
            "hang" => FaultKind::Hang { milliseconds: milliseconds(MAX_HOLD_MS)? },
            "lose_answer" => FaultKind::LoseAnswer { milliseconds: milliseconds(MAX_HOLD_MS)? },
            "late_effect" => FaultKind::LateEffect { milliseconds: milliseconds(MAX_DEFER_MS)? },
            "decline" => FaultKind::Decline { code: self.code.clone().unwrap_or_else(|| "generic_decline".into()) },
            "refuse" => FaultKind::Refuse { reason: self.reason.clone().unwrap_or_else(|| "the kitchen is closed".into()) },
            "silent" => FaultKind::Silent,
            "answer_twice" => FaultKind::AnswerTwice,
            _ => {
                let kinds =
                    "slow, fail_before, fail_after, hang, lose_answer, late_effect, decline, refuse, silent, answer_twice";
                return Err(Problem::invalid_field("kind", format!("kind must be one of {kinds}")));
            }
        })
    }
}

/// Reads a fault from an operator's request.
///
/// # Errors
///
/// 400, naming the field.
pub fn parse(request: &Request) -> Result<Fault, Problem> {
    request.json::<FaultRequest>()?.into_fault()
}

/// Sets a fault.
///
/// # Errors
///
/// As the store.
pub async fn set(documents: &impl Documents, fault: &Fault) -> Result<(), DocumentsError> {
    documents.put(PARTITION, &fault.id, &serde_json::to_value(fault)?, None).await
}

/// All faults that still wait for calls, oldest first.
///
/// # Errors
///
/// As the store.
pub async fn list(documents: &impl Documents) -> Result<Vec<Fault>, DocumentsError> {
    let stored = documents.list(PARTITION).await?;
    let mut faults =
        stored.into_iter().map(|(_, document)| serde_json::from_value(document.value)).collect::<Result<Vec<Fault>, _>>()?;
    faults.retain(|fault| fault.times > 0);
    Ok(faults)
}

/// Removes all faults.
///
/// # Errors
///
/// As the store.
pub async fn clear(documents: &impl Documents) -> Result<(), DocumentsError> {
    for (id, _) in documents.list(PARTITION).await? {
        documents.delete(PARTITION, &id).await?;
    }
    Ok(())
}

/// Takes the oldest fault that fits a call, and counts it. Each is played exactly as many times as it was set.
///
/// # Errors
///
/// As the store.
pub async fn take(documents: &impl Documents, call: &Call) -> Result<Option<FaultKind>, DocumentsError> {
    let mut consumer = call.consumer_id.clone();
    for fault in list(documents).await? {
        let fits = fault.partner == call.partner
            && (fault.operation == "*" || fault.operation == call.operation)
            && fault.kind.fits(call.partner, call.operation)
            && fault.order_id.as_ref().is_none_or(|order| call.order_id.as_ref() == Some(order));
        if !fits {
            continue;
        }
        if let Some(wanted) = &fault.consumer_id {
            // Most calls name only the order.
            if let (None, Some(order)) = (&consumer, &call.order_id) {
                consumer = consumer_of(documents, order).await?;
            }
            if consumer.as_ref() != Some(wanted) {
                continue;
            }
        }
        let taken = update(documents, PARTITION, &fault.id, |stored: Option<Fault>| match stored {
            Some(stored) if stored.times > 0 => {
                let left = stored.times - 1;
                (Some(Fault { times: left, ..stored }), Some(left))
            }
            // Others have used it up, or it was cleared.
            _ => (None, None),
        })
        .await?;
        if let Some(left) = taken {
            if left == 0 {
                documents.delete(PARTITION, &fault.id).await?;
            }
            return Ok(Some(fault.kind));
        }
    }
    Ok(None)
}
