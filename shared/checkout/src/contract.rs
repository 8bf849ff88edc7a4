//! What every adapter of a store port promises, as suites that run against any of them: against [`crate::memory`] in this
//! crate's tests, against DynamoDB where a cloud runs. A suite panics where a promise is broken.
//!
//! A suite makes its own orders, by the ports alone and under fresh ids, so it may run beside others and in a store that
//! is not empty. Adapters may stamp writes with their own clock: leases here end either long ago or in the year 2100.

use crate::{
    audit::QuoteRecord,
    cancel::is_accepted,
    consumer::Consumer,
    ledger::{LedgerEvent, LedgerKind, LedgerPhase},
    legacy::{LegacyOrder, LegacySink, Upserted},
    market::Country,
    memory::{
        PlainSeal,
        samples::{self, NOON},
    },
    order::{Order, OrderStatus},
    parity::{Comparison, Comparisons, Difference},
    ports::{
        Answers, Appended, Cancellations, Catalog, Closing, Consumers, IdempotencyKey, Ledgers, MerchantAnswer, OrderFacts,
        OrderNote, OrderSteps, OrderSubmitted, Orders, ParkedOrders, ParkedRefunds, Promotions, QuoteLocks, QuoteRecords, Quotes,
        RefundClosing, RefundRefused, RefundRequests, RefundSubmission, Refused, Reports, Reservations, ReserveRefused,
        StuckOrders, Submission, Submissions, SubmitRefused,
    },
    redemptions::{Reserved, counters_of, left},
    refund::{OrderRefund, RefundStatus},
    steps::{await_merchant, notify_merchant, refund_payment},
    store::{Location, StoreWithMenu},
    trends::{Observation, Span, Trends},
    workflows::orchestrator,
};
use carryout_money::{Currency, Money};
use carryout_pricing::{
    Allowance, Charge, Limited, Limits, PriceMeasure, Promotion, QuoteTerms, Record, Refunded, Shares, Statistics,
};
use carryout_workflow::{
    Claim, ClaimRefused, Direction, Failure, Ids, Progress, Release, StatusMap, StatusStore, StepEntry, StepState, StorageError,
    UndoState, Workflow,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

/// A lease that ended before anybody was born.
const ENDED: i64 = 1_000;
/// A lease that is still held: until the year 2100.
const HELD: i64 = 4_102_444_800_000;
/// A moment after which a request is forgotten that nobody reaches. Seconds.
const FOREVER: i64 = 4_102_444_800;

const AUTHORIZE: &str = "authorize-payment";
const CAPTURE: &str = "capture-payment";
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

/// [`Catalog`]: `fixture.store` is known, and findable by where it is.
pub async fn catalog<W, Q, O, I: Ids>(fixture: &Fixture<W, Q, O, I>, catalog: &impl Catalog) {
    let expected = &fixture.store;
    let found = some(done(catalog.store(&expected.store.id).await), "the store");
    assert_eq!(&found, expected, "a store comes with its items in the menu's order");
    for nothing in [fixture.ids.new_id("sto"), String::new()] {
        assert_eq!(done(catalog.store(&nothing).await), None, "{nothing:?}");
    }

    let there = expected.store.location;
    let beside = |metres: f64| Location { lat: there.lat + metres / 111_195.0, lng: there.lng };
    let is_near =
        async |point, radius| done(catalog.near(point, radius, 100).await).iter().any(|store| store.id == expected.store.id);
    assert!(is_near(beside(900.0), 1_000).await);
    assert!(!is_near(beside(1_100.0), 1_000).await, "beyond the radius");
    let near = done(catalog.near(there, 5_000, 100).await);
    assert!(near.is_sorted_by_key(|store| there.metres_to(store.location).round() as i64), "nearest first");
    assert_eq!(done(catalog.near(there, 5_000, 1).await).len(), 1, "at most as many as asked for");
}

/// [`Consumers`]: `known` is there as it was written.
pub async fn consumers(consumers: &impl Consumers, known: &Consumer, ids: &impl Ids) {
    assert_eq!(done(consumers.consumer(&known.id).await).as_ref(), Some(known));
    for nothing in [ids.new_id("con"), String::new()] {
        assert_eq!(done(consumers.consumer(&nothing).await), None, "{nothing:?}");
    }
}

/// [`Promotions`]: `known` are those of its country, in their order; another market has none.
pub async fn promotions(promotions: &impl Promotions, (country, known): (Country, &[Promotion]), without: Country) {
    assert_eq!(done(promotions.promotions(country).await), known);
    assert_eq!(done(promotions.promotions(without).await), []);
}

/// [`Quotes`]: what is saved is read again, to the bit, and never replaced.
pub async fn quotes<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>) {
    let order = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await.order;
    let saved = some(done(fixture.quotes.quote(&order.quote.terms.id).await), "the quote");
    assert_eq!(saved, order.quote);
    assert!(saved.verify(&PlainSeal::default()), "the signature must still fit");
    for nothing in [fixture.ids.new_id("quo"), String::new()] {
        assert_eq!(done(fixture.quotes.quote(&nothing).await), None, "{nothing:?}");
    }

    let mut cheaper = order.quote.clone();
    cheaper.terms.price.total.minor = 1;
    assert!(fixture.quotes.save(&cheaper, &samples::record(&cheaper)).await.is_err(), "a quote is never replaced");
    assert_eq!(done(fixture.quotes.quote(&order.quote.terms.id).await), Some(order.quote));
}

/// [`QuoteRecords`]: what a price depended on is read again, to the bit; it is kept for a time where no order uses the quote,
/// and for good where one does; a price that was wrong has a record and no quote; and where a quote shows another system's
/// price, the record is of ours.
pub async fn quote_records<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    records: &impl QuoteRecords,
    closing: &impl Closing,
) {
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    let order = &submission.order;
    let id = &order.quote.terms.id;
    let record = async || some(done(records.record(id).await), "the record");
    let unused = QuoteRecord::of(&order.quote, &samples::record(&order.quote));
    assert_eq!(record().await, unused);
    done(fixture.submissions.submit(&submission).await);
    let used = record().await;
    assert_eq!(used, QuoteRecord { order_id: Some(order.id.clone()), kept_until: None, ..unused.clone() }, "kept for good");
    done(closing.fail(&order.id, order.run, id, OrderStatus::Failed, None, NOON).await);
    let released = record().await;
    assert!(released.kept_until.is_some(), "an order that failed keeps no quote");
    assert_eq!(QuoteRecord { kept_until: unused.kept_until, ..released }, unused);

    let invalid =
        QuoteRecord { id: fixture.ids.new_id("quo"), price: None, invalid: Some("the total is -1".to_owned()), ..unused };
    done(fixture.quotes.save_invalid(&invalid).await);
    assert_eq!(done(records.record(&invalid.id).await), Some(invalid.clone()));
    assert_eq!(done(fixture.quotes.quote(&invalid.id).await), None, "nobody sees a wrong price");
    let read = done(fixture.submissions.consumer_and_quote("con_none", &invalid.id).await);
    assert_eq!(read, (None, None), "nobody orders at a wrong price");
    assert!(fixture.quotes.save_invalid(&invalid).await.is_err(), "a record is never replaced");
    for nothing in [fixture.ids.new_id("quo"), String::new()] {
        assert_eq!(done(records.record(&nothing).await), None, "{nothing:?}");
    }

    // The quote shows another system's price.
    let ours = done(Record::of(samples::context()));
    let terms = QuoteTerms { id: fixture.ids.new_id("quo"), ..order.quote.terms.clone() };
    let quote = terms.signed(&PlainSeal::default());
    done(fixture.quotes.save(&quote, &ours).await);
    let record = some(done(records.record(&quote.terms.id).await), "the record");
    assert_eq!((&record.price, &record.shown), (&Some(ours.price.clone()), &Some(quote.terms.price.clone())));
    assert_eq!(record, QuoteRecord::of(&quote, &ours));
    assert_eq!(done(fixture.quotes.quote(&quote.terms.id).await), Some(quote));
}

