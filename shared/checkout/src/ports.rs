//! What the checkout needs from the world outside, as promises. Adapters live in `shared/aws` and `shared/partners`;
//! in-memory ones, for tests, in `shared/testing`.

use crate::{
    audit::QuoteRecord,
    consumer::{Address, Consumer},
    ledger::LedgerEvent,
    market::Country,
    order::{FraudFacts, Order, OrderStatus},
    reconcile::Reconciliation,
    redemptions::{Reserved, UsageCounters},
    refund::OrderRefund,
    routing::ReleaseTrack,
    store::{Location, Store, StoreWithMenu},
};
use carryout_environment::{Failure, StorageError};
use carryout_money::Money;
use carryout_pricing::{Promotion, Quote, Record, Refunded};
use carryout_workflow::{Claim, Direction, StatusStore, Subject};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{future::Future, sync::Arc};

// ---------------------------------------------------------------------------------------------------------- catalog

/// Stores and what they sell.
pub trait Catalog: Send + Sync {
    /// A store with its menu and stock, in one read; `None` if there is none of this id.
    fn store(&self, id: &str) -> impl Future<Output = Result<Option<StoreWithMenu>, StorageError>> + Send;

    /// Stores whose location is within `radius` metres of `point`, nearest first, at most `limit`.
    fn near(&self, point: Location, radius: u32, limit: usize) -> impl Future<Output = Result<Vec<Store>, StorageError>> + Send;
}

/// Consumers with their addresses and payment methods.
pub trait Consumers: Send + Sync {
    /// The consumer, in one read; `None` if there is none of this id.
    fn consumer(&self, id: &str) -> impl Future<Output = Result<Option<Consumer>, StorageError>> + Send;
}

/// The partition of the control table's documents that has the promotions of each market, by its country's code.
pub const PROMOTIONS: &str = "promotions";

/// What may be taken off in each market, and what orders took of what is limited.
pub trait Promotions: Send + Sync {
    /// The promotions of a country's market, in the order in which they were set; none where none were.
    fn promotions(&self, country: Country) -> impl Future<Output = Result<Vec<Promotion>, StorageError>> + Send;

    /// The counters under these keys ([`crate::redemptions`]), without those that don't exist.
    fn counters(&self, keys: &[String]) -> impl Future<Output = Result<UsageCounters, StorageError>> + Send;
}

/// Locked prices.
///
/// What is kept of a quote is dropped some time after the quote has expired ([`crate::audit::kept_until`]), except while an
/// order uses it.
pub trait Quotes: Send + Sync {
    /// Keeps a quote with the record of our price, which is the quote's own unless that shows another system's. MUST NOT
    /// replace one. A quote that prices an order again is used by that order from the beginning.
    fn save(&self, quote: &Quote, record: &Record) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Keeps the record of a price that was wrong. There is no quote of its id.
    fn save_invalid(&self, record: &QuoteRecord) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The quote; `None` if there is none of this id.
    fn quote(&self, id: &str) -> impl Future<Output = Result<Option<Quote>, StorageError>> + Send;
}

/// What quotes' prices depended on, for operators.
pub trait QuoteRecords: Send + Sync {
    /// The record of a quote, also of a price that was wrong; `None` if there is none of this id.
    fn record(&self, id: &str) -> impl Future<Output = Result<Option<QuoteRecord>, StorageError>> + Send;
}

// ----------------------------------------------------------------------------------------------------------- submit

/// What makes a repeated request the same request: the record that remembers it, in the Powertools schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The record's id: function, consumer and key.
    pub record_id: String,
    /// Hash of the request's body.
    pub validation: String,
}

/// What a completed request was, and what it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedRequest {
    /// Hash of the request's body.
    pub validation: String,
    /// What it was answered: JSON.
    pub answer: String,
}

impl CompletedRequest {
    /// What to answer `key` again; nothing where the key was used for another request.
    ///
    /// # Errors
    ///
    /// Where the stored answer can't be read.
    pub fn answer_to<A: DeserializeOwned>(&self, key: &IdempotencyKey) -> Result<Option<A>, StorageError> {
        if self.validation != key.validation {
            return Ok(None);
        }
        serde_json::from_str(&self.answer).map(Some).map_err(|error| StorageError::Corrupt(error.to_string()))
    }
}

