//! What happened to an order's money.
//!
//! Events are only ever appended, by whoever learns of them: the steps, the processor's webhooks, the reconciliation. So
//! the same thing may be told twice, late, and in any order. [`fold`] makes one [`Balance`] of them, always the same.
//!
//! # What an event is about
//!
//! - Events of one kind with the same `reference` are about the same thing, and the newest of them counts.
//! - Before the processor has a name for it, a thing is known by its `effect` alone, which then stands in `reference` too.
//!   It is answered by any event of its kind with the same effect or a key below it (`ref_1` by `ref_1/refund/1`),
//!   whatever that one's reference. Two things that the processor tells apart stay apart, also under one effect: what was
//!   charged twice counts twice.
//! - A request never outdates a success: the effect happens once, and a repeated request asks for nothing more. It
//!   outdates a failure that is older than it.
//! - A reversal takes back what its reference names, at most all of it, and counts only together with it.

use carryout_money::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What moves money, or promises to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The consumer's bank takes back what was taken.
    Chargeback,
}

impl LedgerKind {
    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Void => "void",
            Self::Chargeback => "chargeback",
        }
    }
}

/// How far it got. Of two events of the same moment the later phase counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerPhase {
    /// It is about to be asked for; whether it happens is not known yet.
    Request,
    /// It was refused, or has come to nothing.
    Failure,
    /// It has happened.
    Success,
    /// It has happened, and now with this amount instead of the one before.
    Adjustment,
    /// It had happened, and this much of it was taken back: a dispute that was won, a refund that came back.
    Reversal,
}

impl LedgerPhase {
    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Failure => "failure",
            Self::Success => "success",
            Self::Adjustment => "adjustment",
            Self::Reversal => "reversal",
        }
    }
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
    /// The effect that this belongs to, `order/step`, which ties a request to its answer; empty where whoever told of it
    /// does not know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effect: String,
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
}

impl LedgerEvent {
    /// Names what the event tells. Whoever tells the same thing again makes an event of the same name.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.kind.name(), self.phase.name(), self.reference)
    }
}

/// How much, and how much of it is not certain yet. Minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BalanceAmount {
    /// The amount, with what is pending.
    pub amount: i64,
    /// What of its own kind is asked for and not answered.
    pub pending: i64,
}

/// Where an order's money is, by its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// The currency of all amounts; absent where nothing has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What is held: the newest authorization or adjustment − charges − voids. Never below 0.
    pub authorized: BalanceAmount,
    /// What the consumer has paid: charges − chargebacks − refunds + reversals. Below 0 where more was given back than
    /// taken, which is for a person to look at. Its `pending` counts the charges.
    pub charged: BalanceAmount,
    /// What was given back: refunds without those that came back.
    pub refunded: BalanceAmount,
    /// What was let go.
    pub voided: BalanceAmount,
    /// What the consumer's bank took back: chargebacks without those that were won.
    pub charged_back: BalanceAmount,
}

/// Why a ledger has no balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// An order is paid in one currency; these are of different orders.
    #[error("the events are in {0} and in {1}; fold one order's ledger at a time")]
    MixedCurrencies(Currency, Currency),
    /// An amount says how much moves; its kind says which way.
    #[error("an event's amount is {0}; amounts are never negative")]
    NegativeAmount(i64),
    /// No real order comes near it.
    #[error("the amounts are too large")]
    Overflow,
}

/// The effect under which an order's own payment is held.
pub fn authorization_effect(order_id: &str) -> String {
    format!("{order_id}/authorize-payment")
}

/// The effect under which an order's own payment is taken.
pub fn charge_effect(order_id: &str) -> String {
    format!("{order_id}/capture-payment")
}

/// Everything that is told of one thing.
#[derive(Default)]
struct Thing<'a> {
    request: Option<&'a LedgerEvent>,
    outcome: Option<&'a LedgerEvent>,
    reversal: Option<&'a LedgerEvent>,
    effects: Vec<&'a str>,
}

impl<'a> Thing<'a> {
    fn hear(&mut self, event: &'a LedgerEvent) {
        let slot = match event.phase {
            LedgerPhase::Request => &mut self.request,
            LedgerPhase::Failure | LedgerPhase::Success | LedgerPhase::Adjustment => &mut self.outcome,
            LedgerPhase::Reversal => &mut self.reversal,
        };
        if slot.is_none_or(|known| age(known) < age(event)) {
            *slot = Some(event);
        }
        self.effects.push(&event.effect);
    }

    /// The event that counts.
    fn newest(&self) -> Option<&'a LedgerEvent> {
        match (self.outcome, self.request) {
            (Some(failure), Some(request)) if failure.phase == LedgerPhase::Failure && request.at > failure.at => Some(request),
            (Some(outcome), _) => Some(outcome),
            (None, request) => request,
        }
    }

    /// The same, unless it is a failure: nothing moves then.
    fn live(&self) -> Option<&'a LedgerEvent> {
        self.newest().filter(|event| event.phase != LedgerPhase::Failure)
    }

    /// What it moves, and how much of that is pending.
    fn moves(&self) -> Sum {
        let Some(event) = self.live() else { return Sum::default() };
        let all = i128::from(event.amount.minor);
        let amount = all - self.reversal.map_or(0, |reversal| all.min(reversal.amount.minor.into()));
        Sum { amount, pending: if event.phase == LedgerPhase::Request { amount } else { 0 } }
    }

    /// Whether `other`, of the same effect, says what became of this request.
    fn is_answered_by(&self, other: &Thing<'_>) -> bool {
        match (self.newest(), other.newest()) {
            (Some(own), Some(answer)) if answer.phase == LedgerPhase::Failure => own.at <= answer.at,
            (Some(_), Some(_)) => true,
            (None, _) | (_, None) => false,
        }
    }
}

