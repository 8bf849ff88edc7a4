//! The in-memory adapters as the simulated functions hold them: requests may reach a partner twice, and a guard of the
//! checkout can be taken away, so that it is seen what it is there for.

use crate::{
    faults::{Dependency, Faults},
    virtual_time::Schedule,
};
use carryout_checkout::{
    consumer::Address,
    order::Order,
    ports::{
        CallError, Delivery, Intent, IntentStatus, Logistics, Merchants, OrderNote, Payments, Refund, Reservations,
        ReserveRefused,
    },
    redemptions::Reserved,
    store::Location,
};
use carryout_environment::{Failure, StorageError};
use carryout_money::Money;
use carryout_testing::{FakeLogistics, FakeMerchants, FakePayments, Store};
use carryout_workflow::{Claim, ClaimRefused, Direction, Progress, Release, StatusStore, StepState, Subject as _, UndoStore};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// A guard of the checkout that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// What an effect is called is stored before it is asked for: instead every call has a key of its own, and no
    /// reference is kept.
    NameFirst,
    /// An unknown outcome is looked up: instead every look finds nothing.
    Lookup,
    /// Only one attempt holds a step at a time: instead every claim on a leased step is granted.
    Lease,
    /// Nobody goes forward once the order has turned round: instead every such claim is granted.
    Direction,
    /// Only the order's current run acts: instead every claim of an older run is granted.
    Run,
    /// The undo begins with the step that failed: instead it begins with the one before.
    FailedStepFirst,
    /// Each undo is followed by the one before it: instead the first one ends the chain.
    WholeChain,
    /// An undo that fails parks the order: instead it is passed over.
    Parking,
    /// The undo gives promotions and credits back with the stock: instead it gives back the stock alone.
    GiveBack,
    /// What fails is tried again: instead everything is tried once.
    Retries,
}

impl Guard {
    /// Every guard of correctness. Retries are none: without them orders fail more often, and as cleanly.
    pub const ALL: [Self; 9] = [
        Self::NameFirst,
        Self::Lookup,
        Self::Lease,
        Self::Direction,
        Self::Run,
        Self::FailedStepFirst,
        Self::WholeChain,
        Self::Parking,
        Self::GiveBack,
    ];

    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NameFirst => "name-first",
            Self::Lookup => "lookup",
            Self::Lease => "lease",
            Self::Direction => "direction",
            Self::Run => "run",
            Self::FailedStepFirst => "failed-step-first",
            Self::WholeChain => "whole-chain",
            Self::Parking => "parking",
            Self::GiveBack => "give-back",
            Self::Retries => "retries",
        }
    }

    /// The guard of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == name)
    }
}

/// What the wrapped partners share.
#[derive(Clone)]
pub struct FaultContext {
    /// What goes wrong.
    pub faults: Faults,
    /// When it arrives again.
    pub schedule: Schedule,
    /// The guard that is missing.
    pub missing: Option<Guard>,
    /// Counts keys where none is kept.
    pub keys: Arc<AtomicU32>,
}

impl FaultContext {
    fn key(&self, key: &str) -> String {
        match self.missing {
            Some(Guard::NameFirst) => format!("{key}#{}", self.keys.fetch_add(1, Ordering::Relaxed)),
            _ => key.to_owned(),
        }
    }

    fn is_blind(&self) -> bool {
        self.missing == Some(Guard::Lookup)
    }

    /// Lets `again` arrive at the partner later, if the plan says that this request does.
    fn repeat<F>(&self, party: Dependency, call: &'static str, again: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(after) = self.faults.twice(party, call) {
            let (schedule, again) = (self.schedule.clone(), again());
            self.schedule.spawn(async move {
                schedule.sleep(after).await;
                again.await;
            });
        }
    }
}

/// Stock and counters.
pub struct FaultyReservations(pub Store, pub Option<Guard>);

impl Reservations for FaultyReservations {
    async fn reserve(&self, claim: &Claim, order: &Order) -> Result<Reserved, ReserveRefused> {
        self.0.reserve(claim, order).await
    }

