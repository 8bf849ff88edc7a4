//! Holds the processor's payments against the orders and their ledgers.
//!
//! A checkout's own steps leave nothing behind. This finds what they can't: an intent whose id was lost before it was stored, a
//! request that landed after its order was undone, what somebody did by hand at the processor. [`compare`] says what is wrong
//! with one payment and what is to be done about it; [`Reconcile`] goes through the processor's list and does it.
//!
//! An order that is open belongs to its run, and a parked one to whoever redrives it: nothing is done about their payments.
//! A closed order no longer acts, so what is done here meets nobody else but another reconciliation. Every remedy is safe to
//! repeat: it is asked for under a key that names it, refused by the processor once it has happened, and told to the ledger
//! once. A refund is also written down before it is asked for, and only whoever wrote that asks at once.

use crate::{
    ledger::{LedgerEvent, LedgerKind, LedgerPhase, authorization_effect, charge_effect},
    order::{Order, OrderStatus},
    ports::{
        Appended, CallError, Intent, IntentStatus, Ledgers, ListedIntent, Orders, PaymentList, Payments, Refund, Report, Reports,
    },
};
use carryout_environment::{Clock, StorageError};
use carryout_money::Money;
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How old an intent must be before anything is done about it: whatever was on its way has long arrived. Milliseconds.
pub const SETTLED_AFTER_MS: i64 = 15 * 60 * 1_000;
/// How far a reconciliation looks back behind the one before it: what was too young or unsettled then is not now.
/// Milliseconds.
pub const OVERLAP_MS: i64 = 60 * 60 * 1_000;
/// How far the first one looks back. Milliseconds.
pub const FIRST_LOOK_BACK_MS: i64 = 24 * 60 * 60 * 1_000;
/// Payments that are looked at beside each other.
const AT_ONCE: usize = 8;
/// Intents that one report carries on to the next, at most.
const LOOK_AGAIN_AT_MOST: usize = 500;
/// Findings that one report tells one by one, at most.
const FINDINGS_AT_MOST: usize = 200;

/// What is wrong with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discrepancy {
    /// An intent that holds nothing, and that nobody will confirm any more. Its id was lost before it was stored.
    Unconfirmed,
    /// Money is held for an order that failed or was cancelled.
    HeldForClosedOrder,
    /// Money was taken for an order that failed or was cancelled.
    ChargedForClosedOrder,
    /// Money is held for a placed order besides its own payment.
    DuplicateAuthorization,
    /// Money was taken for a placed order besides its own payment.
    ChargedTwice,
    /// The payment names an order that does not exist.
    UnknownOrder,
    /// The processor knows of something that the ledger does not.
    MissingInLedger,
    /// The order is placed, and its payment was not taken.
    CaptureMissing,
    /// Another amount was taken than the order costs.
    AmountDiffers,
    /// The ledger knows of a refund that the processor does not.
    RefundUnknown,
}

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The intent was cancelled: nothing is held by it.
    Cancelled,
    /// What was taken and not given back was given back.
    Refunded,
    /// The ledger was told.
    Adopted,
    /// Nothing: a person has to look at it.
    Reported,
    /// It could not be done, or somebody else is at it; the next reconciliation looks again.
    Postponed,
}

/// Something that was wrong with one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was wrong.
    pub discrepancy: Discrepancy,
    /// What was done.
    pub remedy: Remedy,
    /// The processor's id of the payment.
    pub intent: String,
    /// The order that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// What it is about.
    pub amount: Money,
    /// For whoever reads it.
    pub detail: String,
}

/// What one reconciliation found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reconciliation {
    /// When it began. Milliseconds since the Unix epoch.
    pub started_at: i64,
    /// When it ended. Milliseconds since the Unix epoch.
    pub ended_at: i64,
    /// It looked at what was created from then on. Milliseconds since the Unix epoch.
    pub since: i64,
    /// When the list that it goes through was begun: by itself, or by the one before it that ran out of time. Milliseconds
    /// since the Unix epoch.
    pub list_began_at: i64,
    /// Where the next one goes on in the list, where this one ran out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_after: Option<String>,
    /// Payments that it looked at.
    pub intents: u64,
    /// Of those, payments of open and parked orders, and such as are too young, which it left alone.
    pub left_alone: u64,
    /// Of those, payments that name no order: another system made them, and they are none of this one's business.
    pub foreign: u64,
    /// Events that the ledgers were told.
    pub adopted: u64,
    /// Intents that were cancelled.
    pub cancelled: u64,
    /// Payments that were refunded.
    pub refunded: u64,
    /// What a person has to look at.
    pub reported: u64,
    /// What could not be done yet.
    pub postponed: u64,
    /// The findings, at most 200.
    pub findings: Vec<Finding>,
    /// Intents that the next one looks at wherever its list begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look_again: Vec<String>,
}

