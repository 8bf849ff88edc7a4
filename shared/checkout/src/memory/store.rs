use super::{ManualClock, Pause, lock};
use crate::{
    audit::{QuoteRecord, kept_until},
    cancel::is_accepted,
    consumer::Consumer,
    ledger::LedgerEvent,
    market::Country,
    order::{Order, OrderStatus},
    ports::{
        Answers, Appended, Cancellations, Catalog, Clock, Closing, CompletedRequest, Consumers, IdempotencyKey, Ledgers,
        MerchantAnswer, OrderFacts, OrderNote, Orders, ParkedOrders, Promotions, QuoteLocks, QuoteRecords, Quotes, Refused,
        Reservations, ReserveRefused, StuckOrders, Submission, Submissions, SubmitRefused,
    },
    redemptions::{Reserved, UsageCounter, UsageCounters, plan},
    refund::{OrderRefund, RefundStatus},
    steps::await_merchant::failure_of,
    store::{Location, Store as Shop, StoreWithMenu},
};
use carryout_pricing::{Promotion, Quote, Record};
use carryout_workflow::{
    Claim, ClaimRefused, Direction, Failure, Progress, Release, StatusMap, StatusStore, StepEntry, StepState, StorageError,
    Subject, UndoState,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    marker::PhantomData,
    sync::{Arc, Mutex},
};

/// What goes wrong with one write. Both look the same to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// Nothing is written.
    Before,
    /// It is written, and the answer is lost.
    After,
    /// Another writer is at the same items. Nothing is written.
    Conflict,
}

/// Orders, refunds, quotes, stock and requests. Stamps its writes with its clock, as the DynamoDB adapters do with the
/// machine's. Its ports are those of orders; [`Store::refunds`] has those of refunds.
///
/// Calls, for faults and pauses, are named as the ports' methods.
#[derive(Clone)]
pub struct Store<S = Order> {
    clock: ManualClock,
    pause: Pause,
    state: Arc<Mutex<State>>,
    of: PhantomData<fn() -> S>,
}

#[derive(Default)]
pub(super) struct State {
    stores: BTreeMap<String, StoreWithMenu>,
    consumers: BTreeMap<String, Consumer>,
    promotions: BTreeMap<Country, Vec<Promotion>>,
    quotes: BTreeMap<String, KeptQuote>,
    /// What orders took of what is limited.
    counters: UsageCounters,
    pub(super) orders: BTreeMap<String, Row>,
    pub(super) refunds: BTreeMap<String, Row<OrderRefund>>,
    /// Requests, and until when they are remembered. Seconds since the Unix epoch.
    requests: BTreeMap<String, (CompletedRequest, i64)>,
    faults: BTreeMap<String, VecDeque<StoreFault>>,
    chooser: Option<Chooser>,
    writes: u64,
}

/// What is kept under a quote's id.
struct KeptQuote {
    /// Nothing where the price was wrong.
    quote: Option<Quote>,
    /// With the order that uses it.
    record: QuoteRecord,
}

/// Chooses the fault of the write of this name, if it has one.
type Chooser = Box<dyn FnMut(&'static str) -> Option<StoreFault> + Send>;

/// An order, or a refund.
pub(super) struct Row<S = Order> {
    pub(super) order: S,
    /// When it counts as stuck; nothing where it is closed. Milliseconds since the Unix epoch.
    pub(super) sweep_at: Option<i64>,
}

/// What rows are kept of, and what the writes of their steps change.
pub(super) trait SubjectRecord: Subject + Clone + 'static {
    fn rows(state: &State) -> &BTreeMap<String, Row<Self>>;
    fn rows_mut(state: &mut State) -> &mut BTreeMap<String, Row<Self>>;
    fn saga_fields(&mut self) -> SagaFields<'_>;
    /// Its status says that its workflow runs.
    fn proceed(&mut self);
}

pub(super) struct SagaFields<'a> {
    direction: &'a mut Direction,
    run: &'a mut u32,
    steps: &'a mut StatusMap,
    failure: &'a mut Option<Failure>,
    flags: &'a mut BTreeSet<String>,
    ledger: &'a mut Vec<LedgerEvent>,
    updated_at: &'a mut i64,
    version: &'a mut u64,
}