    async fn put_back(&self, claim: &Claim, order: &Order) -> Result<(), ReserveRefused> {
        let mut order = order.clone();
        if self.1 == Some(Guard::GiveBack)
            && let Some(entry) = order.steps.0.get_mut(&claim.step)
        {
            entry.response = None;
        }
        self.0.put_back(claim, &order).await
    }
}

/// The processor, at the end of a line.
#[derive(Clone)]
pub struct Processor(pub FakePayments, pub FaultContext);

impl Payments for Processor {
    async fn create(&self, key: &str, order: &Order) -> Result<Intent, CallError> {
        let key = self.1.key(key);
        self.1.repeat(Dependency::Payments, "create", || {
            let (payments, key, order) = (self.0.clone(), key.clone(), order.clone());
            async move { drop(payments.create(&key, &order).await) }
        });
        self.0.create(&key, order).await
    }

    async fn confirm(&self, key: &str, intent: &str, payment_method: &str) -> Result<Intent, CallError> {
        let key = self.1.key(key);
        self.1.repeat(Dependency::Payments, "confirm", || {
            let (payments, key, intent, method) = (self.0.clone(), key.clone(), intent.to_owned(), payment_method.to_owned());
            async move { drop(payments.confirm(&key, &intent, &method).await) }
        });
        self.0.confirm(&key, intent, payment_method).await
    }

    async fn retrieve(&self, intent: &str) -> Result<Intent, CallError> {
        let found = self.0.retrieve(intent).await?;
        Ok(if self.1.is_blind() { Intent { status: IntentStatus::RequiresConfirmation, ..found } } else { found })
    }

    async fn capture(&self, key: &str, intent: &str, amount: Money) -> Result<Intent, CallError> {
        let key = self.1.key(key);
        self.1.repeat(Dependency::Payments, "capture", || {
            let (payments, key, intent) = (self.0.clone(), key.clone(), intent.to_owned());
            async move { drop(payments.capture(&key, &intent, amount).await) }
        });
        self.0.capture(&key, intent, amount).await
    }

    async fn cancel(&self, key: &str, intent: &str) -> Result<Intent, CallError> {
        let key = self.1.key(key);
        self.1.repeat(Dependency::Payments, "cancel", || {
            let (payments, key, intent) = (self.0.clone(), key.clone(), intent.to_owned());
            async move { drop(payments.cancel(&key, &intent).await) }
        });
        self.0.cancel(&key, intent).await
    }

    async fn refund(&self, key: &str, intent: &str, amount: Money) -> Result<Refund, CallError> {
        let key = self.1.key(key);
        self.1.repeat(Dependency::Payments, "refund", || {
            let (payments, key, intent) = (self.0.clone(), key.clone(), intent.to_owned());
            async move { drop(payments.refund(&key, &intent, amount).await) }
        });
        self.0.refund(&key, intent, amount).await
    }

    async fn refunds(&self, intent: &str) -> Result<Vec<Refund>, CallError> {
        let found = self.0.refunds(intent).await?;
        Ok(if self.1.is_blind() { Vec::new() } else { found })
    }
}

/// The logistics partner, at the end of a line.
#[derive(Clone)]
pub struct Couriers(pub FakeLogistics, pub FaultContext);

impl Logistics for Couriers {
    async fn covers(&self, from: Location, to: Location) -> Result<bool, CallError> {
        self.0.covers(from, to).await
    }

    async fn create(&self, key: &str, order: &Order, to: &Address) -> Result<Delivery, CallError> {
        let key = self.1.key(key);
        self.1.repeat(Dependency::Logistics, "create", || {
            let (logistics, key, order, to) = (self.0.clone(), key.clone(), order.clone(), to.clone());
            async move { drop(logistics.create(&key, &order, &to).await) }
        });
        self.0.create(&key, order, to).await
    }

    async fn find(&self, order_id: &str) -> Result<Vec<Delivery>, CallError> {
        let found = self.0.find(order_id).await?;
        Ok(if self.1.is_blind() { Vec::new() } else { found })
    }