/// [`Submissions`]: one transaction decides; a repetition finds the first answer; a quote serves one order.
pub async fn submissions<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>) {
    let workflow = fixture.workflow("checkout-standard");
    let first = fixture.submission(&workflow, NOON).await;
    assert_eq!(done(fixture.submissions.completed(&first.key.record_id).await), None);
    done(fixture.submissions.submit(&first).await);
    assert_eq!(fixture.stored(&first.order.id).await, first.order);
    assert_eq!(done(fixture.orders.order("").await), None);
    // What exists is read, whatever else does not; also where an id can't be one at all.
    let (quote, nobody) = (&first.order.quote, fixture.ids.new_id("con"));
    for (consumer, id, found) in [
        (nobody.as_str(), quote.terms.id.as_str(), Some(quote)),
        ("", &quote.terms.id, Some(quote)),
        (&nobody, "quo_none", None),
        (&nobody, "", None),
    ] {
        let read = done(fixture.submissions.consumer_and_quote(consumer, id).await);
        assert_eq!((read.0, read.1.as_ref()), (None, found), "{consumer:?} {id:?}");
    }
    let completed = some(done(fixture.submissions.completed(&first.key.record_id).await), "the completed request");
    assert_eq!((completed.validation.as_str(), &completed.answer), ("v1", &first.answer));

    // The same key, with its own fresh quote: only the key refuses it.
    let twin = Submission { key: first.key.clone(), ..fixture.submission(&workflow, NOON).await };
    match fixture.submissions.submit(&twin).await {
        Err(SubmitRefused::Repeated(winner)) => assert_eq!(winner, completed),
        other => broken("a twin must get the winner's answer", &other),
    }
    assert_eq!(done(fixture.orders.order(&twin.order.id).await), None, "a refused submit writes nothing");
    // Its quote was not used by the refused attempt.
    let again = Submission { key: IdempotencyKey { record_id: format!("{}-b", twin.key.record_id), ..twin.key }, ..twin };
    done(fixture.submissions.submit(&again).await);

    // Another key, the same quote.
    let thief = with_quote(fixture.submission(&workflow, NOON).await, &first.order);
    let result = fixture.submissions.submit(&thief).await;
    assert!(matches!(result, Err(SubmitRefused::QuoteUsed)), "a quote serves one order: {result:?}");
    assert_eq!(done(fixture.orders.order(&thief.order.id).await), None);
    assert_eq!(done(fixture.submissions.completed(&thief.key.record_id).await), None);

    // The same key and the same quote, as a retry has them: the repetition counts.
    let result = fixture.submissions.submit(&first).await;
    assert!(matches!(result, Err(SubmitRefused::Repeated(_))), "{result:?}");

    // A request that is no longer remembered counts as new.
    let old = Submission { remember_until: 1, ..fixture.submission(&workflow, NOON).await };
    done(fixture.submissions.submit(&old).await);
    assert_eq!(done(fixture.submissions.completed(&old.key.record_id).await), None);
    let new = Submission { key: old.key, ..fixture.submission(&workflow, NOON).await };
    done(fixture.submissions.submit(&new).await);
}

/// [`StatusStore`]: claims, leases, fencing, the turn.
pub async fn status_store<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
    stuck: &impl StuckOrders<Subject = Order>,
    closing: &impl Closing,
) {
    claim_forward(fixture, statuses).await;
    fencing(fixture, statuses).await;
    refusal(fixture, statuses).await;
    undo(fixture, statuses).await;
    undo_against_a_lease(fixture, statuses).await;
    runs(fixture, statuses, stuck).await;
    closed(fixture, statuses, closing).await;
    unknown_step(fixture, statuses).await;
}

/// A step that the order's workflow does not have is nobody's to claim, and turns nothing round.
async fn unknown_step<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    done(fixture.submissions.submit(&submission).await);
    let claim = claim_of(&submission.order, await_merchant::NAME, ENDED);
    let forward = statuses.claim(&claim, &OrderNote::default()).await;
    assert!(matches!(forward, Err(ClaimRefused::NotFound)), "{forward:?}");
    let back = statuses.claim_undo(&claim, Some(&failure("Payment.Declined"))).await;
    assert!(matches!(back, Err(ClaimRefused::NotFound)), "{back:?}");
    fixture.is_untouched(&submission.order).await;
}

async fn claim_forward<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let total = order.total();
    let request = event(LedgerPhase::Request, "pi_1", total);
    let note = OrderNote { ledger: vec![request.clone()], flags: vec!["seen".to_owned()] };
    let claim = claim_of(&order, AUTHORIZE, HELD);
    let claimed = done(statuses.claim(&claim, &note).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.attempts, entry.run, entry.lease_until), (StepState::Running, 1, 1, HELD));
    assert!(entry.sent_at.is_some(), "the moment of sending is stored with the claim");
    assert_eq!(entry.key_version, 1);
    assert_eq!((claimed.status, claimed.direction), (OrderStatus::Processing, Direction::Forward));
    assert_eq!(claimed.ledger, std::slice::from_ref(&request));
    assert!(claimed.flags.contains("seen"));
    assert!(claimed.version > order.version, "every write counts");
    assert_eq!(fixture.stored(&order.id).await, claimed, "the claim is also the read");
    for step in order.steps.0.keys().filter(|step| *step != AUTHORIZE) {
        assert_eq!(claimed.steps.entry(step), order.steps.entry(step), "a step writes only its own entry");
    }

    // Leased: nobody else may have it, not even the same run.
    let other = Claim { lease_until: HELD + 1, ..claim.clone() };
    assert_eq!(held(statuses.claim(&other, &OrderNote::default()).await), claimed);
    fixture.is_untouched(&claimed).await;

    done(statuses.remember(&claim, "pi_1", &OrderNote::default()).await);
    assert_eq!(fixture.entry(&order.id, AUTHORIZE).await.reference.as_deref(), Some("pi_1"));

    let success = event(LedgerPhase::Success, "pi_1", total);
    let note = OrderNote { ledger: vec![success.clone()], flags: vec!["seen".to_owned(), "held".to_owned()] };
    done(statuses.complete(&claim, StepState::Done, &progress("pi_1", note)).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.lease_until), (StepState::Done, 0));
    assert!(entry.ended_at.is_some() && entry.failure.is_none());
    assert_eq!(entry.response, Some(serde_json::json!({ "ok": true })));
    assert_eq!(stored.ledger, [request, success], "events are appended");
    assert_eq!(stored.flags.len(), 2, "a flag is set once: {:?}", stored.flags);

    // Complete: no claim is given any more, and the refusal carries the answer.
    let again = held(statuses.claim(&other, &OrderNote::default()).await);
    assert_eq!(again, stored);
    fixture.is_untouched(&stored).await;

    // Unknown order, unknown step.
    let nobody = Claim { id: fixture.ids.new_id("ord"), ..claim.clone() };
    let result = statuses.claim(&nobody, &OrderNote::default()).await;
    assert!(matches!(result, Err(ClaimRefused::NotFound)), "{result:?}");
    let nothing = Claim { step: "no-such-step".to_owned(), ..claim };
    match statuses.claim(&nothing, &OrderNote::default()).await {
        Err(ClaimRefused::NotFound) => {}
        Err(ClaimRefused::ConditionFailed(order)) => assert_eq!(order.steps.entry("no-such-step"), None),
        other => broken("a step that the workflow does not have can't be claimed", &other),
    }
}

async fn fencing<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let dead = claim_of(&order, AUTHORIZE, ENDED);
    done(statuses.claim(&dead, &OrderNote::default()).await);
    // Its lease has ended, so the next one gets it, and whatever the first one still writes is refused.
    let alive = claim_of(&order, AUTHORIZE, HELD);
    let claimed = done(statuses.claim(&alive, &OrderNote::default()).await);
    assert_eq!(some(claimed.steps.entry(AUTHORIZE), AUTHORIZE).attempts, 2);
    lost(statuses.remember(&dead, "pi_dead", &OrderNote::default()).await);
    lost(statuses.complete(&dead, StepState::Done, &progress("pi_dead", OrderNote::default())).await);
    lost(statuses.release(&dead, &failure("Payment.Unclear"), Release::Retry).await);
    lost(statuses.complete_undo(&dead, &Progress::default()).await);
    lost(statuses.release_undo(&dead, &failure("Payment.Unclear")).await);
    fixture.is_untouched(&claimed).await;
    done(statuses.release(&alive, &failure("Payment.Unclear"), Release::Retry).await);
    // Given back: not even the one who gave it back may write.
    lost(statuses.remember(&alive, "pi_late", &OrderNote::default()).await);
}