/// Whether `effect` is `whole` or a part of it: keys name attempts below the effect that they are for.
fn is_of(effect: &str, whole: &str) -> bool {
    effect.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What decides which of two events about one thing is the newer.
fn age(event: &LedgerEvent) -> (i64, LedgerPhase, i64, &str) {
    (event.at, event.phase, event.amount.minor, &event.reference)
}

#[derive(Clone, Copy, Default)]
struct Sum {
    amount: i128,
    pending: i128,
}

impl Sum {
    fn plus(self, other: Self) -> Self {
        Self { amount: self.amount + other.amount, pending: self.pending + other.pending }
    }

    fn standing(self) -> Result<BalanceAmount, FoldError> {
        let fit = |amount: i128| i64::try_from(amount).map_err(|_| FoldError::Overflow);
        Ok(BalanceAmount { amount: fit(self.amount)?, pending: fit(self.pending)? })
    }
}

/// The things of one order, by kind and reference.
type Things<'a> = BTreeMap<(LedgerKind, &'a str), Thing<'a>>;

/// The balance of one order's events. Neither their order nor their repetition matters.
///
/// # Errors
///
/// Where the events can't be those of one order: mixed currencies, negative amounts, sums beyond an `i64`.
pub fn fold(events: &[LedgerEvent]) -> Result<Balance, FoldError> {
    let mut things = Things::new();
    for event in events {
        if event.amount.minor < 0 {
            return Err(FoldError::NegativeAmount(event.amount.minor));
        }
        things.entry((event.kind, &event.reference)).or_default().hear(event);
    }
    let things = match_by_effect(things);

    let sum = |kind| {
        let of_kind = things.iter().filter(|((of, _), _)| *of == kind);
        of_kind.fold(Sum::default(), |sum, (_, thing)| sum.plus(thing.moves()))
    };
    let (charges, refunds) = (sum(LedgerKind::Charge), sum(LedgerKind::Refund));
    let (voids, chargebacks) = (sum(LedgerKind::Void), sum(LedgerKind::Chargeback));
    let charged = Sum { amount: charges.amount - refunds.amount - chargebacks.amount, pending: charges.pending };
    Ok(Balance {
        currency: one_currency(events)?,
        authorized: authorized(&things).standing()?,
        charged: charged.standing()?,
        refunded: refunds.standing()?,
        voided: voids.standing()?,
        charged_back: chargebacks.standing()?,
    })
}

/// Leaves of what has no name only what nothing with a name answers, and the other way round.
fn match_by_effect(all: Things<'_>) -> Things<'_> {
    let (nameless, mut things): (Things<'_>, Things<'_>) =
        all.into_iter().partition(|((_, reference), thing)| !reference.is_empty() && thing.effects.contains(reference));
    for ((kind, effect), thing) in nameless {
        let belongs = |of: LedgerKind, known: &Thing<'_>| of == kind && known.effects.iter().any(|own| is_of(own, effect));
        if thing.live().is_none() {
            // A failure answers what was asked for by name; what has happened by name has happened all the same.
            let asked = |known: &Thing<'_>| known.live().is_some_and(|event| event.phase == LedgerPhase::Request);
            things.retain(|(of, _), known| !(belongs(*of, known) && asked(known) && known.is_answered_by(&thing)));
        } else if !things.iter().any(|((of, _), known)| belongs(*of, known) && thing.is_answered_by(known)) {
            things.insert((kind, effect), thing);
        }
    }
    things
}

/// What is held: the newest authorization without what was charged and let go of it.
fn authorized(things: &Things<'_>) -> Sum {
    let of = |kind| things.iter().filter(move |((of, _), _)| *of == kind);
    let live =
        of(LedgerKind::Authorization).filter_map(|((_, reference), thing)| Some((*reference, thing.live()?, thing.moves())));
    let Some((own, event, held)) = live.max_by_key(|(_, event, _)| age(event)) else { return Sum::default() };
    // What was taken or let go of another authorization says nothing about this one; an adjustment is no other one.
    let is_other = |reference: &str| {
        event.phase != LedgerPhase::Adjustment && reference != own && things.contains_key(&(LedgerKind::Authorization, reference))
    };
    let gone: i128 = of(LedgerKind::Charge)
        .chain(of(LedgerKind::Void))
        .filter(|((_, reference), _)| !is_other(reference))
        .map(|(_, thing)| thing.moves().amount)
        .sum();
    let amount = (held.amount - gone).max(0);
    Sum { amount, pending: held.pending.min(amount) }
}

fn one_currency(events: &[LedgerEvent]) -> Result<Option<Currency>, FoldError> {
    let mut currencies = events.iter().map(|event| event.amount.currency);
    let Some(first) = currencies.next() else { return Ok(None) };
    match currencies.find(|currency| *currency != first) {
        Some(other) => Err(FoldError::MixedCurrencies(first, other)),
        None => Ok(Some(first)),
    }
}
