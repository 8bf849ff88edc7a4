use crate::lock;
use carryout_checkout::ports::CallError;
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_migration::{
    parity::{Comparison, Comparisons, LegacyPriceRequest, LegacyPrices, PriceSample, Rollout, Rollouts, SampleQueue},
    partners::LEGACY_PRICES,
};
use carryout_pricing::{Price, price};
use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex},
};

/// Comparisons by market, time and quote.
type Kept = BTreeMap<(MarketId, i64, String), Comparison>;

/// Comparisons that are kept for ever.
#[derive(Debug, Clone, Default)]
pub struct FakeComparisons(Arc<Mutex<Kept>>);

impl Comparisons for FakeComparisons {
    async fn save(&self, comparison: &Comparison) -> Result<(), StorageError> {
        let key = (comparison.market, comparison.at, comparison.quote_id.clone());
        lock(&self.0).insert(key, comparison.clone());
        Ok(())
    }

    async fn between(&self, market: MarketId, since: i64, until: i64) -> Result<Vec<Comparison>, StorageError> {
        let kept = lock(&self.0);
        Ok(kept
            .range((market, since, String::new())..(market, until.max(since), String::new()))
            .map(|(_, one)| one.clone())
            .collect())
    }
}

/// A legacy system that prices as this one, spoils the price as told, and fails as told.
#[derive(Clone)]
pub struct FakeLegacyPrices {
    spoil: fn(&mut Price),
    failing: Arc<Mutex<u32>>,
}

impl Default for FakeLegacyPrices {
    fn default() -> Self {
        Self::spoiling(|_| {})
    }
}

impl FakeLegacyPrices {
    /// One whose prices are changed before they are answered.
    pub fn spoiling(spoil: fn(&mut Price)) -> Self {
        Self { spoil, failing: Arc::default() }
    }

    /// Lets the next calls fail.
    pub fn fail_next(&self, times: u32) {
        *lock(&self.failing) = times;
    }
}

impl LegacyPrices for FakeLegacyPrices {
    async fn price(&self, request: &LegacyPriceRequest) -> Result<Price, CallError> {
        let partner = LEGACY_PRICES.name;
        let mut failing = lock(&self.failing);
        if *failing > 0 {
            *failing -= 1;
            return Err(CallError::Unavailable { partner, detail: "told to fail".to_owned() });
        }
        let mut price = price(&request.context).map_err(|error| CallError::Unclear { partner, detail: error.to_string() })?;
        (self.spoil)(&mut price);
        Ok(price)
    }
}

/// A rollout that a test sets; the default at first.
#[derive(Debug, Clone, Default)]
pub struct FakeRollouts(Arc<Mutex<Rollout>>);

impl FakeRollouts {
    /// From now on this one holds.
    pub fn set(&self, rollout: Rollout) {
        *lock(&self.0) = rollout;
    }
}

impl Rollouts for FakeRollouts {
    async fn rollout(&self) -> Result<Rollout, StorageError> {
        Ok(lock(&self.0).clone())
    }
}

/// A queue of samples that remembers what was sent, fails as told, or never answers.
#[derive(Debug, Clone, Default)]
pub struct FakeSampleQueue {
    sent: Arc<Mutex<Vec<PriceSample>>>,
    fault: Arc<Mutex<SampleFault>>,
}

/// What is wrong with the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SampleFault {
    /// Nothing.
    #[default]
    None,
    /// It takes nothing.
    Fails,
    /// It never answers.
    Hangs,
}

impl FakeSampleQueue {
    /// What was sent, oldest first.
    pub fn sent(&self) -> Vec<PriceSample> {
        lock(&self.sent).clone()
    }

    /// From now on this is wrong.
    pub fn fail(&self, fault: SampleFault) {
        *lock(&self.fault) = fault;
    }
}

impl SampleQueue for FakeSampleQueue {
    async fn send(&self, sample: &PriceSample) -> Result<(), StorageError> {
        let fault = *lock(&self.fault);
        match fault {
            SampleFault::None => {
                lock(&self.sent).push(sample.clone());
                Ok(())
            }
            SampleFault::Fails => Err(StorageError::Unavailable("told to fail".to_owned())),
            SampleFault::Hangs => pending().await,
        }
    }
}