impl Report for Reconciliation {
    const SUBJECT: &'static str = "payments";

    fn started_at(&self) -> i64 {
        self.started_at
    }
}

impl Reconciliation {
    /// The one after `last`, at `now` (milliseconds since the Unix epoch).
    fn after(last: Option<&Self>, now: i64) -> Self {
        let begun = Self { started_at: now, list_began_at: now, ..Self::default() };
        match last {
            None => Self { since: now - FIRST_LOOK_BACK_MS, ..begun },
            Some(last) if last.resume_after.is_some() => {
                let resume_after = last.resume_after.clone();
                Self { since: last.since, list_began_at: last.list_began_at, resume_after, ..begun }
            }
            Some(last) => Self { since: last.list_began_at - OVERLAP_MS, ..begun },
        }
    }

    fn note(&mut self, finding: Finding) {
        match finding.remedy {
            Remedy::Cancelled => self.cancelled += 1,
            Remedy::Refunded => self.refunded += 1,
            Remedy::Adopted => self.adopted += 1,
            Remedy::Reported => self.reported += 1,
            Remedy::Postponed => self.postponed += 1,
        }
        if self.findings.len() < FINDINGS_AT_MOST {
            self.findings.push(finding);
        }
    }
}

/// What is to be done about a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Cancel the intent.
    Cancel,
    /// Give back what is left of what was taken.
    Refund(Money),
    /// Tell the ledger.
    Adopt(LedgerEvent),
    /// Tell a person.
    Report,
}

/// What is wrong with a payment, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is wrong.
    pub discrepancy: Discrepancy,
    /// What is to be done.
    pub action: Action,
    /// For whoever reads it.
    pub detail: String,
}

/// Whether nobody else acts on the payments of this order any more.
pub fn is_settled(order: &Order) -> bool {
    matches!(order.status, OrderStatus::Placed | OrderStatus::Failed | OrderStatus::Cancelled)
}

/// What is wrong with a payment of a settled order, or of none. `refunds` are all refunds of the payment; `now` is in
/// milliseconds since the Unix epoch.
pub fn compare(order: Option<&Order>, listed: &ListedIntent, refunds: &[Refund], now: i64) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let given_back: i64 = refunds.iter().filter(|refund| !refund.failed).map(|refund| refund.amount.minor).sum();
    let net = Money { minor: listed.received.minor - given_back, ..listed.received };
    if let Some(order) = order {
        verdicts.extend(missing_in_ledger(order, listed, refunds, now).into_iter().map(|event| Verdict {
            discrepancy: Discrepancy::MissingInLedger,
            detail: format!("the processor says {} of the {} {}", event.phase.name(), event.kind.name(), event.reference),
            action: Action::Adopt(event),
        }));
        if order.status == OrderStatus::Placed && is_own(order, &listed.intent) {
            verdicts.extend(own_payment(order, listed, refunds));
            return verdicts;
        }
    }
    let (held, charged, whose) = match order.map(|order| order.status) {
        None => (Discrepancy::UnknownOrder, Discrepancy::UnknownOrder, "of an order that does not exist"),
        Some(OrderStatus::Placed) => {
            (Discrepancy::DuplicateAuthorization, Discrepancy::ChargedTwice, "besides the order's own payment")
        }
        Some(_) => (Discrepancy::HeldForClosedOrder, Discrepancy::ChargedForClosedOrder, "of an order that was undone"),
    };
    let (discrepancy, action, what) = match listed.intent.status {
        IntentStatus::Canceled | IntentStatus::Processing => return verdicts,
        IntentStatus::Succeeded if net.minor <= 0 => return verdicts,
        IntentStatus::Succeeded => (charged, Action::Refund(net), "money was taken by a payment"),
        IntentStatus::RequiresCapture => (held, Action::Cancel, "money is held by a payment"),
        IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction => {
            let nobodys = if order.is_some() { Discrepancy::Unconfirmed } else { held };
            (nobodys, Action::Cancel, "an unconfirmed payment")
        }
    };
    verdicts.push(Verdict { discrepancy, action, detail: format!("{what} {whose}") });
    verdicts
}