async fn refusal<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    for attempt in [1, 2] {
        done(statuses.claim(&claim, &OrderNote::default()).await);
        done(statuses.release(&claim, &failure("Payment.Unclear"), Release::Retry).await);
        let entry = fixture.entry(&order.id, AUTHORIZE).await;
        assert_eq!((entry.state, entry.attempts, entry.lease_until), (StepState::Running, attempt, 0));
        assert_eq!(entry.key_version, 1, "the key stays until the partner has definitely refused");
        assert_eq!(entry.failure.map(|failure| failure.code).as_deref(), Some("Payment.Unclear"));
        assert_eq!(entry.ended_at, None);
    }
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.release(&claim, &failure("Payment.Declined"), Release::Refused).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.key_version, entry.lease_until), (StepState::Failed, 2, 0));
    assert!(entry.ended_at.is_some());
    assert_eq!(entry.failure, Some(failure("Payment.Declined")));
    assert_eq!(stored.direction, Direction::Forward, "a step does not turn its order; the workflow does");
    held(statuses.claim(&claim, &OrderNote::default()).await);
    fixture.is_untouched(&stored).await;

    // A success after a failed attempt leaves no failure behind.
    let claim = claim_of(&order, CAPTURE, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.release(&claim, &failure("Payment.Unclear"), Release::Retry).await);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Skipped, &Progress::default()).await);
    let entry = fixture.entry(&order.id, CAPTURE).await;
    assert_eq!((entry.state, entry.failure, entry.reference), (StepState::Skipped, None, None));
}

async fn undo<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    // Undo accepts what was never begun.
    let claimed = done(statuses.claim_undo(&claim, Some(&failure("Item.SoldOut"))).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.undo, entry.undo_attempts), (StepState::Pending, UndoState::Running, 1));
    assert_eq!((entry.lease_until, entry.attempts, entry.sent_at), (HELD, 0, None));
    assert_eq!((claimed.direction, claimed.status), (Direction::Undo, OrderStatus::Processing));
    assert_eq!(claimed.failure, Some(failure("Item.SoldOut")));
    assert_eq!(fixture.stored(&order.id).await, claimed);

    // Turned: no step goes forward any more.
    held(statuses.claim(&claim_of(&order, CAPTURE, HELD), &OrderNote::default()).await);
    fixture.is_untouched(&claimed).await;
    // Leased: an undo waits, too.
    held(statuses.claim_undo(&Claim { lease_until: HELD + 1, ..claim.clone() }, None).await);
    fixture.is_untouched(&claimed).await;

    done(statuses.release_undo(&claim, &failure("Payment.Unclear")).await);
    let entry = fixture.entry(&order.id, AUTHORIZE).await;
    assert_eq!((entry.undo, entry.lease_until, entry.key_version), (UndoState::Running, 0, 1), "the undo stays asked for");
    assert_eq!(entry.failure, Some(failure("Payment.Unclear")));

    let claimed = done(statuses.claim_undo(&claim, Some(&failure("Other.Reason"))).await);
    assert_eq!(claimed.failure, Some(failure("Item.SoldOut")), "the first reason counts");
    assert_eq!(some(claimed.steps.entry(AUTHORIZE), AUTHORIZE).undo_attempts, 2);
    let event = event(LedgerPhase::Success, "pi_1", order.total());
    let note = OrderNote { ledger: vec![event.clone()], flags: Vec::new() };
    done(statuses.complete_undo(&claim, &Progress { note, ..Progress::default() }).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.undo, entry.state, entry.lease_until), (UndoState::Done, StepState::Pending, 0));
    assert_eq!(stored.ledger, [event]);

    // Already undone.
    assert_eq!(held(statuses.claim_undo(&claim, None).await), stored);
    fixture.is_untouched(&stored).await;
    let nobody = Claim { id: fixture.ids.new_id("ord"), ..claim };
    let result = statuses.claim_undo(&nobody, None).await;
    assert!(matches!(result, Err(ClaimRefused::NotFound)), "{result:?}");
}

async fn undo_against_a_lease<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
) {
    let order = fixture.order().await;
    let forward = claim_of(&order, AUTHORIZE, HELD);
    done(statuses.claim(&forward, &OrderNote::default()).await);
    let undo = Claim { lease_until: HELD + 1, ..forward.clone() };
    held(statuses.claim_undo(&undo, Some(&failure("Payment.Unclear"))).await);
    let turned = fixture.stored(&order.id).await;
    assert_eq!(turned.direction, Direction::Undo, "the direction turns although the lease refuses the claim");
    assert_eq!(turned.failure, Some(failure("Payment.Unclear")));
    let entry = some(turned.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.undo, entry.undo_attempts, entry.lease_until), (UndoState::None, 0, HELD));
    for step in [AUTHORIZE, CAPTURE] {
        held(statuses.claim(&claim_of(&order, step, HELD + 2), &OrderNote::default()).await);
    }
    fixture.is_untouched(&turned).await;

    // Whoever holds the lease may still record what has happened; then the undo begins.
    done(statuses.complete(&forward, StepState::Done, &progress("pi_1", OrderNote::default())).await);
    let claimed = done(statuses.claim_undo(&undo, None).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.reference.as_deref()), (StepState::Done, Some("pi_1")));
}

async fn runs<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    let order = fixture.order().await;
    let first = claim_of(&order, AUTHORIZE, ENDED);
    done(statuses.claim(&first, &OrderNote::default()).await);
    assert!(done(stuck.next_run(&order.id, 1, NOON).await));
    let second = fixture.stored(&order.id).await;
    // Neither the run that was superseded nor one that has not begun may claim anything or turn the order.
    for run in [1, 3] {
        let claim = Claim { run, lease_until: HELD, ..first.clone() };
        assert_eq!(held(statuses.claim(&claim, &OrderNote::default()).await).run, 2);
        assert_eq!(held(statuses.claim_undo(&claim, Some(&failure("A.B"))).await).direction, Direction::Forward);
        fixture.is_untouched(&second).await;
    }
    let claimed = done(statuses.claim(&Claim { run: 2, lease_until: HELD, ..first.clone() }, &OrderNote::default()).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.run, entry.attempts, entry.key_version), (2, 2, 1), "a new run keeps the key");
    lost(statuses.complete(&first, StepState::Done, &Progress::default()).await);
}

async fn closed<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
    closing: &impl Closing,
) {
    let order = fixture.order().await;
    done(closing.place(COMPLETE, &order.id, 1, NOON).await);
    let placed = fixture.stored(&order.id).await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    held(statuses.claim(&claim, &OrderNote::default()).await);
    held(statuses.claim_undo(&claim, Some(&failure("A.B"))).await);
    fixture.is_untouched(&placed).await;
}

/// [`QuoteLocks`]: checks the quote and completes the entry in one.
pub async fn quote_locks<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    locks: &impl QuoteLocks,
    statuses: &impl OrderSteps,
) {
    let order = fixture.order().await;
    let facts = OrderSubmitted::of(&order).facts;
    let dearer = OrderFacts { total: Money { minor: facts.total.minor + 1, ..facts.total }, ..facts.clone() };
    let others = OrderFacts { quote_id: fixture.order().await.quote.terms.id, ..facts.clone() };
    for wrong in [&dearer, &others] {
        let result = locks.confirm(CONFIRM, &order.id, 1, wrong, NOON).await;
        assert!(matches!(result, Err(Refused::Other)), "the quote does not hold: {result:?}");
    }
    fixture.is_untouched(&order).await;
    assert_eq!(refused(locks.confirm(CONFIRM, &order.id, 2, &facts, NOON).await), order);
    let result = locks.confirm(CONFIRM, &fixture.ids.new_id("ord"), 1, &facts, NOON).await;
    assert!(matches!(result, Err(Refused::NotFound)), "{result:?}");

    done(locks.confirm(CONFIRM, &order.id, 1, &facts, NOON).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(CONFIRM), CONFIRM);
    assert_eq!((entry.state, entry.run, entry.attempts, entry.sent_at), (StepState::Done, 1, 1, Some(NOON)));
    assert_eq!(stored.status, OrderStatus::Processing);
    assert_eq!(refused(locks.confirm(CONFIRM, &order.id, 1, &facts, NOON).await), stored, "done is not done again");

    let turned = fixture.order().await;
    done(statuses.claim_undo(&claim_of(&turned, AUTHORIZE, ENDED), None).await);
    let facts = OrderSubmitted::of(&turned).facts;
    assert_eq!(refused(locks.confirm(CONFIRM, &turned.id, 1, &facts, NOON).await).direction, Direction::Undo);
}