impl SubjectRecord for Order {
    fn rows(state: &State) -> &BTreeMap<String, Row<Self>> {
        &state.orders
    }

    fn rows_mut(state: &mut State) -> &mut BTreeMap<String, Row<Self>> {
        &mut state.orders
    }

    fn saga_fields(&mut self) -> SagaFields<'_> {
        let Self { direction, run, steps, failure, flags, ledger, updated_at, version, .. } = self;
        SagaFields { direction, run, steps, failure, flags, ledger, updated_at, version }
    }

    fn proceed(&mut self) {
        self.status = OrderStatus::Processing;
    }
}

impl SubjectRecord for OrderRefund {
    fn rows(state: &State) -> &BTreeMap<String, Row<Self>> {
        &state.refunds
    }

    fn rows_mut(state: &mut State) -> &mut BTreeMap<String, Row<Self>> {
        &mut state.refunds
    }

    fn saga_fields(&mut self) -> SagaFields<'_> {
        let Self { direction, run, steps, failure, flags, ledger, updated_at, version, .. } = self;
        SagaFields { direction, run, steps, failure, flags, ledger, updated_at, version }
    }

    fn proceed(&mut self) {
        self.status = RefundStatus::Processing;
    }
}

impl Store {
    /// An empty store.
    pub fn new(clock: &ManualClock) -> Self {
        Self { clock: clock.clone(), pause: Pause::default(), state: Arc::default(), of: PhantomData }
    }

    /// Waits at every call.
    #[must_use]
    pub fn pausing(mut self, pause: Pause) -> Self {
        self.pause = pause;
        self
    }

    /// The same store with the ports of refunds.
    pub fn refunds(&self) -> Store<OrderRefund> {
        Store { clock: self.clock.clone(), pause: self.pause.clone(), state: Arc::clone(&self.state), of: PhantomData }
    }

    /// Adds a store, or replaces it.
    pub fn put_store(&self, store: StoreWithMenu) {
        lock(&self.state).stores.insert(store.store.id.clone(), store);
    }

    /// Adds a consumer, or replaces it.
    pub fn put_consumer(&self, consumer: Consumer) {
        lock(&self.state).consumers.insert(consumer.id.clone(), consumer);
    }

    /// Sets the promotions of a country's market.
    pub fn put_promotions(&self, country: Country, promotions: Vec<Promotion>) {
        lock(&self.state).promotions.insert(country, promotions);
    }

    /// The next write named `call` that no earlier script covers goes wrong with `fault`.
    pub fn script(&self, call: &str, fault: StoreFault) {
        lock(&self.state).faults.entry(call.to_owned()).or_default().push_back(fault);
    }

    /// Lets `choose` decide about every write that no script covers.
    pub fn choose(&self, choose: impl FnMut(&'static str) -> Option<StoreFault> + Send + 'static) {
        lock(&self.state).chooser = Some(Box::new(choose));
    }

    /// Every order, by id.
    pub fn all_orders(&self) -> Vec<Order> {
        lock(&self.state).orders.values().map(|row| row.order.clone()).collect()
    }

    /// Every refund, by id.
    pub fn all_refunds(&self) -> Vec<OrderRefund> {
        lock(&self.state).refunds.values().map(|row| row.order.clone()).collect()
    }

    /// How many of an item are left; 0 where there is no such item.
    pub fn stock(&self, store_id: &str, item_id: &str) -> u32 {
        let state = lock(&self.state);
        state.stores.get(store_id).and_then(|store| store.item(item_id)).map_or(0, |item| item.stock)
    }

    /// Every counter of what is limited that was ever redeemed from.
    pub fn all_counters(&self) -> UsageCounters {
        lock(&self.state).counters.clone()
    }

    /// The order that uses the quote.
    pub fn user_of_quote(&self, quote_id: &str) -> Option<String> {
        lock(&self.state).quotes.get(quote_id).and_then(|kept| kept.record.order_id.clone())
    }

    /// How many writes changed something so far.
    pub fn writes(&self) -> u64 {
        lock(&self.state).writes
    }
}

impl<S> Store<S> {
    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(super) async fn read<T>(&self, call: &'static str, look: impl FnOnce(&State) -> T) -> T {
        self.pause.wait(call).await;
        let found = look(&lock(&self.state));
        self.pause.wait(call).await;
        found
    }

