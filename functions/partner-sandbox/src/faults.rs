//! Fault injection: operators set faults, and calls consume them.

use crate::books::consumer_of;
use crate::call::{Call, FaultKind, Partner};
use crate::documents::{Documents, DocumentsError, update};
use crate::partners;
use crate::sandbox::Ports;
use carryout_lambda::http::{Problem, Request};
use carryout_lambda::ids::new_id;
use serde::{Deserialize, Serialize};

const PARTITION: &str = "faults";
/// The longest delay of an answer: API Gateway times out after 29 seconds.
const MAX_HOLD_MS: u64 = 25_000;
/// The longest delay of an effect: SQS delays a message for at most 15 minutes.
const MAX_DEFER_MS: u64 = 900_000;

/// A fault that waits for matching calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its id. Ids sort by the time they were set; the oldest matching fault is consumed first.
    pub id: String,
    /// The failing partner.
    pub partner: Partner,
    /// The failing operation; `*` for any.
    pub operation: String,
    /// Restricts it to one order.
    pub order_id: Option<String>,
    /// Restricts it to one consumer.
    pub consumer_id: Option<String>,
    /// The kind of fault.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// The remaining number of calls.
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
    fn into_fault<P: Ports>(self) -> Result<Fault, Problem> {
        let kind = self.kind()?;
        let operations = partners::find::<P>(self.partner).map_or(&[][..], |played| played.operations());
        let named = || operations.iter().filter(|operation| self.operation == "*" || operation.name == self.operation);
        if named().next().is_none() {
            let names = operations.iter().map(|operation| operation.name).collect::<Vec<_>>().join(", ");
            return Err(Problem::invalid_field("operation", format!("operation must be * or one of {names}")));
        }
        if !named().any(|operation| kind.fits(operation)) {
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
pub fn parse<P: Ports>(request: &Request) -> Result<Fault, Problem> {
    request.json::<FaultRequest>()?.into_fault::<P>()
}

/// Sets a fault.
///
/// # Errors
///
/// [`DocumentsError`].
pub async fn set(documents: &impl Documents, fault: &Fault) -> Result<(), DocumentsError> {
    documents.put(PARTITION, &fault.id, &serde_json::to_value(fault)?, None).await
}

/// Lists the faults that wait for calls, oldest first.
///
/// # Errors
///
/// [`DocumentsError`].
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
/// [`DocumentsError`].
pub async fn clear(documents: &impl Documents) -> Result<(), DocumentsError> {
    for (id, _) in documents.list(PARTITION).await? {
        documents.delete(PARTITION, &id).await?;
    }
    Ok(())
}

/// Consumes the oldest fault that matches a call. Each fault is injected exactly as many times as it was set.
///
/// # Errors
///
/// [`DocumentsError`].
pub async fn take(documents: &impl Documents, call: &Call) -> Result<Option<FaultKind>, DocumentsError> {
    let mut consumer = call.consumer_id.clone();
    for fault in list(documents).await? {
        let fits = fault.partner == call.partner
            && (fault.operation == "*" || fault.operation == call.operation.name)
            && fault.kind.fits(call.operation)
            && fault.order_id.as_ref().is_none_or(|order| call.order_id.as_ref() == Some(order));
        if !fits {
            continue;
        }
        if let Some(wanted) = &fault.consumer_id {
            // Most calls name the order only.
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
            // Concurrent calls have consumed it, or it was cleared.
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