/// [`Reservations`]: all lines or none; the entry and the stock in one.
pub async fn reservations<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    reservations: &impl Reservations,
    statuses: &impl OrderSteps,
    catalog: &impl Catalog,
) {
    let store = &fixture.store.store.id;
    let stock = async || {
        let store = some(done(catalog.store(store).await), store);
        store.items.iter().map(|item| item.stock).collect::<Vec<_>>()
    };
    let full = stock().await;
    let order = fixture.order().await;
    let claim = claim_of(&order, RESERVE, HELD);
    let result = reservations.reserve(&claim, &order).await;
    assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "nothing without a claim: {result:?}");
    assert_eq!(stock().await, full);

    let order = done(statuses.claim(&claim, &OrderNote::default()).await);
    done(reservations.reserve(&claim, &order).await);
    let less: Vec<u32> = full.iter().map(|left| left - 1).collect();
    assert_eq!(stock().await, less);
    let entry = fixture.entry(&order.id, RESERVE).await;
    assert_eq!((entry.state, entry.lease_until), (StepState::Done, 0));
    let result = reservations.reserve(&claim, &order).await;
    assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "taken once: {result:?}");
    assert_eq!(stock().await, less);

    // Put back once, under a claim.
    let order = done(statuses.claim_undo(&claim, None).await);
    done(reservations.put_back(&claim, &order).await);
    assert_eq!(stock().await, full);
    assert_eq!(fixture.entry(&order.id, RESERVE).await.undo, UndoState::Done);
    let result = reservations.put_back(&claim, &order).await;
    assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "put back once: {result:?}");
    assert_eq!(stock().await, full);

    // One line too many: nothing of the order is taken, and only that line is named.
    let greedy = fixture.order().await;
    let claim = claim_of(&greedy, RESERVE, HELD);
    let mut greedy = done(statuses.claim(&claim, &OrderNote::default()).await);
    let too_much = some(greedy.quote.terms.price.lines.last_mut(), "a line");
    too_much.quantity = some(full.last(), "an item") + 1;
    let sold_out = too_much.item_id.clone();
    match reservations.reserve(&claim, &greedy).await {
        Err(ReserveRefused::SoldOut(items)) => assert_eq!(items, [sold_out]),
        other => broken("the sold-out line must be named", &other),
    }
    assert_eq!(stock().await, full);
    assert_eq!(fixture.entry(&greedy.id, RESERVE).await.lease_until, HELD, "the claim is still held");

    // An item that is gone has no stock to return to; the others return.
    let gone = fixture.order().await;
    let claim = claim_of(&gone, RESERVE, HELD);
    let gone = done(statuses.claim(&claim, &OrderNote::default()).await);
    done(reservations.reserve(&claim, &gone).await);
    let mut gone = done(statuses.claim_undo(&claim, None).await);
    some(gone.quote.terms.price.lines.first_mut(), "a line").item_id = fixture.ids.new_id("itm").into();
    done(reservations.put_back(&claim, &gone).await);
    let mut partly = full;
    partly[0] -= 1;
    assert_eq!(stock().await, partly);
}

/// [`Reservations`] and [`Promotions`]: limited promotions and credits give no more than they have, also to many orders at once, and
/// get back exactly what each order took.
pub async fn limits<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    reservations: &impl Reservations,
    statuses: &impl OrderSteps,
    promotions: &impl Promotions,
) {
    let market = fixture.store.store.country;
    // An order of this consumer that takes this amount of a component, and nothing out of stock.
    let taking = async |consumer: &str, component: &str, amount: i64, limits: Limits| {
        let order = fixture.order().await;
        let claim = claim_of(&order, RESERVE, HELD);
        let mut order = done(statuses.claim(&claim, &OrderNote::default()).await);
        order.consumer.id = consumer.to_owned();
        let (terms, (group, code)) = (&mut order.quote.terms, some(component.split_once('.'), "a group"));
        let amount = Money { minor: -amount, ..terms.price.total };
        let charge = Charge { code: code.to_owned(), name: code.to_owned(), amount, included: false, shares: Shares::default() };
        if group == "credits" { &mut terms.price.credits } else { &mut terms.price.discounts }.push(charge);
        terms.limited.push(Limited { component: component.to_owned(), limits });
        terms.price.lines.clear();
        (claim, order)
    };
    let give_back = async |claim: &Claim| {
        let order = done(statuses.claim_undo(claim, None).await);
        done(reservations.put_back(claim, &order).await);
        let result = reservations.put_back(claim, &order).await;
        assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "given back once: {result:?}");
    };
    let remaining = async |consumer: &str, component: &str, limits: &Limits| {
        let keys = counters_of(market, consumer, [(component, limits)]);
        let left = left(market, consumer, component, limits, &done(promotions.counters(&keys).await));
        (left.uses, left.budget)
    };
    let used_up = |result: Result<Reserved, ReserveRefused>, component: &str| match result {
        Err(ReserveRefused::UsedUp(components)) => assert_eq!(components, [component]),
        other => broken("what is used up must be named", &other),
    };

    // Uses and budget; an amount that no counter has alone is put together, to the last cent.
    let promotion = format!("discounts.{}", fixture.ids.new_id("pro"));
    let total = |uses, budget| Limits { total: Allowance { uses, budget }, ..Limits::default() };
    let limits = total(Some(3), Some(1_000));
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(3), Some(1_000)));
    let mut taken = Vec::new();
    for _ in 0..3 {
        let (claim, order) = taking("con_a", &promotion, 300, limits).await;
        let reserved = done(reservations.reserve(&claim, &order).await);
        let sum =
            reserved.redemptions.iter().fold((0, 0), |sum, redemption| (sum.0 + redemption.uses, sum.1 + redemption.amount));
        assert_eq!(sum, (1, 300), "{reserved:?}");
        assert_eq!(fixture.entry(&order.id, RESERVE).await.response, serde_json::to_value(&reserved).ok());
        let result = reservations.reserve(&claim, &order).await;
        assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "taken once: {result:?}");
        taken.push(claim);
    }
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(0), Some(100)));
    let (claim, order) = taking("con_b", &promotion, 100, limits).await;
    used_up(reservations.reserve(&claim, &order).await, &promotion);
    assert_eq!(fixture.entry(&order.id, RESERVE).await.lease_until, HELD, "the claim is still held");
    give_back(&taken[1]).await;
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(1), Some(400)));
    let (claim, order) = taking("con_b", &promotion, 401, limits).await;
    used_up(reservations.reserve(&claim, &order).await, &promotion);
    let (claim, order) = taking("con_b", &promotion, 400, limits).await;
    done(reservations.reserve(&claim, &order).await);
    assert_eq!(remaining("con_b", &promotion, &limits).await, (Some(0), Some(0)));
    // Limits are the promotion's alone: more is given once it has more.
    assert_eq!(remaining("con_b", &promotion, &total(Some(4), Some(1_500))).await, (Some(1), Some(500)));

    // Once for each consumer.
    let promotion = format!("discounts.{}", fixture.ids.new_id("pro"));
    let once = Limits { per_consumer: Allowance { uses: Some(1), budget: None }, ..Limits::default() };
    for (consumer, first) in [("con_a", true), ("con_a", false), ("con_b", true)] {
        let (claim, order) = taking(consumer, &promotion, 300, once).await;
        match reservations.reserve(&claim, &order).await {
            Ok(_) => assert!(first),
            refused => {
                assert!(!first, "{refused:?}");
                used_up(refused, &promotion);
            }
        }
    }

    // A credit is spent once, and what is left of it later.
    let credit = format!("credits.{}", fixture.ids.new_id("cre"));
    let gift = Limits { per_consumer: Allowance { uses: None, budget: Some(500) }, ..Limits::default() };
    let (first, order) = taking("con_a", &credit, 400, gift).await;
    done(reservations.reserve(&first, &order).await);
    let (claim, order) = taking("con_a", &credit, 101, gift).await;
    used_up(reservations.reserve(&claim, &order).await, &credit);
    give_back(&first).await;
    assert_eq!(remaining("con_a", &credit, &gift).await, (None, Some(500)));

    // Many orders at once.
    let promotion = format!("discounts.{}", fixture.ids.new_id("pro"));
    let limits = total(Some(6), Some(2_000));
    let mut orders = Vec::new();
    for _ in 0..12 {
        orders.push(taking("con_a", &promotion, 300, limits).await);
    }
    let try_to_reserve = async |claim: &Claim, order: &Order| {
        loop {
            match reservations.reserve(claim, order).await {
                Ok(_) => return true,
                Err(ReserveRefused::Conflict) => {}
                refused => {
                    used_up(refused, &promotion);
                    return false;
                }
            }
        }
    };
    let each = orders.iter().map(|(claim, order)| try_to_reserve(claim, order));
    let given = futures::future::join_all(each).await.into_iter().filter(|given| *given).count();
    assert_eq!(given, 6, "as many orders as there are uses");
    assert_eq!(remaining("con_a", &promotion, &limits).await, (Some(0), Some(200)));
}