/// Everything that one submit writes, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The new order.
    pub order: Order,
    /// The request that it answers.
    pub key: IdempotencyKey,
    /// What the request is answered: JSON.
    pub answer: String,
    /// Until when the request is remembered. Seconds since the Unix epoch.
    pub remember_until: i64,
    /// When the order counts as stuck if nothing happens. Milliseconds since the Unix epoch.
    pub stuck_at: i64,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum SubmitRefused {
    /// A request with this key was completed before, maybe just now by a twin.
    Repeated(CompletedRequest),
    /// The quote was used by another order.
    QuoteUsed,
    /// Somebody else wrote the same things at the same moment; nothing is known to be wrong. Try again.
    Conflict,
    /// The store failed; the write may have happened, and the key finds it.
    Storage(StorageError),
}

impl From<StorageError> for SubmitRefused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// What a submit reads by the ids that its request names, and what it writes.
pub trait Submissions: Send + Sync {
    /// The consumer and the quote, in one read; `None` for what does not exist.
    fn consumer_and_quote(
        &self,
        consumer_id: &str,
        quote_id: &str,
    ) -> impl Future<Output = Result<(Option<Consumer>, Option<Quote>), StorageError>> + Send;

    /// Writes the order, its idempotency record and the use of its quote in one transaction: it alone decides.
    fn submit(&self, submission: &Submission) -> impl Future<Output = Result<(), SubmitRefused>> + Send;

    /// The completed request under this key, if there is one.
    fn completed(&self, record_id: &str) -> impl Future<Output = Result<Option<CompletedRequest>, StorageError>> + Send;
}

/// What is known of a submitted order on its way to its workflow: ids and small facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSubmitted {
    /// The order.
    pub order_id: String,
    /// Its market's country.
    pub country: String,
    /// Its market's type.
    pub market_type: String,
    /// Which versions of the steps handle it.
    #[serde(default)]
    pub release_track: ReleaseTrack,
    /// The run to start.
    pub run: u32,
    /// Which way that run goes.
    pub direction: Direction,
    /// Why it turned round, if it did.
    pub failure: Option<Failure>,
    /// What the steps may compare with.
    pub facts: OrderFacts,
    /// Follows the order through every log.
    pub correlation_id: String,
}

/// Small facts that were fixed when the order was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The quote that the order used.
    pub quote_id: String,
    /// What the consumer pays.
    pub total: Money,
}

impl OrderSubmitted {
    /// The message for `order` as it stands.
    pub fn of(order: &Order) -> Self {
        Self {
            order_id: order.id.clone(),
            country: order.country.code().to_owned(),
            market_type: order.market_type.name().to_owned(),
            release_track: order.release_track,
            run: order.run,
            direction: order.direction,
            failure: order.failure.clone(),
            facts: OrderFacts { quote_id: order.quote.terms.id.clone(), total: order.total() },
            correlation_id: order.correlation_id.clone(),
        }
    }
}

/// The queue between request and work.
pub trait OrderQueue: Send + Sync {
    /// Sends a message, at least once.
    fn send(&self, message: &OrderSubmitted) -> impl Future<Output = Result<(), StorageError>> + Send;
}

// -------------------------------------------------------------------------------------------------------- workflows

/// What became of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionState {
    /// There never was one of this name.
    NotFound,
    /// It runs.
    Running,
    /// It ended, well or not.
    Ended,
}

/// Runs workflows.
pub trait Executions: Send + Sync {
    /// Starts an execution of the state machine. Starting a name again does nothing, also after it has ended.
    fn start(&self, state_machine: &str, name: &str, input: &Value) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// What became of the execution.
    fn state(&self, state_machine: &str, name: &str) -> impl Future<Output = Result<ExecutionState, StorageError>> + Send;
}

/// Sends answers to steps that wait.
pub trait Callbacks: Send + Sync {
    /// The step goes on. A token that nobody waits for any more is no error.
    fn succeed(&self, task_token: &str, output: &Value) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The step fails with this failure. A token that nobody waits for any more is no error.
    fn fail(&self, task_token: &str, failure: &Failure) -> impl Future<Output = Result<(), StorageError>> + Send;
}

// -------------------------------------------------------------------------------------------------- orders and steps

/// What a step writes together with its entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OrderNote {
    /// Events to append to the ledger.
    pub ledger: Vec<LedgerEvent>,
    /// Flags to set on the order.
    pub flags: Vec<String>,
}

