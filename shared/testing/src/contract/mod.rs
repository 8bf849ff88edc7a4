//! What every adapter of a store port promises, as suites that run against any of them: against the adapters of this
//! crate's tests, against DynamoDB where a cloud runs. A suite panics where a promise is broken.
//!
//! A suite makes its own orders, by the ports alone and under fresh ids, so it may run beside others and in a store that
//! is not empty. Adapters may stamp writes with their own clock: leases here end either long ago or in the year 2100.

mod answers;
mod applicants;
mod cancellations;
mod catalog;
mod closing;
mod ledgers;
mod migration;
mod order_steps;
mod parked_orders;
mod price_monitoring;
mod quote_locks;
mod quotes;
mod redemption_limits;
mod refunds;
mod reports;
mod reservations;
mod stuck_orders;
mod submissions;

pub use answers::answers;
pub use applicants::applicants;
pub use cancellations::cancellations;
pub use catalog::{catalog, consumers, promotions};
pub use closing::closing;
pub use ledgers::ledgers;
pub use migration::{comparisons, legacy_sink};
pub use order_steps::status_store;
pub use parked_orders::parked_orders;
pub use price_monitoring::trends;
pub use quote_locks::quote_locks;
pub use quotes::{quote_records, quotes};
pub use redemption_limits::limits;
pub use refunds::refunds;
pub use reports::reports;
pub use reservations::reservations;
pub use stuck_orders::stuck_orders;
pub use submissions::submissions;

use crate::{
    PlainSeal,
    samples::{self, NOON},
};
use carryout_checkout::{
    ledger::{LedgerEvent, LedgerKind, LedgerPhase},
    order::Order,
    ports::{IdempotencyKey, OrderNote, Orders, Quotes, Refused, StuckOrders, Submission, Submissions},
    store::StoreWithMenu,
    workflows::orchestrator,
};
use carryout_environment::{Failure, Ids, StorageError};
use carryout_money::Money;
use carryout_workflow::{Claim, ClaimRefused, Progress, StepEntry, Workflow};
use std::fmt::Debug;

/// A lease that ended before anybody was born.
const ENDED: i64 = 1_000;
/// A lease that is still held: until the year 2100.
const HELD: i64 = 4_102_444_800_000;
/// A moment after which a request is forgotten that nobody reaches. Seconds.
const FOREVER: i64 = 4_102_444_800;
const AUTHORIZE: &str = "authorize-payment";
const RESERVE: &str = "reserve-items";
const CONFIRM: &str = "confirm-price";
const COMPLETE: &str = "complete-order";

/// What a suite makes its orders with.
pub struct Fixture<W, Q, O, I> {
    /// Writes orders.
    pub submissions: W,
    /// Keeps quotes.
    pub quotes: Q,
    /// Reads orders.
    pub orders: O,
    /// Makes ids that are fresh in this store.
    pub ids: I,
    /// A store of which nobody else buys. It has [`samples::store`]'s items with their stock, and the catalog knows it.
    pub store: StoreWithMenu,
}

impl<W: Submissions, Q: Quotes, O: Orders, I: Ids> Fixture<W, Q, O, I> {
    /// A submitted order whose workflow waits for the merchant, so that it has every step there is.
    async fn order(&self) -> Order {
        let submission = self.submission(&self.workflow("checkout-accepted"), NOON).await;
        done(self.submissions.submit(&submission).await);
        submission.order
    }

    /// What a submit would write, with its quote saved.
    async fn submission(&self, workflow: &Workflow, stuck_at: i64) -> Submission {
        let (id, quote) = (self.ids.new_id("ord"), self.ids.new_id("quo"));
        let order = samples::order(&id, &quote, &self.store, workflow, &PlainSeal::default());
        done(self.quotes.save(&order.quote, &samples::record(&order.quote)).await);
        Submission {
            key: IdempotencyKey { record_id: format!("contract#{id}"), validation: "v1".to_owned() },
            answer: format!("{{\"order_id\":\"{id}\"}}"),
            remember_until: FOREVER,
            stuck_at,
            order,
        }
    }

    fn workflow(&self, name: &str) -> Workflow {
        let orchestrator = orchestrator();
        some(orchestrator.workflows().iter().find(|workflow| workflow.name == name).cloned(), name)
    }

    async fn stored(&self, id: &str) -> Order {
        some(done(self.orders.order(id).await), id)
    }

    async fn entry(&self, id: &str, step: &str) -> StepEntry {
        some(self.stored(id).await.steps.entry(step).cloned(), step)
    }

    /// The order must be as it was before.
    async fn is_untouched(&self, before: &Order) {
        assert_eq!(&self.stored(&before.id).await, before, "a refused write must change nothing");
    }
}

#[expect(clippy::panic, reason = "a suite reports a broken promise by panicking")]
#[track_caller]
fn broken(promise: &str, instead: &dyn Debug) -> ! {
    panic!("{promise}: {instead:?}")
}

#[track_caller]
fn done<T, E: Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| broken("this must succeed", &error))
}

#[track_caller]
fn some<T>(value: Option<T>, what: &str) -> T {
    value.unwrap_or_else(|| broken("this must be there", &what))
}

#[track_caller]
fn held<T: Debug>(result: Result<T, ClaimRefused<Order>>) -> Order {
    match result {
        Err(ClaimRefused::ConditionFailed(order)) => *order,
        other => broken("the claim must be refused with the order", &other),
    }
}

#[track_caller]
fn refused<T: Debug>(result: Result<T, Refused>) -> Order {
    match result {
        Err(Refused::ConditionFailed(order)) => *order,
        other => broken("it must be refused with the order", &other),
    }
}

#[track_caller]
fn lost(result: Result<(), StorageError>) {
    assert!(matches!(result, Err(StorageError::ClaimLost)), "the claim must be lost: {result:?}");
}

/// The same submission at the other order's quote.
fn with_quote(submission: Submission, other: &Order) -> Submission {
    Submission { order: Order { quote: other.quote.clone(), ..submission.order }, ..submission }
}

fn claim_of(order: &Order, step: &'static str, lease_until: i64) -> Claim {
    Claim { id: order.id.clone(), step: step.to_owned(), run: order.run, now: NOON, lease_until }
}

fn failure(code: &str) -> Failure {
    Failure { code: code.to_owned(), message: "no".to_owned(), advice: "none".to_owned() }
}

fn event(phase: LedgerPhase, reference: &str, amount: Money) -> LedgerEvent {
    LedgerEvent {
        kind: LedgerKind::Authorization,
        phase,
        amount,
        reference: reference.to_owned(),
        effect: String::new(),
        at: NOON,
    }
}

fn progress(reference: &str, note: OrderNote) -> Progress<OrderNote> {
    Progress { reference: Some(reference.to_owned()), response: Some(serde_json::json!({ "ok": true })), note }
}

async fn is_stuck(stuck: &impl StuckOrders<Subject = Order>, id: &str, now: i64) -> bool {
    done(stuck.stuck(now, 10_000).await).iter().any(|order| order.id == id)
}