/// [`Closing`]: an order is closed once, by its own run; a failed one releases its quote.
pub async fn closing<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    closing: &impl Closing,
    statuses: &impl OrderSteps,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    let quote = |order: &Order| order.quote.terms.id.clone();
    let reason = failure("Payment.Declined");
    let submit = async |workflow: &Workflow, stuck_at| {
        let submission = fixture.submission(workflow, stuck_at).await;
        done(fixture.submissions.submit(&submission).await);
        submission.order
    };
    let workflow = fixture.workflow("checkout-standard");

    // Placed.
    let order = submit(&workflow, ENDED).await;
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 2, NOON).await), order, "another run's order");
    assert_eq!(refused(closing.fail(&order.id, 2, &quote(&order), OrderStatus::Failed, None, NOON).await), order);
    assert_eq!(refused(closing.park(&order.id, 2, NOON).await), order);
    done(closing.place(COMPLETE, &order.id, 1, NOON).await);
    let placed = fixture.stored(&order.id).await;
    assert_eq!((placed.status, placed.direction), (OrderStatus::Placed, Direction::Forward));
    let entry = some(placed.steps.entry(COMPLETE), COMPLETE);
    assert_eq!((entry.state, entry.attempts, entry.sent_at), (StepState::Done, 1, Some(NOON)));
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 1, NOON).await), placed);
    assert_eq!(refused(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, Some(&reason), NOON).await), placed);
    assert_eq!(refused(closing.park(&order.id, 1, NOON).await), placed);
    fixture.is_untouched(&placed).await;
    let thief = with_quote(fixture.submission(&workflow, NOON).await, &placed);
    let result = fixture.submissions.submit(&thief).await;
    assert!(matches!(result, Err(SubmitRefused::QuoteUsed)), "a placed order keeps its quote: {result:?}");

    // Failed: the quote is free for the next order.
    let order = submit(&workflow, ENDED).await;
    done(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, Some(&reason), NOON).await);
    let failed = fixture.stored(&order.id).await;
    assert_eq!((failed.status, failed.direction), (OrderStatus::Failed, Direction::Undo));
    assert_eq!(failed.failure, Some(reason.clone()));
    assert_eq!(refused(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, None, NOON).await), failed);
    let next = with_quote(fixture.submission(&workflow, ENDED).await, &order);
    done(fixture.submissions.submit(&next).await);
    // The quote is the next order's now: another failing order does not release it.
    let other = submit(&workflow, ENDED).await;
    done(closing.fail(&other.id, 1, &quote(&next.order), OrderStatus::Failed, None, NOON).await);
    let thief = with_quote(fixture.submission(&workflow, NOON).await, &order);
    let result = fixture.submissions.submit(&thief).await;
    assert!(matches!(result, Err(SubmitRefused::QuoteUsed)), "{result:?}");

    // The reason that was recorded first counts.
    let order = submit(&workflow, ENDED).await;
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), Some(&failure("Item.SoldOut"))).await);
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 1, NOON).await).direction, Direction::Undo);
    done(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, Some(&reason), NOON).await);
    assert_eq!(fixture.stored(&order.id).await.failure, Some(failure("Item.SoldOut")));

    // Cancelled: told apart from failed, and the quote is free as well.
    let order = submit(&workflow, ENDED).await;
    let cancelled = failure("Order.CancelRequested");
    done(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Cancelled, Some(&cancelled), NOON).await);
    assert_eq!(fixture.stored(&order.id).await.status, OrderStatus::Cancelled);
    done(fixture.submissions.submit(&with_quote(fixture.submission(&workflow, ENDED).await, &order)).await);

    // Parked.
    let order = submit(&workflow, ENDED).await;
    let parked = done(closing.park(&order.id, 1, NOON).await);
    assert_eq!(parked.status, OrderStatus::Parked);
    assert_eq!(fixture.stored(&order.id).await, parked);
    assert_eq!(refused(closing.park(&order.id, 1, NOON).await), parked);

    let nobody = fixture.ids.new_id("ord");
    let results = [
        closing.place(COMPLETE, &nobody, 1, NOON).await,
        closing.fail(&nobody, 1, "quo_none", OrderStatus::Failed, None, NOON).await,
        closing.park(&nobody, 1, NOON).await.map(drop),
    ];
    for result in results {
        assert!(matches!(result, Err(Refused::NotFound)), "{result:?}");
    }
    for closed in [&placed, &failed, &parked] {
        assert!(!done(stuck.next_run(&closed.id, 1, NOON).await), "a closed order has no next run");
        assert!(!is_stuck(stuck, &closed.id, ENDED).await, "a closed order is not looked for");
    }
}

async fn is_stuck(stuck: &impl StuckOrders<Subject = Order>, id: &str, now: i64) -> bool {
    done(stuck.stuck(now, 10_000).await).iter().any(|order| order.id == id)
}

/// [`Ledgers`]: what is told twice stands once, whoever told it first; nothing else changes.
pub async fn ledgers<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    ledgers: &impl Ledgers,
    statuses: &impl OrderSteps,
) {
    let order = fixture.order().await;
    let told = event(LedgerPhase::Success, "pi_1", order.total());
    assert_eq!(done(ledgers.append(&order.id, &told).await), Appended::New);
    for at in [told.at, told.at + 1] {
        assert_eq!(done(ledgers.append(&order.id, &LedgerEvent { at, ..told.clone() }).await), Appended::Known);
    }
    let other = event(LedgerPhase::Success, "pi_2", order.total());
    assert_eq!(done(ledgers.append(&order.id, &other).await), Appended::New);
    let stored = fixture.stored(&order.id).await;
    assert_eq!(stored.ledger, [told, other]);
    let same = Order { ledger: Vec::new(), updated_at: order.updated_at, version: order.version + 2, ..stored.clone() };
    assert_eq!(
        same,
        Order { version: order.version + 2, ..order.clone() },
        "nothing but the ledger changes, and each write counts"
    );

    // What a step has written is known, too; while it holds its claim, others may tell something all the same.
    let claim = claim_of(&order, AUTHORIZE, HELD);
    let by_step = event(LedgerPhase::Request, "pi_1", order.total());
    let note = OrderNote { ledger: vec![by_step.clone()], flags: vec!["flag".to_owned()] };
    done(statuses.claim(&claim, &note).await);
    assert_eq!(done(ledgers.append(&order.id, &by_step).await), Appended::Known);
    let meanwhile = event(LedgerPhase::Failure, "pi_1", order.total());
    assert_eq!(done(ledgers.append(&order.id, &meanwhile).await), Appended::New);
    done(statuses.complete(&claim, StepState::Done, &progress("pi_1", OrderNote::default())).await);
    for nobody in [fixture.ids.new_id("ord"), String::new()] {
        assert_eq!(done(ledgers.append(&nobody, &by_step).await), Appended::NoOrder, "{nobody:?}");
    }
}