/// Orders with their status maps, as the steps under a claim see them.
pub trait OrderSteps: StatusStore<Subject = Order, Note = OrderNote> {}
impl<T: StatusStore<Subject = Order, Note = OrderNote>> OrderSteps for T {}

/// Reads orders.
pub trait Orders: Send + Sync {
    /// The order; `None` if there is none of this id.
    fn order(&self, id: &str) -> impl Future<Output = Result<Option<Order>, StorageError>> + Send;
}

/// What became of an event that somebody told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It stands in the ledger now.
    New,
    /// The ledger was told the same before: nothing was written.
    Known,
    /// There is no such order.
    NoOrder,
}

/// Appends to orders' ledgers from outside their steps: what the processor tells by itself, or was found out.
pub trait Ledgers: Send + Sync {
    /// Appends `event` unless the ledger has one of its [`LedgerEvent::name`], also one that a step wrote. One conditional
    /// write, whatever the order's status and whoever holds its steps; it changes nothing but the ledger.
    fn append(&self, order_id: &str, event: &LedgerEvent) -> impl Future<Output = Result<Appended, StorageError>> + Send;
}

/// What is found again and again about one subject.
pub trait Report: Serialize + DeserializeOwned + Send + Sync {
    /// The subject. Reports of one subject are kept apart from those of others.
    const SUBJECT: &'static str;

    /// What the report is kept under. Milliseconds since the Unix epoch.
    fn started_at(&self) -> i64;
}

/// Keeps reports of one kind; of reconciliations unless another is named.
pub trait Reports<R: Report = Reconciliation>: Send + Sync {
    /// The newest report, if there is one.
    fn latest(&self) -> impl Future<Output = Result<Option<R>, StorageError>> + Send;

    /// Keeps a report, under the moment at which it began.
    fn save(&self, report: &R) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Why a conditional write of an order, or of another subject, did not happen.
pub type Refused<S = Order> = carryout_workflow::Refused<S>;

/// Confirms prices.
pub trait QuoteLocks: Send + Sync {
    /// In one transaction: checks that the quote is used by this order at this total, and completes the entry of
    /// `step`. Refuses as a claim would; [`Refused::Other`] where the quote no longer holds.
    fn confirm(
        &self,
        step: &'static str,
        order_id: &str,
        run: u32,
        facts: &OrderFacts,
        now: i64,
    ) -> impl Future<Output = Result<(), Refused>> + Send;
}

/// Why items were not reserved.
#[derive(Debug)]
pub enum ReserveRefused {
    /// These items (by id) are sold out or no longer offered.
    SoldOut(Vec<Arc<str>>),
    /// Less is left of these components of the price (`discounts.<code>`, `credits.<code>`) than the order wants.
    UsedUp(Vec<String>),
    /// Somebody else wrote the same things at the same moment. Try again.
    Conflict,
    /// The store failed, or the claim was lost.
    Storage(StorageError),
}

impl From<StorageError> for ReserveRefused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Takes items out of stock and what is limited from its counters, and puts them back.
pub trait Reservations: Send + Sync {
    /// In one transaction: takes every line of the order out of stock, redemptions what its price takes of what is limited
    /// ([`crate::redemptions`]), and completes the entry under `claim` with all that as its response.
    ///
    /// MUST let no counter give more than its allowance, and refuse only where less is left than the order wants.
    fn reserve(&self, claim: &Claim, order: &Order) -> impl Future<Output = Result<Reserved, ReserveRefused>> + Send;