    /// One conditional write, in one moment: `write` changes everything or nothing. It is given the time.
    pub(super) async fn write<T, E: From<StorageError>>(
        &self,
        call: &'static str,
        conflict: impl FnOnce() -> E,
        write: impl FnOnce(&mut State, i64) -> Result<T, E>,
    ) -> Result<T, E> {
        self.pause.wait(call).await;
        let answer = self.write_now(call, conflict, write);
        self.pause.wait(call).await;
        answer
    }

    fn write_now<T, E: From<StorageError>>(
        &self,
        call: &'static str,
        conflict: impl FnOnce() -> E,
        write: impl FnOnce(&mut State, i64) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = lock(&self.state);
        let scripted = state.faults.get_mut(call).and_then(VecDeque::pop_front);
        let fault = scripted.or_else(|| state.chooser.as_mut().and_then(|choose| choose(call)));
        let lost = || E::from(StorageError::Unavailable(format!("{call}: told to fail")));
        match fault {
            Some(StoreFault::Before) => return Err(lost()),
            Some(StoreFault::Conflict) => return Err(conflict()),
            None | Some(StoreFault::After) => {}
        }
        let written = write(&mut state, self.clock.now());
        state.writes += u64::from(written.is_ok());
        if fault == Some(StoreFault::After) { Err(lost()) } else { written }
    }

    /// A write under a claim.
    async fn held(&self, call: &'static str, claim: &Claim, change: impl FnOnce(&mut S, i64)) -> Result<(), StorageError>
    where
        S: SubjectRecord,
    {
        self.write(call, busy, |state, now| {
            let order = state.held::<S>(claim)?;
            change(order, now);
            touch(order, now);
            Ok(())
        })
        .await
    }
}

/// What a conflict is where the port has no word for it.
fn busy() -> StorageError {
    StorageError::Unavailable("somebody else writes this order".to_owned())
}

pub(super) fn touch(order: &mut impl SubjectRecord, now: i64) {
    let moving = order.saga_fields();
    *moving.updated_at = now;
    *moving.version += 1;
}

fn entry_mut<'a>(order: &'a mut impl SubjectRecord, step: &str) -> Option<&'a mut StepEntry> {
    order.saga_fields().steps.0.get_mut(step)
}

fn take_note(order: &mut impl SubjectRecord, note: &OrderNote) {
    let moving = order.saga_fields();
    moving.ledger.extend(note.ledger.iter().cloned());
    moving.flags.extend(note.flags.iter().cloned());
}

/// Whether the order is open, in this run, and moves forward.
fn goes_forward(order: &impl Subject, run: u32) -> bool {
    order.run() == run && order.direction() == Direction::Forward && !order.is_closed()
}

/// Whether a step of the order may begin: it goes forward, and nobody asked to cancel it.
fn may_begin(order: &impl Subject, run: u32) -> bool {
    goes_forward(order, run) && !order.is_cancel_requested()
}

pub(super) fn held_by_other<T, S: Clone>(order: &S) -> Result<T, Refused<S>> {
    Err(Refused::ConditionFailed(Box::new(order.clone())))
}

impl State {
    pub(super) fn order(&mut self, id: &str) -> Option<&mut Order> {
        self.kept(id)
    }

    /// The completed request under this key, if it is still remembered at `now` (milliseconds since the Unix epoch).
    pub(super) fn remembered(&self, record_id: &str, now: i64) -> Option<CompletedRequest> {
        self.requests.get(record_id).filter(|(_, until)| *until >= now / 1_000).map(|(completed, _)| completed.clone())
    }