/// [`Reports`]: the newest one is the one that began last. Nobody else may write reports meanwhile.
pub async fn reports(reports: &impl Reports) {
    assert_eq!(done(reports.latest().await), None);
    let report = |started_at| crate::reconcile::Reconciliation { started_at, ..Default::default() };
    for (saved, latest) in [(NOON, NOON), (NOON + 1, NOON + 1), (NOON - 1, NOON + 1)] {
        done(reports.save(&report(saved)).await);
        assert_eq!(done(reports.latest().await), Some(report(latest)));
    }
    let again = crate::reconcile::Reconciliation { intents: 7, ..report(NOON + 1) };
    done(reports.save(&again).await);
    assert_eq!(done(reports.latest().await), Some(again), "a report is kept under the moment at which it began");
}

/// [`Answers`]: the first answer counts, before the wait or after it.
pub async fn answers<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    answers: &impl Answers,
    statuses: &impl OrderSteps,
) {
    const STEP: &str = await_merchant::NAME;
    let accepted = MerchantAnswer::Accepted;
    let no = MerchantAnswer::Refused { reason: "no eggs".to_owned() };
    let entry = |order: &Order| some(order.steps.entry(STEP).cloned(), STEP);

    // The wait comes first.
    let order = fixture.order().await;
    let waiting = done(answers.wait_for(STEP, &order.id, 1, "token-1", NOON).await);
    let waits = entry(&waiting);
    assert_eq!((waits.state, waits.task_token.as_deref(), waits.attempts), (StepState::Waiting, Some("token-1"), 1));
    assert_eq!((waits.run, waits.sent_at, waiting.status), (1, Some(NOON), OrderStatus::Processing));
    // A retry waits with a token of its own.
    let waiting = done(answers.wait_for(STEP, &order.id, 1, "token-2", NOON).await);
    assert_eq!(entry(&waiting).task_token.as_deref(), Some("token-2"));
    let answered = done(answers.record(STEP, &order.id, &accepted, NOON).await);
    assert_eq!((entry(&answered).state, entry(&answered).task_token.as_deref()), (StepState::Done, Some("token-2")));
    assert_eq!(fixture.stored(&order.id).await, answered);
    for answer in [&accepted, &no] {
        assert_eq!(refused(answers.record(STEP, &order.id, answer, NOON).await), answered, "the first answer counts");
    }
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 1, "token-3", NOON).await), answered);
    fixture.is_untouched(&answered).await;

    // The answer comes first.
    let order = fixture.order().await;
    let answered = done(answers.record(STEP, &order.id, &no, NOON).await);
    assert_eq!(entry(&answered).state, StepState::Failed);
    let failure = some(entry(&answered).failure, "the refusal");
    assert_eq!(failure.code, "Merchant.Refused");
    assert!(failure.message.contains("no eggs"), "{failure}");
    assert_eq!(entry(&answered).task_token, None);
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 1, "token-1", NOON).await), answered);

    // Another run's wait, an order that turned, one that never waits, none at all.
    let order = fixture.order().await;
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 2, "token-1", NOON).await), order);
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), None).await);
    let turned = fixture.stored(&order.id).await;
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 1, "token-1", NOON).await), turned);
    assert_eq!(refused(answers.record(STEP, &order.id, &accepted, NOON).await), turned);
    fixture.is_untouched(&turned).await;
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    done(fixture.submissions.submit(&submission).await);
    let result = answers.record(STEP, &submission.order.id, &accepted, NOON).await;
    assert!(matches!(result, Err(Refused::Other)), "its workflow has no such step: {result:?}");
    for nothing in [fixture.ids.new_id("ord"), String::new()] {
        let result = answers.record(STEP, &nothing, &accepted, NOON).await;
        assert!(matches!(result, Err(Refused::NotFound)), "{nothing:?}: {result:?}");
    }
}

/// [`StuckOrders`]: what has passed its deadline is found, and each run begins once.
pub async fn stuck_orders<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    // Deadlines of long ago, so that the suite's orders come before anybody else's.
    let (early, late) = (2_000, 3_000);
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), late).await;
    done(fixture.submissions.submit(&submission).await);
    let id = &submission.order.id;
    assert!(!is_stuck(stuck, id, early).await, "its deadline has not passed");
    assert!(is_stuck(stuck, id, late).await);
    let found = done(stuck.stuck(late, 10_000).await);
    assert_eq!(found.iter().find(|order| order.id == *id), Some(&submission.order), "the whole order comes");

    done(stuck.look_again(id, 1, late + 10).await);
    assert!(!is_stuck(stuck, id, late).await && is_stuck(stuck, id, late + 10).await);
    assert_eq!(fixture.stored(id).await.run, 1);
    // Somebody else's run: nothing changes.
    done(stuck.look_again(id, 2, early).await);
    assert!(!is_stuck(stuck, id, late).await);

    assert!(done(stuck.next_run(id, 1, late + 20).await));
    assert!(!done(stuck.next_run(id, 1, early).await), "each run begins once");
    assert!(!is_stuck(stuck, id, late + 10).await && is_stuck(stuck, id, late + 20).await);
    let stored = fixture.stored(id).await;
    assert_eq!((stored.run, stored.direction, stored.status), (2, Direction::Forward, OrderStatus::Submitted));
    assert!(!done(stuck.next_run(&fixture.ids.new_id("ord"), 1, early).await));
    done(stuck.look_again(&fixture.ids.new_id("ord"), 1, early).await);
    // Out of the way of whoever comes next.
    done(stuck.look_again(id, 2, HELD).await);
}