    /// In one transaction: puts every line and every redemption back that the entry's response names, and marks the entry under
    /// `claim` as undone.
    fn put_back(&self, claim: &Claim, order: &Order) -> impl Future<Output = Result<(), ReserveRefused>> + Send;
}

/// Closes orders.
pub trait Closing: Send + Sync {
    /// Closes the order as placed and completes the entry of `step`. Refuses unless it moves forward in this run and
    /// nobody asked to cancel it.
    fn place(&self, step: &'static str, order_id: &str, run: u32, now: i64) -> impl Future<Output = Result<(), Refused>> + Send;

    /// Closes the order, of which nothing is left, as `ended` (failed or cancelled) and releases its quote, in one
    /// transaction. `reason` counts unless one is recorded.
    fn fail(
        &self,
        order_id: &str,
        run: u32,
        quote_id: &str,
        ended: OrderStatus,
        reason: Option<&Failure>,
        now: i64,
    ) -> impl Future<Output = Result<(), Refused>> + Send;

    /// Closes the order as parked and returns it.
    fn park(&self, order_id: &str, run: u32, now: i64) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// Takes consumers' cancellations.
pub trait Cancellations: Send + Sync {
    /// Marks the order, so that no step of it begins any more. Refuses unless the order is this consumer's, is open and
    /// moves forward, is not accepted by its store ([`crate::cancel::is_accepted`]) and not marked yet. Returns the order.
    fn request(&self, order_id: &str, consumer_id: &str, now: i64) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// Parked orders, for operators.
pub trait ParkedOrders: Send + Sync {
    /// Parked orders, longest parked first, at most `limit`. Found by an index, never by a scan.
    fn parked(&self, limit: usize) -> impl Future<Output = Result<Vec<Order>, StorageError>> + Send;

    /// Opens a parked order again, in its next run and still in the direction of its undo, and returns it. It counts as
    /// stuck at `look_again_at` (milliseconds since the Unix epoch). Refuses where the order is not parked.
    fn reopen(&self, order_id: &str, look_again_at: i64) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// Tells operators about parked orders.
pub trait Pager: Send + Sync {
    /// Sends what remains of the order's effects to the operators, at least once.
    fn page(&self, parked: &ParkedOrder) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// What an operator needs to know of a parked order, or of a parked refund of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedOrder {
    /// The order.
    pub order_id: String,
    /// The refund, where it is one that is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    /// Steps whose effects remain.
    pub remaining: Vec<String>,
    /// Why the undo could not be finished.
    pub failure: Option<Failure>,
    /// Follows the order through every log.
    pub correlation_id: String,
}

/// A merchant's answer to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum MerchantAnswer {
    /// The order will be made.
    Accepted,
    /// It won't.
    Refused {
        /// Why, in the merchant's words.
        #[serde(default)]
        reason: String,
    },
}

/// Keeps merchants' answers.
pub trait Answers: Send + Sync {
    /// Registers where to send the answer, unless one is recorded already or the order is cancelled. Returns the order as
    /// it then stands; refuses as a claim would.
    fn wait_for(
        &self,
        step: &'static str,
        order_id: &str,
        run: u32,
        task_token: &str,
        now: i64,
    ) -> impl Future<Output = Result<Order, Refused>> + Send;

    /// Records the answer, unless one is recorded already or the order no longer moves forward. Returns the order.
    fn record(
        &self,
        step: &'static str,
        order_id: &str,
        answer: &MerchantAnswer,
        now: i64,
    ) -> impl Future<Output = Result<Order, Refused>> + Send;
}

/// Finds orders, or refunds, that stopped moving.
pub trait StuckOrders: Send + Sync {
    /// What is found.
    type Subject: Subject;

    /// Open orders whose deadline has passed at `now`, at most `limit`. Found by an index, never by a scan.
    fn stuck(&self, now: i64, limit: usize) -> impl Future<Output = Result<Vec<Self::Subject>, StorageError>> + Send;

    /// Begins the next run, if `run` is still the order's run and the order is open; `false` if not.
    fn next_run(&self, order_id: &str, run: u32, look_again_at: i64) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Leaves the order alone until `look_again_at` (milliseconds since the Unix epoch).
    fn look_again(&self, order_id: &str, run: u32, look_again_at: i64) -> impl Future<Output = Result<(), StorageError>> + Send;
}

// ---------------------------------------------------------------------------------------------------------- refunds

/// Everything that taking one refund writes, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundSubmission {
    /// The refund.
    pub refund: OrderRefund,
    /// What is given back of the order with it.
    pub refunded: Refunded,
    /// The version of the order that all this was worked out from.
    pub order_version: u64,
    /// The request that it answers.
    pub key: IdempotencyKey,
    /// What the request is answered: JSON.
    pub answer: String,
    /// Until when the request is remembered. Seconds since the Unix epoch.
    pub remember_until: i64,
    /// When the refund counts as stuck if nothing happens. Milliseconds since the Unix epoch.
    pub stuck_at: i64,
}

/// Why no refund was taken. Nothing was written, unless the store failed.
#[derive(Debug)]
pub enum RefundRefused {
    /// A request with this key was completed before, maybe just now by a twin.
    Repeated(CompletedRequest),
    /// The order was written meanwhile, or is being written: read it again.
    Changed,
    /// The store failed; the write may have happened, and the key finds it.
    Storage(StorageError),
}

impl From<StorageError> for RefundRefused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Takes refunds.
pub trait RefundRequests: Send + Sync {
    /// Writes the refund and the request's idempotency record, and in its order what is given back, the refund's id and
    /// its ledger event, in one transaction: it alone decides.
    ///
    /// MUST refuse unless the order is placed, at the submission's version, and without a refund under way.
    fn request(&self, submission: &RefundSubmission) -> impl Future<Output = Result<(), RefundRefused>> + Send;

    /// The completed request under this key, if there is one.
    fn completed(&self, record_id: &str) -> impl Future<Output = Result<Option<CompletedRequest>, StorageError>> + Send;
}

/// Closes refunds, each in one transaction with its order. A closed refund is no longer under way there, except a parked
/// one.
pub trait RefundClosing: Send + Sync {
    /// The refund; `None` if there is none of this id.
    fn refund(&self, id: &str) -> impl Future<Output = Result<Option<OrderRefund>, StorageError>> + Send;

    /// Closes the refund as given back, completes the entry of `step`, and appends `events` to the order's ledger.
    /// Refuses unless it is open, still in its run, and its money is given back.
    fn succeed(
        &self,
        step: &'static str,
        refund: &OrderRefund,
        events: &[LedgerEvent],
        now: i64,
    ) -> impl Future<Output = Result<(), Refused<OrderRefund>>> + Send;

    /// Closes the refund as failed, puts back what was given back of the order before it, and appends `events` to the
    /// order's ledger. Refuses unless it is open, still in its run, and it is certain that nothing is given back: it was
    /// never begun, or definitely refused. `reason` counts unless one is recorded.
    fn fail(
        &self,
        refund: &OrderRefund,
        events: &[LedgerEvent],
        reason: Option<&Failure>,
        now: i64,
    ) -> impl Future<Output = Result<(), Refused<OrderRefund>>> + Send;

    /// Closes the refund as parked and returns it. It stays under way in its order.
    fn park(&self, refund_id: &str, run: u32, now: i64)
    -> impl Future<Output = Result<OrderRefund, Refused<OrderRefund>>> + Send;
}

/// Parked refunds, for operators.
pub trait ParkedRefunds: Send + Sync {
    /// Opens a parked refund again, in its next run, and returns it. It counts as stuck at `look_again_at` (milliseconds
    /// since the Unix epoch). Refuses where the refund is not parked.
    fn reopen(
        &self,
        refund_id: &str,
        look_again_at: i64,
    ) -> impl Future<Output = Result<OrderRefund, Refused<OrderRefund>>> + Send;
}

// --------------------------------------------------------------------------------------------------------- partners

/// How a call to a partner failed, apart from what the partner says about the matter itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nothing happened: the partner was not reached, or said that it did nothing.
    #[error("{partner} is not available: {detail}")]
    Unavailable {
        /// Which partner.
        partner: &'static str,
        /// What it said, or what went wrong on the way.
        detail: String,
    },
    /// It may have happened: no answer came, or one that says nothing.
    #[error("{partner} gave no clear answer: {detail}")]
    Unclear {
        /// Which partner.
        partner: &'static str,
        /// What it said, or what went wrong on the way.
        detail: String,
    },
    /// The partner refuses the request as it is; the same one will never succeed.
    #[error("{partner} refused: {detail}")]
    Refused {
        /// Which partner.
        partner: &'static str,
        /// The partner's code.
        code: String,
        /// The partner's words.
        detail: String,
    },
}

/// Where a payment intent stands, in the processor's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    /// It has no payment method yet, or the last one was declined.
    RequiresPaymentMethod,
    /// It has not been confirmed.
    RequiresConfirmation,
    /// The consumer must do something first.
    RequiresAction,
    /// The processor is at it.
    Processing,
    /// The money is held.
    RequiresCapture,
    /// It was cancelled; nothing is held.
    Canceled,
    /// The money is taken.
    Succeeded,
}

/// A payment intent at the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The processor's id.
    pub id: String,
    /// Where it stands.
    pub status: IntentStatus,
    /// The amount that it is for.
    pub amount: Money,
}