    /// Remembers a completed request until a moment in seconds since the Unix epoch.
    pub(super) fn remember(&mut self, key: &IdempotencyKey, answer: &str, until: i64) {
        let completed = CompletedRequest { validation: key.validation.clone(), answer: answer.to_owned() };
        self.requests.insert(key.record_id.clone(), (completed, until));
    }

    /// The order, or the refund, of this id.
    fn kept<S: SubjectRecord>(&mut self, id: &str) -> Option<&mut S> {
        S::rows_mut(self).get_mut(id).map(|row| &mut row.order)
    }

    /// The order, or the refund, if this claim still holds its entry.
    fn held<S: SubjectRecord>(&mut self, claim: &Claim) -> Result<&mut S, StorageError> {
        let holds = |order: &&mut S| {
            let entry = order.status().entry(&claim.step);
            entry.is_some_and(|entry| entry.lease_until == claim.lease_until && entry.run == claim.run)
        };
        self.kept(&claim.id).filter(holds).ok_or(StorageError::ClaimLost)
    }

    /// The quote of this id, if its price was right.
    fn quote(&self, id: &str) -> Option<Quote> {
        self.quotes.get(id)?.quote.clone()
    }

    fn keep(&mut self, kept: KeptQuote) -> Result<(), StorageError> {
        if self.quotes.contains_key(&kept.record.id) {
            return Err(StorageError::Unavailable("there is a quote of this id".to_owned()));
        }
        self.quotes.insert(kept.record.id.clone(), kept);
        Ok(())
    }

    /// The item of this store, with its stock.
    fn stock(&mut self, store_id: &str, item_id: &str) -> Option<&mut crate::store::Item> {
        self.stores.get_mut(store_id)?.items.iter_mut().find(|item| item.id == item_id)
    }
}

impl Catalog for Store {
    async fn store(&self, id: &str) -> Result<Option<StoreWithMenu>, StorageError> {
        Ok(self.read("store", |state| state.stores.get(id).cloned()).await)
    }

    async fn near(&self, point: Location, radius: u32, limit: usize) -> Result<Vec<Shop>, StorageError> {
        Ok(self
            .read("near", |state| {
                let distance = |store: &StoreWithMenu| point.metres_to(store.store.location);
                let mut near: Vec<(f64, Shop)> =
                    state.stores.values().map(|store| (distance(store), store.store.clone())).collect();
                near.retain(|(metres, _)| *metres <= f64::from(radius));
                near.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                near.into_iter().take(limit).map(|(_, store)| store).collect()
            })
            .await)
    }
}

impl Consumers for Store {
    async fn consumer(&self, id: &str) -> Result<Option<Consumer>, StorageError> {
        Ok(self.read("consumer", |state| state.consumers.get(id).cloned()).await)
    }
}

impl Promotions for Store {
    async fn promotions(&self, country: Country) -> Result<Vec<Promotion>, StorageError> {
        Ok(self.read("promotions", |state| state.promotions.get(&country).cloned().unwrap_or_default()).await)
    }

    async fn counters(&self, keys: &[String]) -> Result<UsageCounters, StorageError> {
        let found = |state: &State| keys.iter().filter_map(|key| Some((key.clone(), *state.counters.get(key)?))).collect();
        Ok(self.read("counters", found).await)
    }
}

impl Quotes for Store {
    async fn save(&self, quote: &Quote, record: &Record) -> Result<(), StorageError> {
        let record = QuoteRecord::of(quote, record);
        self.write("save", busy, |state, _| state.keep(KeptQuote { quote: Some(quote.clone()), record })).await
    }

    async fn save_invalid(&self, record: &QuoteRecord) -> Result<(), StorageError> {
        self.write("save_invalid", busy, |state, _| state.keep(KeptQuote { quote: None, record: record.clone() })).await
    }

    async fn quote(&self, id: &str) -> Result<Option<Quote>, StorageError> {
        Ok(self.read("quote", |state| state.quote(id)).await)
    }
}

impl QuoteRecords for Store {
    async fn record(&self, id: &str) -> Result<Option<QuoteRecord>, StorageError> {
        Ok(self.read("record", |state| state.quotes.get(id).map(|kept| kept.record.clone())).await)
    }
}