/// The stores of refunds: [`RefundRequests`], [`RefundClosing`], [`ParkedRefunds`], and with them the status store and the
/// sweeper's index of refunds. A refund and its order are written together or not at all.
pub async fn refunds<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    placing: &impl Closing,
    requests: &impl RefundRequests,
    closing: &impl RefundClosing,
    parked: &impl ParkedRefunds,
    statuses: &impl StatusStore<Subject = OrderRefund, Note = OrderNote>,
    stuck: &impl StuckOrders<Subject = OrderRefund>,
) {
    const PAY: &str = refund_payment::NAME;
    const CLOSE: &str = "complete-refund";
    let submitted = fixture.order().await;
    let early = refund_of(fixture, &submitted);
    let refused = requests.request(&early).await;
    assert!(matches!(refused, Err(RefundRefused::Changed)), "only a placed order is refunded: {refused:?}");
    done(placing.place(COMPLETE, &submitted.id, 1, NOON).await);
    let order = fixture.stored(&submitted.id).await;
    let stale = RefundSubmission { order_version: order.version - 1, ..refund_of(fixture, &order) };
    let refused = requests.request(&stale).await;
    assert!(matches!(refused, Err(RefundRefused::Changed)), "only of the order as it was read: {refused:?}");
    assert_eq!(fixture.stored(&order.id).await, order);
    assert_eq!(done(closing.refund(&stale.refund.id).await), None);

    let taken = refund_of(fixture, &order);
    assert_eq!(done(requests.completed(&taken.key.record_id).await), None);
    done(requests.request(&taken).await);
    let id = &taken.refund.id;
    assert_eq!(done(closing.refund(id).await).as_ref(), Some(&taken.refund), "the whole refund comes");
    let with_refund = fixture.stored(&order.id).await;
    assert_eq!((&with_refund.refunded, with_refund.open_refund.as_ref()), (&taken.refunded, Some(id)));
    assert_eq!((with_refund.ledger.last(), with_refund.version), (Some(&taken.refund.requested()), order.version + 1));
    match requests.request(&taken).await {
        Err(RefundRefused::Repeated(completed)) => {
            assert_eq!((completed.validation.as_str(), &completed.answer), ("v1", &taken.answer));
        }
        other => broken("a repetition must get the first answer", &other),
    }
    let second = requests.request(&refund_of(fixture, &with_refund)).await;
    assert!(matches!(second, Err(RefundRefused::Changed)), "one refund at a time: {second:?}");
    assert_eq!(fixture.stored(&order.id).await, with_refund);

    // Found by its deadline, and driven on by the next run.
    let is_found = async |now| done(stuck.stuck(now, 10_000).await).iter().any(|refund| refund.id == *id);
    assert!(!is_found(taken.stuck_at - 1).await && is_found(taken.stuck_at).await);
    assert!(done(stuck.next_run(id, 1, HELD).await) && !done(stuck.next_run(id, 1, HELD).await));

    // Asked, and not known: neither given back nor failed.
    let claim = Claim { id: id.clone(), step: PAY.to_owned(), run: 2, now: NOON, lease_until: ENDED };
    let asked = OrderNote { ledger: vec![taken.refund.requested()], flags: Vec::new() };
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.remember(&claim, "key", &asked).await);
    let running = some(done(closing.refund(id).await), id);
    assert_eq!((running.status, running.ledger.len()), (RefundStatus::Processing, 1));
    held_refund(closing.succeed(CLOSE, &running, &[], NOON).await);
    held_refund(closing.fail(&running, &[running.failed(NOON)], None, NOON).await);
    held_refund(closing.park(id, 1, NOON).await);
    assert_eq!(fixture.stored(&order.id).await, with_refund, "its order is untouched");
    let closed = done(closing.park(id, 2, NOON).await);
    assert_eq!((closed.status, closed.run), (RefundStatus::Parked, 2));
    assert!(!is_found(HELD).await, "a parked refund is left alone");
    assert_eq!(fixture.stored(&order.id).await.open_refund.as_ref(), Some(id), "nothing else begins meanwhile");
    let opened = done(parked.reopen(id, HELD).await);
    assert_eq!((opened.status, opened.run, opened.direction), (RefundStatus::Processing, 3, Direction::Forward));
    assert!(is_found(HELD).await);
    held_refund(parked.reopen(id, HELD).await);

    // Given back.
    let claim = Claim { run: 3, ..claim };
    done(statuses.claim(&claim, &OrderNote::default()).await);
    let success = LedgerEvent { phase: LedgerPhase::Success, reference: "re_1".to_owned(), ..opened.requested() };
    let note = OrderNote { ledger: vec![success.clone()], flags: Vec::new() };
    done(statuses.complete(&claim, StepState::Done, &progress("re_1", note)).await);
    let given = some(done(closing.refund(id).await), id);
    held_refund(closing.fail(&given, &[given.failed(NOON)], None, NOON).await);
    done(closing.succeed(CLOSE, &given, std::slice::from_ref(&success), NOON).await);
    let again = held_refund(closing.succeed(CLOSE, &given, std::slice::from_ref(&success), NOON).await);
    assert_eq!(again.status, RefundStatus::Refunded);
    assert_eq!(some(again.steps.entry(CLOSE), CLOSE).state, StepState::Done);
    let refunded = fixture.stored(&order.id).await;
    assert_eq!((refunded.open_refund.as_ref(), &refunded.refunded), (None, &taken.refunded));
    assert_eq!(refunded.ledger, [taken.refund.requested(), success]);
    assert!(!is_found(HELD).await, "a closed refund is left alone");

    // A refusal puts back what was given back before it.
    let taken = RefundSubmission { refunded: Refunded { tip: 2, ..Refunded::default() }, ..refund_of(fixture, &refunded) };
    done(requests.request(&taken).await);
    let no = failure("Refund.Refused");
    let claim = Claim { id: taken.refund.id.clone(), run: 1, ..claim };
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.release(&claim, &no, Release::Refused).await);
    let refund = some(done(closing.refund(&taken.refund.id).await), "the refund");
    done(closing.fail(&refund, &[refund.failed(NOON)], Some(&no), NOON).await);
    let again = held_refund(closing.fail(&refund, &[refund.failed(NOON)], Some(&no), NOON).await);
    assert_eq!((again.status, again.failure), (RefundStatus::Failed, Some(no)));
    let restored = fixture.stored(&order.id).await;
    assert_eq!((restored.open_refund.as_ref(), &restored.refunded), (None, &refunded.refunded));
    assert_eq!(restored.ledger.last(), Some(&refund.failed(NOON)));

    for nothing in [fixture.ids.new_id("ref"), String::new()] {
        assert_eq!(done(closing.refund(&nothing).await), None, "{nothing:?}");
        assert!(matches!(parked.reopen(&nothing, HELD).await, Err(Refused::NotFound)), "{nothing:?}");
    }
}

#[track_caller]
fn held_refund<T: Debug>(result: Result<T, Refused<OrderRefund>>) -> OrderRefund {
    match result {
        Err(Refused::ConditionFailed(refund)) => *refund,
        other => broken("it must be refused with the refund", &other),
    }
}

/// What taking a refund of one minor unit would write for the order as it stands.
fn refund_of<W, Q, O, I: Ids>(fixture: &Fixture<W, Q, O, I>, order: &Order) -> RefundSubmission {
    let id = fixture.ids.new_id("ref");
    let refund = OrderRefund {
        order_id: order.id.clone(),
        country: order.country,
        market_type: order.market_type,
        workflow: "refund-standard".to_owned(),
        intent: "pi_1".to_owned(),
        amount: Money { minor: 1, ..order.total() },
        parts: Vec::new(),
        before: order.refunded.clone(),
        reason: "cold".to_owned(),
        requested_by: "op_1".to_owned(),
        status: RefundStatus::Submitted,
        direction: Direction::Forward,
        run: 1,
        steps: StatusMap::pending([refund_payment::NAME, "complete-refund"]),
        failure: None,
        flags: BTreeSet::new(),
        ledger: Vec::new(),
        correlation_id: format!("corr-{id}"),
        created_at: NOON,
        updated_at: NOON,
        version: 1,
        id,
    };
    RefundSubmission {
        refunded: Refunded { tip: 1, ..Refunded::default() },
        order_version: order.version,
        key: IdempotencyKey { record_id: format!("contract#{}", refund.id), validation: "v1".to_owned() },
        answer: format!("{{\"refund_id\":\"{}\"}}", refund.id),
        remember_until: FOREVER,
        // Of long ago, so that the suite's refunds come before anybody else's.
        stuck_at: 2_000,
        refund,
    }
}

/// [`Cancellations`]: an order is marked once, by its consumer, until its store has accepted; then no step begins.
pub async fn cancellations<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    cancellations: &impl Cancellations,
    statuses: &impl OrderSteps,
    locks: &impl QuoteLocks,
    answers: &impl Answers,
    closing: &impl Closing,
) {
    let order = fixture.order().await;
    let consumer = order.consumer.id.as_str();
    assert_eq!(refused(cancellations.request(&order.id, "con_other", NOON).await), order, "somebody else's order");
    let marked = done(cancellations.request(&order.id, consumer, NOON).await);
    assert_eq!((marked.cancel_requested_at, marked.version), (Some(NOON), order.version + 1));
    assert_eq!((marked.status, marked.direction), (order.status, Direction::Forward));
    assert_eq!(fixture.stored(&order.id).await, marked);

    // No step begins any more, and nothing is written.
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON + 1).await), marked, "it is marked once");
    assert_eq!(held(statuses.claim(&claim_of(&order, AUTHORIZE, HELD), &OrderNote::default()).await), marked);
    let facts = OrderFacts { quote_id: order.quote.terms.id.clone(), total: order.total() };
    assert_eq!(refused(locks.confirm(CONFIRM, &order.id, 1, &facts, NOON).await), marked);
    assert_eq!(refused(answers.wait_for(await_merchant::NAME, &order.id, 1, "token", NOON).await), marked);
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 1, NOON).await), marked);
    fixture.is_untouched(&marked).await;
    // What was done is undone.
    assert_eq!(done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), None).await).direction, Direction::Undo);

    // A step that has begun ends; the store's answer is recorded.
    let order = fixture.order().await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(cancellations.request(&order.id, consumer, NOON).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    done(answers.record(await_merchant::NAME, &order.id, &MerchantAnswer::Accepted, NOON).await);

    // Accepted by its answer: too late. Where the workflow waits for an answer, being told is not accepting.
    let order = fixture.order().await;
    let claim = claim_of(&order, notify_merchant::NAME, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    let accepted = done(answers.record(await_merchant::NAME, &order.id, &MerchantAnswer::Accepted, NOON).await);
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON).await), accepted);
    let order = fixture.order().await;
    let claim = claim_of(&order, notify_merchant::NAME, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    done(cancellations.request(&order.id, consumer, NOON).await);

    // Where it does not wait, it is.
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    done(fixture.submissions.submit(&submission).await);
    let claim = claim_of(&submission.order, notify_merchant::NAME, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    assert!(is_accepted(&refused(cancellations.request(&submission.order.id, consumer, NOON).await)));

    // One that turned, one that is closed, none at all.
    let order = fixture.order().await;
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), None).await);
    let turned = fixture.stored(&order.id).await;
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON).await), turned);
    let order = fixture.order().await;
    done(closing.place(COMPLETE, &order.id, 1, NOON).await);
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON).await).status, OrderStatus::Placed);
    for nothing in [fixture.ids.new_id("ord"), String::new()] {
        let result = cancellations.request(&nothing, consumer, NOON).await;
        assert!(matches!(result, Err(Refused::NotFound)), "{nothing:?}: {result:?}");
    }
}