/// Whether the order itself asked for this payment: it wrote that down before it confirmed it.
fn is_own(order: &Order, intent: &Intent) -> bool {
    let asked = |event: &LedgerEvent| event.kind == LedgerKind::Authorization && event.phase == LedgerPhase::Request;
    order.ledger.iter().any(|event| asked(event) && event.reference == intent.id)
}

fn tells(order: &Order, kind: LedgerKind, phase: LedgerPhase, reference: &str) -> bool {
    order.ledger.iter().any(|event| event.kind == kind && event.phase == phase && event.reference == reference)
}

/// What the processor knows of this payment and the ledger does not.
fn missing_in_ledger(order: &Order, listed: &ListedIntent, refunds: &[Refund], now: i64) -> Vec<LedgerEvent> {
    let (intent, success) = (&listed.intent, LedgerPhase::Success);
    let told = |kind| tells(order, kind, success, &intent.id);
    let mut missing = Vec::new();
    match intent.status {
        IntentStatus::Succeeded if !told(LedgerKind::Charge) => {
            missing.push(event(LedgerKind::Charge, success, listed.received, &intent.id, charge_effect(&order.id), now));
        }
        IntentStatus::RequiresCapture if !told(LedgerKind::Authorization) => {
            let effect = authorization_effect(&order.id);
            missing.push(event(LedgerKind::Authorization, success, intent.amount, &intent.id, effect, now));
        }
        IntentStatus::Canceled if told(LedgerKind::Authorization) && !told(LedgerKind::Void) => {
            missing.push(event(LedgerKind::Void, success, intent.amount, &intent.id, String::new(), now));
        }
        _ => {}
    }
    for refund in refunds {
        let told = tells(order, LedgerKind::Refund, success, &refund.id);
        let came_back = refund.failed && told && !tells(order, LedgerKind::Refund, LedgerPhase::Failure, &refund.id);
        if came_back {
            missing.push(event(LedgerKind::Refund, LedgerPhase::Failure, refund.amount, &refund.id, refund.key.clone(), now));
        } else if !refund.failed && !told {
            missing.push(event(LedgerKind::Refund, success, refund.amount, &refund.id, refund.key.clone(), now));
        }
    }
    missing
}

/// What is wrong with the payment by which a placed order is paid. Nothing of that is for a program to mend.
fn own_payment(order: &Order, listed: &ListedIntent, refunds: &[Refund]) -> Vec<Verdict> {
    let report = |discrepancy, detail| Verdict { discrepancy, action: Action::Report, detail };
    let total = order.total();
    if listed.intent.status != IntentStatus::Succeeded {
        let told = tells(order, LedgerKind::Charge, LedgerPhase::Success, &listed.intent.id);
        let says = if told { "says that it was" } else { "does not say that it was" };
        let detail = format!("the order is placed and {total} was not taken; its ledger {says}");
        return vec![report(Discrepancy::CaptureMissing, detail)];
    }
    let mut verdicts = Vec::new();
    if listed.received != total {
        let detail = format!("the order costs {total}, and {} was taken", listed.received);
        verdicts.push(report(Discrepancy::AmountDiffers, detail));
    }
    // Refunds of other payments of the order are those that a reconciliation has made.
    let unknown = |event: &&LedgerEvent| {
        event.kind == LedgerKind::Refund
            && event.phase == LedgerPhase::Success
            && !event.effect.contains("/reconcile/")
            && !refunds.iter().any(|refund| refund.id == event.reference)
    };
    for event in order.ledger.iter().filter(unknown) {
        let detail = format!("the ledger says that {} was given back by {}", event.amount, event.reference);
        verdicts.push(report(Discrepancy::RefundUnknown, detail));
    }
    verdicts
}

/// Why a reconciliation could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The processor does not list its payments.
    #[error("the processor does not list its payments: {0}")]
    List(#[from] CallError),
    /// Orders or reports can't be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl carryout_environment::HasErrorCode for ReconcileError {
    const CODES: &'static [carryout_environment::ErrorCode] = &[crate::codes::PAYMENT_UNAVAILABLE];

    fn code(&self) -> carryout_environment::ErrorCode {
        match self {
            Self::List(_) => crate::codes::PAYMENT_UNAVAILABLE,
            Self::Storage(error) => error.code(),
        }
    }
}