/// A refund at the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The processor's id.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// Whether it failed, so that it does not count.
    pub failed: bool,
    /// The key that it was asked for under; empty where the processor does not tell.
    pub key: String,
}

/// The payment processor. Its keys may or may not be honoured, so callers look before they act again.
pub trait Payments: Send + Sync {
    /// Creates an unconfirmed intent to hold `amount` for the order. Nothing is held by it.
    fn create(&self, key: &str, order: &Order) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Confirms an intent with a payment method: the money is held, or the card is declined
    /// ([`CallError::Refused`] with the decline code).
    fn confirm(&self, key: &str, intent: &str, payment_method: &str) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// The intent as it stands.
    fn retrieve(&self, intent: &str) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Takes the held money.
    fn capture(&self, key: &str, intent: &str, amount: Money) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Lets the held money go. An intent that can no longer be cancelled is [`CallError::Refused`].
    fn cancel(&self, key: &str, intent: &str) -> impl Future<Output = Result<Intent, CallError>> + Send;

    /// Gives taken money back. The refund keeps `key`.
    fn refund(&self, key: &str, intent: &str, amount: Money) -> impl Future<Output = Result<Refund, CallError>> + Send;

    /// Every refund of the intent.
    fn refunds(&self, intent: &str) -> impl Future<Output = Result<Vec<Refund>, CallError>> + Send;
}