impl Submissions for Store {
    async fn consumer_and_quote(
        &self,
        consumer_id: &str,
        quote_id: &str,
    ) -> Result<(Option<Consumer>, Option<Quote>), StorageError> {
        let look = |state: &State| (state.consumers.get(consumer_id).cloned(), state.quote(quote_id));
        Ok(self.read("consumer_and_quote", look).await)
    }

    async fn submit(&self, submission: &Submission) -> Result<(), SubmitRefused> {
        self.write(
            "submit",
            || SubmitRefused::Conflict,
            |state, now| {
                if let Some(completed) = state.remembered(&submission.key.record_id, now) {
                    return Err(SubmitRefused::Repeated(completed));
                }
                let order = &submission.order;
                let quote = state.quotes.get_mut(&order.quote.terms.id).filter(|kept| kept.record.order_id.is_none());
                let Some(KeptQuote { record, .. }) = quote.filter(|_| !state.orders.contains_key(&order.id)) else {
                    return Err(SubmitRefused::QuoteUsed);
                };
                record.order_id = Some(order.id.clone());
                record.kept_until = None;
                state.remember(&submission.key, &submission.answer, submission.remember_until);
                state.orders.insert(order.id.clone(), Row { order: order.clone(), sweep_at: Some(submission.stuck_at) });
                Ok(())
            },
        )
        .await
    }

    async fn completed(&self, record_id: &str) -> Result<Option<CompletedRequest>, StorageError> {
        let now = self.clock.now();
        Ok(self.read("completed", |state| state.remembered(record_id, now)).await)
    }
}

impl Orders for Store {
    async fn order(&self, id: &str) -> Result<Option<Order>, StorageError> {
        Ok(self.read("order", |state| state.orders.get(id).map(|row| row.order.clone())).await)
    }
}

impl Ledgers for Store {
    async fn append(&self, order_id: &str, event: &LedgerEvent) -> Result<Appended, StorageError> {
        self.write("append", busy, |state, now| {
            let Some(order) = state.order(order_id) else { return Ok(Appended::NoOrder) };
            if order.ledger.iter().any(|known| known.name() == event.name()) {
                return Ok(Appended::Known);
            }
            order.ledger.push(event.clone());
            touch(order, now);
            Ok(Appended::New)
        })
        .await
    }
}

impl<S: SubjectRecord> StatusStore for Store<S> {
    type Subject = S;
    type Note = OrderNote;

    async fn claim(&self, claim: &Claim, note: &OrderNote) -> Result<S, ClaimRefused<S>> {
        self.write(
            "claim",
            || busy().into(),
            |state, now| {
                let order = state.kept::<S>(&claim.id).ok_or(ClaimRefused::NotFound)?;
                let entry = order.status().entry(&claim.step).ok_or(ClaimRefused::NotFound)?;
                let free = matches!(entry.state, StepState::Pending | StepState::Running) && !entry.is_leased(now);
                if !free || !may_begin(order, claim.run) {
                    return Err(ClaimRefused::ConditionFailed(Box::new(order.clone())));
                }
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.begin(claim, now);
                }
                order.proceed();
                take_note(order, note);
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }

    async fn remember(&self, claim: &Claim, reference: &str, note: &OrderNote) -> Result<(), StorageError> {
        self.held("remember", claim, |order, _| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.reference = Some(reference.to_owned());
            }
            take_note(order, note);
        })
        .await
    }

    async fn complete(&self, claim: &Claim, state: StepState, progress: &Progress<OrderNote>) -> Result<(), StorageError> {
        self.held("complete", claim, |order, now| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.end(state, progress, now);
            }
            take_note(order, &progress.note);
        })
        .await
    }

    async fn release(&self, claim: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        self.held("release", claim, |order, now| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.give_back(failure, release, now);
            }
        })
        .await
    }

    async fn claim_undo(&self, claim: &Claim, reason: Option<&Failure>) -> Result<S, ClaimRefused<S>> {
        self.write(
            "claim_undo",
            || busy().into(),
            |state, now| {
                let order = state.kept::<S>(&claim.id).ok_or(ClaimRefused::NotFound)?;
                let entry = order.status().entry(&claim.step).ok_or(ClaimRefused::NotFound)?;
                let free = entry.undo != UndoState::Done && !entry.is_leased(now);
                if order.is_closed() || order.run() != claim.run {
                    return Err(ClaimRefused::ConditionFailed(Box::new(order.clone())));
                }
                // From here on nobody goes forward any more, even where a lease refuses the claim.
                let turns = order.direction() == Direction::Forward;
                let moving = order.saga_fields();
                *moving.direction = Direction::Undo;
                if free || turns {
                    *moving.failure = moving.failure.take().or_else(|| reason.cloned());
                    touch(order, now);
                }
                if !free {
                    return Err(ClaimRefused::ConditionFailed(Box::new(order.clone())));
                }
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.undo = UndoState::Running;
                    entry.run = claim.run;
                    entry.lease_until = claim.lease_until;
                    entry.undo_attempts += 1;
                }
                order.proceed();
                Ok(order.clone())
            },
        )
        .await
    }

    async fn complete_undo(&self, claim: &Claim, progress: &Progress<OrderNote>) -> Result<(), StorageError> {
        self.held("complete_undo", claim, |order, now| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.undo = UndoState::Done;
                entry.lease_until = 0;
                entry.ended_at = Some(now);
            }
            take_note(order, &progress.note);
        })
        .await
    }

    async fn release_undo(&self, claim: &Claim, failure: &Failure) -> Result<(), StorageError> {
        self.held("release_undo", claim, |order, _| {
            if let Some(entry) = entry_mut(order, &claim.step) {
                entry.failure = Some(failure.clone());
                entry.lease_until = 0;
            }
        })
        .await
    }
}