/// Reconciles payments.
pub struct Reconcile<P, O, L, R, C> {
    /// The processor, and its list.
    pub payments: P,
    /// Reads orders.
    pub orders: O,
    /// Tells ledgers.
    pub ledgers: L,
    /// Keeps reports.
    pub reports: R,
    /// Tells the time.
    pub clock: C,
    /// How old an intent must be before anything is done about it, usually [`SETTLED_AFTER_MS`]. Milliseconds.
    pub settled_after: i64,
}

/// What became of one payment.
#[derive(Default)]
struct Looked {
    left_alone: bool,
    look_again: bool,
    findings: Vec<Finding>,
}

impl<P: Payments + PaymentList, O: Orders, L: Ledgers, R: Reports<Reconciliation>, C: Clock> Reconcile<P, O, L, R, C> {
    /// Goes through what was created since the last reconciliation, and what that one left over, until `deadline`
    /// (milliseconds since the Unix epoch); then writes the report. The next one goes on where this one had to stop.
    ///
    /// # Errors
    ///
    /// Where nothing was reconciled. What can't be done about one payment is in the report.
    pub async fn run(&self, deadline: i64) -> Result<Reconciliation, ReconcileError> {
        let last = self.reports.latest().await?;
        let mut report = Reconciliation::after(last.as_ref(), self.clock.now());
        let mut left_over: BTreeSet<String> = last.into_iter().flat_map(|last| last.look_again).collect();
        loop {
            let page = self.payments.list(report.since, report.resume_after.as_deref()).await?;
            for listed in &page.intents {
                left_over.remove(&listed.intent.id);
            }
            report.resume_after = page.intents.last().filter(|_| page.has_more).map(|listed| listed.intent.id.clone());
            self.look_at(page.intents, &mut report).await;
            if report.resume_after.is_none() || self.clock.now() >= deadline {
                break;
            }
        }
        let mut again = Vec::new();
        for id in left_over {
            if self.clock.now() >= deadline {
                report.look_again.push(id);
                continue;
            }
            match self.payments.listed(&id).await {
                Ok(listed) => again.push(listed),
                // The processor no longer knows it.
                Err(CallError::Refused { .. }) => {}
                Err(_) => report.look_again.push(id),
            }
        }
        self.look_at(again, &mut report).await;
        report.look_again.truncate(LOOK_AGAIN_AT_MOST);
        report.ended_at = self.clock.now();
        self.reports.save(&report).await?;
        Ok(report)
    }

    async fn look_at(&self, listed: Vec<ListedIntent>, report: &mut Reconciliation) {
        let mut looked = stream::iter(listed)
            .map(|listed| async move {
                let looked = self.check(&listed).await;
                (listed, looked)
            })
            .buffered(AT_ONCE);
        while let Some((listed, looked)) = looked.next().await {
            report.intents += 1;
            report.left_alone += u64::from(looked.left_alone);
            report.foreign += u64::from(listed.order_id.is_none());
            if looked.look_again || !looked.findings.is_empty() {
                report.look_again.push(listed.intent.id);
            }
            for finding in looked.findings {
                let Finding { discrepancy, remedy, intent, detail, .. } = &finding;
                let order_id = finding.order_id.as_deref().unwrap_or_default();
                tracing::warn!(order.id = order_id, intent, ?discrepancy, ?remedy, "{detail}");
                report.note(finding);
            }
        }
    }