/// [`ParkedOrders`]: a parked order is found, and opened again once, in its next run.
pub async fn parked_orders<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    parked: &impl ParkedOrders,
    statuses: &impl OrderSteps,
    closing: &impl Closing,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    let is_parked = async |id: &str| done(parked.parked(10_000).await).into_iter().find(|order| order.id == id);
    let order = fixture.order().await;
    assert_eq!(refused(parked.reopen(&order.id, ENDED).await), order, "only a parked order");
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), Some(&failure("Payment.Declined"))).await);
    assert_eq!(is_parked(&order.id).await, None);
    let closed = done(closing.park(&order.id, 1, NOON).await);
    assert_eq!(is_parked(&order.id).await, Some(closed.clone()));

    let opened = done(parked.reopen(&order.id, 2_000).await);
    assert_eq!((opened.status, opened.direction, opened.run), (OrderStatus::Processing, Direction::Undo, 2));
    assert_eq!((&opened.steps, &opened.failure), (&closed.steps, &closed.failure), "what is to be undone is kept");
    assert_eq!(fixture.stored(&order.id).await, opened);
    assert_eq!(is_parked(&order.id).await, None);
    assert!(is_stuck(stuck, &order.id, 2_000).await, "a lost start is found by the sweeper");
    assert_eq!(refused(parked.reopen(&order.id, ENDED).await), opened, "it is opened once");
    assert_eq!(refused(closing.park(&order.id, 1, NOON).await), opened, "its old run is over");
    let claim = Claim { run: 2, ..claim_of(&order, AUTHORIZE, HELD) };
    assert_eq!(done(statuses.claim_undo(&claim, None).await).failure, Some(failure("Payment.Declined")));
    done(stuck.look_again(&order.id, 2, HELD).await);
    for nothing in [fixture.ids.new_id("ord"), String::new()] {
        let result = parked.reopen(&nothing, ENDED).await;
        assert!(matches!(result, Err(Refused::NotFound)), "{nothing:?}: {result:?}");
    }
}

/// [`LegacySink`]: whatever comes in whatever order, and however often, the newest version stays. `held` reads the version
/// that the sink holds of an order.
pub async fn legacy_sink(sink: &impl LegacySink, ids: &impl Ids, held: impl AsyncFn(&str) -> Option<u64>) {
    let at = |id: &str, version: u64| LegacyOrder { version, ..samples::legacy_order(id) };
    let id = ids.new_id("ord");
    assert_eq!(held(&id).await, None);
    for (version, expected, kept) in [
        (3, Upserted::Applied, 3),
        (3, Upserted::Older, 3),
        (1, Upserted::Older, 3),
        (7, Upserted::Applied, 7),
        (2, Upserted::Older, 7),
        (7, Upserted::Older, 7),
    ] {
        assert_eq!(done(sink.upsert(&at(&id, version)).await), expected, "version {version}");
        assert_eq!(held(&id).await, Some(kept));
    }

    // Every arrangement of four versions, each sent twice, on an order of its own.
    for arrangement in arrangements(&[1, 2, 3, 4]) {
        let id = ids.new_id("ord");
        for version in arrangement.iter().chain(arrangement.iter().rev()) {
            done(sink.upsert(&at(&id, *version)).await);
        }
        assert_eq!(held(&id).await, Some(4), "{arrangement:?}");
    }

    // At the same time.
    let id = ids.new_id("ord");
    let orders: Vec<LegacyOrder> = (1..=16).map(|version| at(&id, 1 + version * 7 % 16)).collect();
    let upserts = orders.iter().map(|order| async { done(sink.upsert(order).await) });
    let applied = futures::future::join_all(upserts).await;
    assert!(applied.contains(&Upserted::Applied));
    assert_eq!(held(&id).await, Some(16));
}

fn arrangements(of: &[u64]) -> Vec<Vec<u64>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: u64| {
        let rest: Vec<u64> = of.iter().copied().filter(|other| *other != first).collect();
        arrangements(&rest).into_iter().map(move |rest| [vec![first], rest].concat())
    };
    of.iter().copied().flat_map(with_first).collect()
}

/// [`Comparisons`]: each quote's counts once, and a market's come in the order of their time, across days.
pub async fn comparisons(comparisons: &impl Comparisons) {
    let one = |quote: &str, market, at| Comparison {
        quote_id: quote.to_owned(),
        market,
        at,
        currency: Currency::CAD,
        differences: [(PriceMeasure::Tax, Difference { ours: 12, legacy: 13 })].into(),
    };
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let kept = [
        one("quo_1", Country::CA, NOON - DAY),
        one("quo_3", Country::CA, NOON),
        one("quo_2", Country::CA, NOON + 1),
        one("quo_4", Country::CA, NOON + 2 * DAY),
    ];
    for comparison in kept.iter().rev().chain([&kept[1], &one("quo_5", Country::US, NOON)]) {
        done(comparisons.save(comparison).await);
    }
    let between = async |since, until| done(comparisons.between(Country::CA, since, until).await);
    assert_eq!(between(NOON - DAY, NOON + 2 * DAY).await, kept[..3], "until is not included");
    assert_eq!(between(NOON - DAY + 1, NOON + 2 * DAY + 1).await, kept[1..], "since is included");
    assert_eq!(between(NOON + 2, NOON + DAY).await, []);
}

/// [`Trends`]: every quote counts once, in whatever company its event comes again. Nobody else may count meanwhile.
pub async fn trends(trends: &impl Trends) {
    // So many that no adapter writes them at once, in two markets and two hours.
    let hour = Span::Hour.start_of(NOON);
    let one = |number: i64| Observation {
        event_id: format!("event-{number}"),
        market: if number % 4 == 0 { Country::CA } else { Country::US },
        at: hour - 60_000 + (number % 2) * 90_000,
        figures: [(PriceMeasure::Total, 1_000 + number), (PriceMeasure::Discount, -number), (PriceMeasure::Tip, 0)].into(),
    };
    let quotes: Vec<Observation> = (0..240).map(one).collect();
    for batch in [&quotes[..100], &quotes[50..], &quotes[..], &[one(1), one(1)][..]] {
        done(trends.observe(batch).await);
    }
    for market in [Country::US, Country::CA] {
        for figure in [PriceMeasure::Total, PriceMeasure::Discount, PriceMeasure::Tip] {
            for span in Span::ALL {
                let mut expected: BTreeMap<i64, Statistics> = BTreeMap::new();
                for quote in quotes.iter().filter(|quote| quote.market == market) {
                    expected.entry(span.start_of(quote.at)).or_default().add(quote.figures[&figure]);
                }
                let kept = done(trends.series(market, figure, span, hour - span.ms(), hour + span.ms()).await);
                assert_eq!(kept, expected, "{market} {figure} by {}", span.name());
                for (start, statistics) in expected {
                    assert_eq!(done(trends.slot(market, figure, span, start).await), Some(statistics));
                }
            }
        }
    }
    let series = async |since, until| done(trends.series(Country::US, PriceMeasure::Total, Span::Hour, since, until).await).len();
    assert_eq!((series(hour, hour + 1).await, series(hour - 3_600_000, hour).await, series(hour, hour).await), (1, 1, 0));
    assert_eq!(done(trends.slot(Country::PR, PriceMeasure::Total, Span::Hour, hour).await), None);
}