/// A payment intent as the processor lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedIntent {
    /// The intent as it stands.
    pub intent: Intent,
    /// What was taken; refunds do not lessen it.
    pub received: Money,
    /// The order that it was created for; nothing where whoever created it is not of this system.
    pub order_id: Option<String>,
    /// When it was created. Milliseconds since the Unix epoch, exact to the second.
    pub created_at: i64,
}

/// Some of the processor's payment intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentPage {
    /// The intents, newest first.
    pub intents: Vec<ListedIntent>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The processor's own list of payments: what it knows, whoever forgot it.
pub trait PaymentList: Send + Sync {
    /// The intents that were created at or after `since` (milliseconds since the Unix epoch), newest first, those after
    /// the intent `after` where one is named.
    fn list(&self, since: i64, after: Option<&str>) -> impl Future<Output = Result<IntentPage, CallError>> + Send;

    /// One intent as the list shows it.
    fn listed(&self, intent: &str) -> impl Future<Output = Result<ListedIntent, CallError>> + Send;
}

/// What the fraud service says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FraudVerdict {
    /// Whether the order may go on.
    pub approved: bool,
    /// 0 for harmless to 100 for fraud.
    pub score: u8,
    /// Why, for the operator.
    pub reason: String,
}

/// The fraud service. Asking has no effect.
pub trait Fraud: Send + Sync {
    /// Judges an order.
    fn check(&self, order: &Order, facts: FraudFacts) -> impl Future<Output = Result<FraudVerdict, CallError>> + Send;
}

/// A courier's delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The logistics partner's id.
    pub id: String,
    /// Whether a courier still comes.
    pub live: bool,
    /// Minutes until it arrives.
    pub eta_minutes: u32,
}

/// The logistics partner.
pub trait Logistics: Send + Sync {
    /// Whether couriers serve this way.
    fn covers(&self, from: Location, to: Location) -> impl Future<Output = Result<bool, CallError>> + Send;

    /// Books a courier. The same key gives the same delivery.
    fn create(&self, key: &str, order: &Order, to: &Address) -> impl Future<Output = Result<Delivery, CallError>> + Send;

    /// Every delivery of the order, cancelled ones too.
    fn find(&self, order_id: &str) -> impl Future<Output = Result<Vec<Delivery>, CallError>> + Send;

    /// Calls the courier off. Cancelling again is no error.
    fn cancel(&self, delivery: &str) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// The merchants' order systems.
pub trait Merchants: Send + Sync {
    /// Sends the order to its store, or sends it again. The store answers by webhook if `wants_answer`.
    fn send(&self, order: &Order, wants_answer: bool) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Tells the store not to make it. An order that the store does not know yet is refused when it arrives later.
    fn cancel(&self, order: &Order) -> impl Future<Output = Result<(), CallError>> + Send;
}
