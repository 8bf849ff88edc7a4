//! Refunds of captured intents.

use crate::call::{FaultKind, Reply};
use crate::ids::{key_hash, order_in};
use crate::payment::change::Change;
use crate::payment::errors::{invalid, unexpected_state};
use crate::payment::form::{amount, metadata};
use crate::payment::intents::{INTENT_PREFIX, Intent, NO_ORDER, Status};
use carryout_lambda::ids::new_id;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A refund, as in the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    id: String,
    object: String,
    /// Minor units.
    pub(super) amount: i64,
    charge: Option<String>,
    created: i64,
    currency: String,
    metadata: BTreeMap<String, String>,
    payment_intent: String,
    reason: Option<String>,
    status: String,
}

/// Refunds a captured intent of which `refunded` was refunded before.
pub(super) fn refund(
    intent: &Intent,
    refunded: i64,
    Change { form, key, .. }: &Change<'_>,
    now_s: i64,
    fault: Option<&FaultKind>,
) -> Result<Refund, Reply> {
    if intent.status != Status::Succeeded {
        return Err(unexpected_state(intent, "This PaymentIntent does not have a successful charge to refund."));
    }
    let left = intent.amount_received - refunded;
    if left == 0 {
        return Err(invalid("charge_already_refunded", "The charge has already been refunded.", ""));
    }
    if let Some(FaultKind::Decline { code }) = fault {
        return Err(invalid(code, "Injected fault: the refund is refused.", ""));
    }
    let amount = amount(form, "amount")?.unwrap_or(left);
    if amount > left {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
        return Err(invalid("amount_too_large", &message, "amount"));
    }
    let name = key.map_or_else(|| new_id("x").trim_start_matches("x_").to_owned(), key_hash);
    Ok(Refund {
        id: format!("re_{}_{name}", order_in(INTENT_PREFIX, &intent.id).unwrap_or(NO_ORDER)),
        object: "refund".into(),
        amount,
        charge: intent.latest_charge.clone(),
        created: now_s,
        currency: intent.currency.clone(),
        metadata: metadata(form),
        payment_intent: intent.id.clone(),
        reason: form.get("reason").cloned(),
        status: "succeeded".into(),
    })
}
