mod answers;
mod catalog;
mod closing;
mod operations;
mod orders;
mod quotes;
mod refunds;
mod reservations;
mod steps;
mod stuck;
mod subject;

use crate::{ManualClock, Pause, lock};
use carryout_checkout::{
    audit::QuoteRecord,
    consumer::Consumer,
    order::Order,
    ports::{CompletedRequest, IdempotencyKey},
    redemptions::UsageCounters,
    refund::OrderRefund,
    store::StoreWithMenu,
};
use carryout_environment::{Clock as _, StorageError};
use carryout_market::MarketId;
use carryout_pricing::{Promotion, Quote};
use carryout_workflow::Claim;
use std::{
    collections::{BTreeMap, VecDeque},
    marker::PhantomData,
    sync::{Arc, Mutex},
};
use subject::{SubjectRecord, touch};

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
    promotions: BTreeMap<MarketId, Vec<Promotion>>,
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
    pub fn put_promotions(&self, country: MarketId, promotions: Vec<Promotion>) {
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
    fn stock(&mut self, store_id: &str, item_id: &str) -> Option<&mut carryout_checkout::store::Item> {
        self.stores.get_mut(store_id)?.items.iter_mut().find(|item| item.id == item_id)
    }
}