    /// Looks at one payment, and does what is to be done.
    async fn check(&self, listed: &ListedIntent) -> Looked {
        let now = self.clock.now();
        if now - listed.created_at < self.settled_after {
            // It is still in the list of the next one.
            return Looked { left_alone: true, ..Looked::default() };
        }
        let later = Looked { left_alone: true, look_again: true, ..Looked::default() };
        let Some(order_id) = &listed.order_id else { return Looked::default() };
        let order = match self.orders.order(order_id).await {
            Ok(order) => order,
            Err(error) => {
                tracing::warn!(order.id = %order_id, %error, "an order could not be read");
                return later;
            }
        };
        if order.as_ref().is_some_and(|order| !is_settled(order)) {
            return later;
        }
        let refunds = match listed.intent.status {
            IntentStatus::Succeeded => self.payments.refunds(&listed.intent.id).await,
            _ => Ok(Vec::new()),
        };
        let Ok(refunds) = refunds else { return later };
        let mut looked = Looked::default();
        for Verdict { discrepancy, action, detail } in compare(order.as_ref(), listed, &refunds, now) {
            let (done, amount) = self.act(order.as_ref(), listed, &refunds, &action, now).await;
            let (remedy, detail) = match done {
                Ok(remedy) => (remedy, detail),
                Err(why) => (Remedy::Postponed, format!("{detail}; {why}")),
            };
            let (intent, order_id) = (listed.intent.id.clone(), listed.order_id.clone());
            looked.findings.push(Finding { discrepancy, remedy, intent, order_id, amount, detail });
        }
        // What was told to a ledger is done with; everything else is looked at again, to see what became of it.
        looked.look_again = looked.findings.iter().any(|finding| finding.remedy != Remedy::Adopted);
        looked
    }

    async fn act(
        &self,
        order: Option<&Order>,
        listed: &ListedIntent,
        refunds: &[Refund],
        action: &Action,
        now: i64,
    ) -> (Result<Remedy, String>, Money) {
        match action {
            Action::Report => (Ok(Remedy::Reported), listed.intent.amount),
            Action::Cancel => (self.cancel(order, &listed.intent, now).await, listed.intent.amount),
            Action::Adopt(event) => {
                // Whose ledger it is missing in exists.
                let told = match order {
                    Some(order) => self.ledgers.append(&order.id, event).await.map_err(|error| error.to_string()),
                    None => Ok(Appended::NoOrder),
                };
                (told.map(|_| Remedy::Adopted), event.amount)
            }
            Action::Refund(net) => {
                // Refunds that failed count, too: their key only repeats the failure.
                let key = |order_id: &str| format!("{order_id}/reconcile/{}/refund/{}", listed.intent.id, refunds.len() + 1);
                let key = key(order.map_or("unknown", |order| &order.id));
                (self.refund(order, &listed.intent.id, &key, *net, now).await, *net)
            }
        }
    }

    async fn cancel(&self, order: Option<&Order>, intent: &Intent, now: i64) -> Result<Remedy, String> {
        let key = format!("{}/reconcile/{}/cancel", order.map_or("unknown", |order| &order.id), intent.id);
        self.payments.cancel(&key, &intent.id).await.map_err(|error| error.to_string())?;
        if let Some(order) = order.filter(|_| intent.status == IntentStatus::RequiresCapture) {
            let void = event(LedgerKind::Void, LedgerPhase::Success, intent.amount, &intent.id, key, now);
            // A ledger that could not be told is told by the next reconciliation.
            self.ledgers.append(&order.id, &void).await.map_err(|error| error.to_string())?;
        }
        Ok(Remedy::Cancelled)
    }

    async fn refund(&self, order: Option<&Order>, intent: &str, key: &str, net: Money, now: i64) -> Result<Remedy, String> {
        let of_key = |phase, reference: &str| event(LedgerKind::Refund, phase, net, reference, key.to_owned(), now);
        if let Some(order) = order {
            let request = of_key(LedgerPhase::Request, key);
            let told = self.ledgers.append(&order.id, &request).await.map_err(|error| error.to_string())?;
            let known = order.ledger.iter().find(|known| known.name() == request.name());
            // Whoever asked may have died before the processor heard of it: after a while it is asked for again.
            let in_vain = known.is_some_and(|known| now - known.at >= SETTLED_AFTER_MS);
            if told != Appended::New && !in_vain {
                return Err("it was asked for before".to_owned());
            }
        }
        let refund = self.payments.refund(key, intent, net).await.map_err(|error| error.to_string())?;
        let outcome = if refund.failed { LedgerPhase::Failure } else { LedgerPhase::Success };
        if let Some(order) = order {
            let answer = of_key(outcome, &refund.id);
            self.ledgers.append(&order.id, &answer).await.map_err(|error| error.to_string())?;
        }
        if refund.failed { Err("the refund failed at the consumer's bank".to_owned()) } else { Ok(Remedy::Refunded) }
    }
}

fn event(kind: LedgerKind, phase: LedgerPhase, amount: Money, reference: &str, effect: String, at: i64) -> LedgerEvent {
    LedgerEvent { kind, phase, amount, reference: reference.to_owned(), effect, at }
}
