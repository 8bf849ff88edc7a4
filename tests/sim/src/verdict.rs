//! Reads the books and says whether the promise was kept.

use crate::cloud::{Outcome, Page};
use carryout_checkout::{
    ledger::fold,
    order::{Order, OrderStatus},
};
use carryout_pricing::Limits;
use std::{collections::BTreeSet, fmt};

/// How long a page may be on its way. Milliseconds.
const JUST_NOW_MS: i64 = 5_000;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Something that should have happened, or should have been taken back, was not; or it has no end.
    Lost(String),
    /// Something happened twice.
    Double(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "LOST: {what}"),
            Self::Double(what) => write!(f, "DOUBLE: {what}"),
        }
    }
}

/// Every promise that this run broke.
///
/// A placed order is charged exactly once, its delivery exists once, its merchant makes it. A failed or cancelled one
/// has left nothing anywhere. A parked one was paged with exactly the effects that remained. Ledger and books agree.
pub fn judge(outcome: &Outcome) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut lost = |what: String| broken.push(Broken::Lost(what));
    if !outcome.ended || outcome.running > 0 {
        lost(format!("no end: {} executions still run", outcome.running));
    }
    // Where no order was written, the consumer was told so, and there is nothing that anybody could have paid.
    let Some(order) = &outcome.order else { return broken };
    let cloud = &outcome.cloud;
    let books = cloud.payments.books(&order.id);
    let total = order.total().minor;
    let deliveries = cloud.logistics.live(&order.id);
    let makes = cloud.merchants.books(&order.id).is_made();
    let taken = cloud.taken_from_stock();
    let quote_used = cloud.store.user_of_quote(&order.quote.terms.id).is_some();
    let drawn = cloud.drawn();
    let limited = taken_of_what_is_limited(order);
    let items: u32 = order.quote.terms.price.lines.iter().map(|line| line.quantity).sum();
    match order.status {
        OrderStatus::Placed => {
            if books.taken < total || books.refunded > 0 {
                lost(format!("placed, and not paid: {books:?}"));
            }
            if books.held > 0 {
                lost(format!("placed, and money is still held: {books:?}"));
            }
            if deliveries < usize::from(order.is_delivery()) {
                lost("placed, and no courier comes".to_owned());
            }
            if !makes {
                lost("placed, and the merchant does not make it".to_owned());
            }
            if taken < items || !quote_used {
                lost(format!("placed, with {taken} of {items} items taken, quote used: {quote_used}"));
            }
            if drawn.0 < limited.0 || drawn.1 < limited.1 {
                lost(format!("placed, with {drawn:?} of {limited:?} uses and amounts taken of what is limited"));
            }
        }
        OrderStatus::Failed | OrderStatus::Cancelled => {
            if !books.is_clean() {
                lost(format!("failed, and money is gone or held: {books:?}"));
            }
            if deliveries > 0 {
                lost(format!("failed, and {deliveries} couriers come"));
            }
            if makes {
                lost("failed, and the merchant makes it".to_owned());
            }
            if taken > 0 || quote_used {
                lost(format!("failed, with {taken} items taken, quote used: {quote_used}"));
            }
            if drawn != (0, 0) {
                lost(format!("failed, with {drawn:?} uses and amounts taken of what is limited"));
            }
        }
        OrderStatus::Parked => lost("no end: it is still parked after it was redriven".to_owned()),
        OrderStatus::Submitted | OrderStatus::Processing => lost(format!("no end: the order is {}", order.status)),
    }
    if order.status == OrderStatus::Placed && order.cancel_requested_at.is_some() {
        lost("cancelled, and placed".to_owned());
    }
    ledger_differs(order, outcome).into_iter().for_each(&mut lost);
    if outcome.parked > 0 && outcome.pages.is_empty() {
        lost("parked, and nobody was told".to_owned());
    }
    outcome.pages.iter().filter_map(page_differs).for_each(&mut lost);
    let mut double = |is: bool, what: String| {
        if is {
            broken.push(Broken::Double(what));
        }
    };
    double(books.captures > 1 || books.taken > total, format!("charged twice: {books:?}"));
    double(books.holds > 1, format!("held twice: {books:?}"));
    double(books.refunded > books.taken, format!("refunded twice: {books:?}"));
    double(deliveries > usize::from(order.is_delivery()), format!("{deliveries} couriers come"));
    double(taken > items, format!("{taken} items are taken for {items}"));
    double(drawn.0 > limited.0 || drawn.1 > limited.1, format!("{drawn:?} is taken of what is limited for {limited:?}"));
    broken
}

/// The uses and amounts that the order takes of promotions and credits, in all counters together.
fn taken_of_what_is_limited(order: &Order) -> (u32, i64) {
    let allowances = |limits: &Limits| [limits.total, limits.per_consumer].iter().filter(|one| !one.is_unlimited()).count();
    let terms = &order.quote.terms;
    terms.limited_amounts().iter().fold((0, 0), |(uses, amount), taken| {
        let counted = allowances(taken.limits);
        (uses + counted as u32, amount + counted as i64 * taken.amount)
    })
}

/// What the ledger says otherwise than the processor's books, what is pending included.
fn ledger_differs(order: &Order, outcome: &Outcome) -> Vec<String> {
    let books = outcome.cloud.payments.books(&order.id);
    let balance = match fold(&order.ledger) {
        Ok(balance) => balance,
        Err(error) => return vec![format!("the ledger has no balance: {error}")],
    };
    [
        ("held", balance.authorized.amount, books.held),
        ("paid", balance.charged.amount, books.taken - books.refunded),
        ("refunded", balance.refunded.amount, books.refunded),
    ]
    .into_iter()
    .filter(|(_, ledger, books)| ledger != books)
    .map(|(what, ledger, books)| format!("the ledger says {ledger} {what}, the processor {books}"))
    .collect()
}

/// What is wrong with the page of a parked order: it must name every effect that remains, and no other but those of
/// which nobody can know yet.
fn page_differs(page: &Page) -> Option<String> {
    let named: BTreeSet<&str> = page.told.remaining.iter().map(String::as_str).collect();
    // What was taken stays with the payment that was authorized: the undo of that gives it back, too.
    let covered = |step: &str| named.contains(step) || (step == "capture-payment" && named.contains("authorize-payment"));
    if let Some(missing) = page.remained.iter().find(|step| !covered(step)) {
        return Some(format!("the page does not name {missing}: {named:?}"));
    }
    // Nobody knows of an attempt that gave no answer; and another run may just have ended its undo.
    let excused = |step: &str| {
        let entry = page.order.steps.entry(step);
        entry.is_some_and(|entry| entry.may_have_effect() || entry.ended_at.is_some_and(|at| at > page.at - JUST_NOW_MS))
    };
    let wrong = named.into_iter().find(|step| !page.remained.contains(step) && !excused(step));
    wrong.map(|wrong| format!("the page names {wrong}, of which nothing remains"))
}