    async fn cancel(&self, delivery: &str) -> Result<(), CallError> {
        self.1.repeat(Dependency::Logistics, "cancel", || {
            let (logistics, delivery) = (self.0.clone(), delivery.to_owned());
            async move { drop(logistics.cancel(&delivery).await) }
        });
        self.0.cancel(delivery).await
    }
}

/// The merchants' systems, at the end of a line.
#[derive(Clone)]
pub struct FaultyMerchants(pub FakeMerchants, pub FaultContext);

impl Merchants for FaultyMerchants {
    async fn send(&self, order: &Order, wants_answer: bool) -> Result<(), CallError> {
        self.1.repeat(Dependency::Merchants, "send", || {
            let (merchants, order) = (self.0.clone(), order.clone());
            async move { drop(merchants.send(&order, wants_answer).await) }
        });
        self.0.send(order, wants_answer).await
    }

    async fn cancel(&self, order: &Order) -> Result<(), CallError> {
        self.1.repeat(Dependency::Merchants, "cancel", || {
            let (merchants, order) = (self.0.clone(), order.clone());
            async move { drop(merchants.cancel(&order).await) }
        });
        self.0.cancel(order).await
    }
}

/// Orders as the steps under a claim see them.
#[derive(Clone)]
pub struct Claims(pub Store, pub Option<Guard>);

impl Claims {
    /// Whether this refusal is one that the missing guard would have made.
    fn would_grant(&self, order: &Order, claim: &Claim) -> bool {
        let leased = order.steps.entry(&claim.step).is_some_and(|entry| entry.is_leased(claim.now));
        match self.1 {
            Some(Guard::Lease) => order.run() == claim.run && leased,
            Some(Guard::Direction) => order.run() == claim.run && order.direction() == Direction::Undo,
            Some(Guard::Run) => order.run() != claim.run,
            _ => false,
        }
    }

    fn written_anyway(&self, written: Result<(), StorageError>) -> Result<(), StorageError> {
        match (written, self.1) {
            (Err(StorageError::ClaimLost), Some(Guard::Lease | Guard::Direction | Guard::Run)) => Ok(()),
            (written, _) => written,
        }
    }
}

impl StatusStore for Claims {
    type Subject = Order;
    type Note = OrderNote;

    async fn claim(&self, claim: &Claim, note: &OrderNote) -> Result<Order, ClaimRefused<Order>> {
        match self.0.claim(claim, note).await {
            Err(ClaimRefused::ConditionFailed(order)) if self.would_grant(&order, claim) => Ok(*order),
            claimed => claimed,
        }
    }

    async fn remember(&self, claim: &Claim, reference: &str, note: &OrderNote) -> Result<(), StorageError> {
        if self.1 == Some(Guard::NameFirst) {
            return Ok(());
        }
        self.written_anyway(self.0.remember(claim, reference, note).await)
    }

    async fn complete(&self, claim: &Claim, state: StepState, progress: &Progress<OrderNote>) -> Result<(), StorageError> {
        self.written_anyway(self.0.complete(claim, state, progress).await)
    }

    async fn release(&self, claim: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        self.0.release(claim, failure, release).await
    }
}

impl UndoStore for Claims {
    async fn claim_undo(&self, claim: &Claim, reason: Option<&Failure>) -> Result<Order, ClaimRefused<Order>> {
        match self.0.claim_undo(claim, reason).await {
            // The direction is what an undo turns; there is nothing to grant against it.
            Err(ClaimRefused::ConditionFailed(order))
                if self.1 != Some(Guard::Direction) && self.would_grant(&order, claim) && !order.is_closed() =>
            {
                Ok(*order)
            }
            claimed => claimed,
        }
    }

    async fn complete_undo(&self, claim: &Claim, note: &OrderNote) -> Result<(), StorageError> {
        self.written_anyway(self.0.complete_undo(claim, note).await)
    }

    async fn release_undo(&self, claim: &Claim, failure: &Failure) -> Result<(), StorageError> {
        self.0.release_undo(claim, failure).await
    }
}
