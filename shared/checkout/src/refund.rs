//! A refund of a placed order: what is given back of its price, and where giving it back stands.
//!
//! It is worked on by a workflow of its own, like an order. What it gives back counts as given back from the moment it is
//! taken, and one order has one refund under way at a time; so no two of them give back the same cent.

use crate::{
    ledger::{LedgerEvent, LedgerKind, LedgerPhase},
    order::{Startable, execution_name},
};
use carryout_environment::Failure;
use carryout_market::{MarketId, MarketType};
use carryout_money::Money;
use carryout_pricing::{RefundPart, Refunded};
use carryout_workflow::{Direction, StatusMap, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt};

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundStatus {
    /// Written, not yet worked on.
    Submitted,
    /// Its workflow runs.
    Processing,
    /// The money is given back.
    Refunded,
    /// The processor refused it: nothing is given back.
    Failed,
    /// Whether the money is given back could not be found out: an operator is told.
    Parked,
}

impl RefundStatus {
    /// Whether nothing more happens by itself.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Refunded | Self::Failed | Self::Parked)
    }

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Processing => "PROCESSING",
            Self::Refunded => "REFUNDED",
            Self::Failed => "FAILED",
            Self::Parked => "PARKED",
        }
    }
}

impl fmt::Display for RefundStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A refund: what is given back of which payment, and where its steps stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRefund {
    /// Its id, `ref_…`.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The order's country.
    pub country: MarketId,
    /// The order's market type.
    pub market_type: MarketType,
    /// The workflow that handles it.
    pub workflow: String,
    /// The payment intent that the order was paid with.
    pub intent: String,
    /// How much is given back; above zero.
    pub amount: Money,
    /// From which parts of the price. Their amounts add up to `amount`.
    pub parts: Vec<RefundPart>,
    /// What was given back of the order before it: put back where this refund fails.
    pub before: Refunded,
    /// Why, in the operator's words.
    pub reason: String,
    /// The operator who asked for it.
    pub requested_by: String,

    /// Where it stands.
    pub status: RefundStatus,
    /// Which way it moves. A refund is never undone.
    pub direction: Direction,
    /// The run that may act on it, from 1.
    pub run: u32,
    /// One entry per step.
    pub steps: StatusMap,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What was decided by a fallback.
    #[serde(default)]
    pub flags: BTreeSet<String>,
    /// What the processor was asked, under which key, and what came of it. What has happened is copied to the order's
    /// ledger when the refund is closed.
    #[serde(default)]
    pub ledger: Vec<LedgerEvent>,
    /// Follows it through every log.
    pub correlation_id: String,
    /// When it was taken. Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it was last written. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// Counts its writes, from 1.
    pub version: u64,
}

impl OrderRefund {
    /// The name of its execution in its current run. Step Functions starts no name twice.
    pub fn execution_name(&self) -> String {
        execution_name(&self.id, self.run)
    }

    /// What the order's ledger is told when the refund is taken.
    pub fn requested(&self) -> LedgerEvent {
        self.told(LedgerPhase::Request, self.created_at)
    }

    /// What the order's ledger is told when the refund fails. `at` in milliseconds since the Unix epoch.
    pub fn failed(&self, at: i64) -> LedgerEvent {
        self.told(LedgerPhase::Failure, at.max(self.created_at))
    }

    /// What the order's ledger is told of what has happened.
    pub fn given_back(&self) -> impl Iterator<Item = &LedgerEvent> {
        self.ledger.iter().filter(|event| event.phase == LedgerPhase::Success)
    }

    /// An event that knows the refund by its own id, as long as the processor's is not known.
    fn told(&self, phase: LedgerPhase, at: i64) -> LedgerEvent {
        let (reference, effect) = (self.id.clone(), self.id.clone());
        LedgerEvent { kind: LedgerKind::Refund, phase, amount: self.amount, reference, effect, at }
    }
}

impl Subject for OrderRefund {
    fn id(&self) -> &str {
        &self.id
    }

    fn status(&self) -> &StatusMap {
        &self.steps
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn is_closed(&self) -> bool {
        self.status.is_closed()
    }
}

impl Startable for OrderRefund {
    fn market(&self) -> (MarketId, MarketType) {
        (self.country, self.market_type)
    }

    fn workflow(&self) -> &str {
        &self.workflow
    }

    fn execution_input(&self, run: u32) -> Value {
        json!({
            "id": self.id,
            "run": run,
            "direction": self.direction,
            "failure": self.failure,
            "facts": { "order_id": self.order_id, "amount": self.amount },
            "correlation_id": self.correlation_id,
        })
    }
}