impl QuoteLocks for Store {
    async fn confirm(&self, step: &'static str, order_id: &str, run: u32, facts: &OrderFacts, at: i64) -> Result<(), Refused> {
        self.write(
            "confirm",
            || Refused::Conflict,
            |state, now| {
                let quote = state.quotes.get(&facts.quote_id);
                let held = quote.is_some_and(|KeptQuote { record, .. }| {
                    let total = record.price.as_ref().map(|price| price.total);
                    record.order_id.as_deref() == Some(order_id) && total == Some(facts.total)
                });
                let order = state.order(order_id).ok_or(Refused::NotFound)?;
                let pending = order.steps.entry(step).is_some_and(|e| matches!(e.state, StepState::Pending | StepState::Running));
                if !pending || !may_begin(order, run) {
                    return held_by_other(order);
                }
                if !held {
                    return Err(Refused::Other);
                }
                end_at_once(order, step, run, at, now);
                order.status = OrderStatus::Processing;
                Ok(())
            },
        )
        .await
    }
}

/// Completes the entry of a step that is one write.
pub(super) fn end_at_once(order: &mut impl SubjectRecord, step: &str, run: u32, at: i64, now: i64) {
    if let Some(entry) = entry_mut(order, step) {
        entry.state = StepState::Done;
        entry.run = run;
        entry.attempts += 1;
        entry.sent_at = Some(at);
        entry.ended_at = Some(now);
    }
    touch(order, now);
}

