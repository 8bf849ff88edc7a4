//! What happened to an order's money.

use carryout_money::Money;
use serde::{Deserialize, Serialize};

/// What moves money, or promises to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// Money is held on the card.
    Authorization,
    /// Held money is taken.
    Charge,
    /// Taken money is given back.
    Refund,
    /// Held money is let go.
    Void,
}

/// How far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerPhase {
    /// It is about to be asked for; whether it happens is not known yet.
    Request,
    /// It has happened.
    Success,
    /// It was refused.
    Failure,
}

/// One event of an order's payment ledger. Events are only ever appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEvent {
    /// What.
    pub kind: LedgerKind,
    /// How far.
    pub phase: LedgerPhase,
    /// How much; never negative.
    pub amount: Money,
    /// The processor's reference, or the effect's key while there is none.
    pub reference: String,
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
}