impl Reservations for Store {
    async fn reserve(&self, claim: &Claim, order: &Order) -> Result<Reserved, ReserveRefused> {
        self.write(
            "reserve",
            || ReserveRefused::Conflict,
            |state, now| {
                state.held::<Order>(claim)?;
                let lines = &order.quote.terms.price.lines;
                let mut sold_out = Vec::new();
                for line in lines {
                    let item = state.stock(&order.store.id, &line.item_id);
                    if !item.is_some_and(|item| item.available && item.stock >= line.quantity) {
                        sold_out.push(line.item_id.clone());
                    }
                }
                if !sold_out.is_empty() {
                    return Err(ReserveRefused::SoldOut(sold_out));
                }
                let planned = plan(order, &state.counters).map_err(ReserveRefused::UsedUp)?;
                let reserved = Reserved::of(order, &planned);
                let response = serde_json::to_value(&reserved).map_err(|error| StorageError::Corrupt(error.to_string()))?;
                for redemption in &reserved.redemptions {
                    let UsageCounter { uses, given } = state.counters.entry(redemption.counter.clone()).or_default();
                    *uses += redemption.uses;
                    *given += redemption.amount;
                }
                for line in lines {
                    if let Some(item) = state.stock(&order.store.id, &line.item_id) {
                        item.stock -= line.quantity;
                    }
                }
                let order = state.held::<Order>(claim)?;
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.state = StepState::Done;
                    entry.lease_until = 0;
                    entry.ended_at = Some(now);
                    entry.response = Some(response);
                }
                touch(order, now);
                Ok(reserved)
            },
        )
        .await
    }

    async fn put_back(&self, claim: &Claim, order: &Order) -> Result<(), ReserveRefused> {
        self.write(
            "put_back",
            || ReserveRefused::Conflict,
            |state, now| {
                state.held::<Order>(claim)?;
                for line in &order.quote.terms.price.lines {
                    // An item that the store has dropped meanwhile has no stock to return to.
                    if let Some(item) = state.stock(&order.store.id, &line.item_id) {
                        item.stock += line.quantity;
                    }
                }
                for redemption in Reserved::by(order)?.redemptions {
                    if let Some(UsageCounter { uses, given }) = state.counters.get_mut(&redemption.counter) {
                        *uses -= redemption.uses;
                        *given -= redemption.amount;
                    }
                }
                let order = state.held::<Order>(claim)?;
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.undo = UndoState::Done;
                    entry.lease_until = 0;
                    entry.ended_at = Some(now);
                }
                touch(order, now);
                Ok(())
            },
        )
        .await
    }
}

impl Closing for Store {
    async fn place(&self, step: &'static str, order_id: &str, run: u32, at: i64) -> Result<(), Refused> {
        self.write(
            "place",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if !may_begin(&row.order, run) {
                    return held_by_other(&row.order);
                }
                end_at_once(&mut row.order, step, run, at, now);
                row.order.status = OrderStatus::Placed;
                row.sweep_at = None;
                Ok(())
            },
        )
        .await
    }

    async fn fail(
        &self,
        order_id: &str,
        run: u32,
        quote_id: &str,
        ended: OrderStatus,
        reason: Option<&Failure>,
        _at: i64,
    ) -> Result<(), Refused> {
        self.write(
            "fail",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if row.order.run != run || row.order.is_closed() {
                    return held_by_other(&row.order);
                }
                row.order.status = ended;
                row.order.direction = Direction::Undo;
                row.order.failure = row.order.failure.take().or_else(|| reason.cloned());
                row.sweep_at = None;
                touch(&mut row.order, now);
                let quote = state.quotes.get_mut(quote_id).map(|kept| &mut kept.record);
                if let Some(record) = quote.filter(|record| record.order_id.as_deref() == Some(order_id)) {
                    record.order_id = None;
                    record.kept_until = Some(kept_until(now));
                }
                Ok(())
            },
        )
        .await
    }

    async fn park(&self, order_id: &str, run: u32, _at: i64) -> Result<Order, Refused> {
        self.write(
            "park",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if row.order.run != run || row.order.is_closed() {
                    return held_by_other(&row.order);
                }
                row.order.status = OrderStatus::Parked;
                row.sweep_at = None;
                touch(&mut row.order, now);
                Ok(row.order.clone())
            },
        )
        .await
    }
}

impl Cancellations for Store {
    async fn request(&self, order_id: &str, consumer_id: &str, at: i64) -> Result<Order, Refused> {
        self.write(
            "cancel",
            || Refused::Conflict,
            |state, now| {
                let order = state.order(order_id).ok_or(Refused::NotFound)?;
                if order.consumer.id != consumer_id || !may_begin(order, order.run) || is_accepted(order) {
                    return held_by_other(order);
                }
                order.cancel_requested_at = Some(at);
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }
}

impl ParkedOrders for Store {
    async fn parked(&self, limit: usize) -> Result<Vec<Order>, StorageError> {
        Ok(self
            .read("parked", |state| {
                let rows = state.orders.values().filter(|row| row.order.status == OrderStatus::Parked);
                let mut orders: Vec<Order> = rows.map(|row| row.order.clone()).collect();
                orders.sort_by_key(|order| order.updated_at);
                orders.truncate(limit);
                orders
            })
            .await)
    }

    async fn reopen(&self, order_id: &str, look_again_at: i64) -> Result<Order, Refused> {
        self.write(
            "reopen",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if row.order.status != OrderStatus::Parked {
                    return held_by_other(&row.order);
                }
                row.order.status = OrderStatus::Processing;
                row.order.direction = Direction::Undo;
                row.order.run += 1;
                row.sweep_at = Some(look_again_at);
                touch(&mut row.order, now);
                Ok(row.order.clone())
            },
        )
        .await
    }
}

/// The order, if it moves forward and no answer is recorded.
fn unanswered<'a>(state: &'a mut State, step: &str, order_id: &str) -> Result<&'a mut Order, Refused> {
    let order = state.order(order_id).ok_or(Refused::NotFound)?;
    let entry = order.steps.entry(step).ok_or(Refused::Other)?;
    let waits = matches!(entry.state, StepState::Pending | StepState::Running | StepState::Waiting);
    if waits && goes_forward(order, order.run) { Ok(order) } else { held_by_other(order) }
}

impl Answers for Store {
    async fn wait_for(&self, step: &'static str, order_id: &str, run: u32, task_token: &str, at: i64) -> Result<Order, Refused> {
        self.write(
            "wait_for",
            || Refused::Conflict,
            |state, now| {
                let order = unanswered(state, step, order_id)?;
                if !may_begin(order, run) {
                    return held_by_other(order);
                }
                if let Some(entry) = entry_mut(order, step) {
                    entry.state = StepState::Waiting;
                    entry.task_token = Some(task_token.to_owned());
                    entry.run = run;
                    entry.sent_at = Some(at);
                    entry.attempts += 1;
                }
                order.status = OrderStatus::Processing;
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }

    async fn record(&self, step: &'static str, order_id: &str, answer: &MerchantAnswer, _at: i64) -> Result<Order, Refused> {
        self.write(
            "record",
            || Refused::Conflict,
            |state, now| {
                let order = unanswered(state, step, order_id)?;
                if let Some(entry) = entry_mut(order, step) {
                    entry.ended_at = Some(now);
                    match failure_of(answer) {
                        None => entry.state = StepState::Done,
                        Some(failure) => {
                            entry.state = StepState::Failed;
                            entry.failure = Some(failure);
                        }
                    }
                }
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }
}

impl<S: SubjectRecord> StuckOrders for Store<S> {
    type Subject = S;

    async fn stuck(&self, now: i64, limit: usize) -> Result<Vec<S>, StorageError> {
        Ok(self
            .read("stuck", |state| {
                let due = |row: &&Row<S>| row.sweep_at.is_some_and(|at| at <= now) && !row.order.is_closed();
                S::rows(state).values().filter(due).take(limit).map(|row| row.order.clone()).collect()
            })
            .await)
    }

    async fn next_run(&self, order_id: &str, run: u32, look_again_at: i64) -> Result<bool, StorageError> {
        self.write("next_run", busy, |state, now| {
            let Some(row) = open_in_run::<S>(state, order_id, run) else { return Ok(false) };
            *row.order.saga_fields().run += 1;
            row.sweep_at = Some(look_again_at);
            touch(&mut row.order, now);
            Ok(true)
        })
        .await
    }

    async fn look_again(&self, order_id: &str, run: u32, look_again_at: i64) -> Result<(), StorageError> {
        self.write("look_again", busy, |state, _| {
            if let Some(row) = open_in_run::<S>(state, order_id, run) {
                row.sweep_at = Some(look_again_at);
            }
            Ok(())
        })
        .await
    }
}

fn open_in_run<'a, S: SubjectRecord>(state: &'a mut State, id: &str, run: u32) -> Option<&'a mut Row<S>> {
    S::rows_mut(state).get_mut(id).filter(|row| row.order.run() == run && !row.order.is_closed())
}
