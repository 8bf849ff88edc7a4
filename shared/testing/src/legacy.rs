use crate::lock;
use carryout_checkout::ports::CallError;
use carryout_environment::StorageError;
use carryout_migration::{
    mirror::{LegacyOrder, LegacyQueue, LegacySink, Upserted},
    partners::LEGACY,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// A mirror queue that remembers what was sent.
#[derive(Debug, Clone, Default)]
pub struct FakeLegacyQueue(Arc<Mutex<(Vec<LegacyOrder>, u32)>>);

impl FakeLegacyQueue {
    /// What was sent, oldest first.
    pub fn sent(&self) -> Vec<LegacyOrder> {
        lock(&self.0).0.clone()
    }

    /// Lets the next sends fail after their first order.
    pub fn fail_next(&self, times: u32) {
        lock(&self.0).1 = times;
    }
}

impl LegacyQueue for FakeLegacyQueue {
    async fn send(&self, orders: &[LegacyOrder]) -> Result<(), StorageError> {
        let mut queue = lock(&self.0);
        if queue.1 > 0 {
            queue.1 -= 1;
            queue.0.extend(orders.first().cloned());
            return Err(StorageError::Unavailable("told to fail".to_owned()));
        }
        queue.0.extend_from_slice(orders);
        Ok(())
    }
}

/// A sink that keeps orders, and fails as told.
#[derive(Debug, Clone, Default)]
pub struct FakeLegacySink(Arc<Mutex<(BTreeMap<String, LegacyOrder>, u32)>>);

impl FakeLegacySink {
    /// The order as legacy readers see it.
    pub fn held(&self, id: &str) -> Option<LegacyOrder> {
        lock(&self.0).0.get(id).cloned()
    }

    /// Lets the next upserts fail, without effect.
    pub fn fail_next(&self, times: u32) {
        lock(&self.0).1 = times;
    }
}

impl LegacySink for FakeLegacySink {
    async fn upsert(&self, order: &LegacyOrder) -> Result<Upserted, CallError> {
        let mut sink = lock(&self.0);
        if sink.1 > 0 {
            sink.1 -= 1;
            return Err(CallError::Unavailable { partner: LEGACY.name, detail: "told to fail".to_owned() });
        }
        if sink.0.get(&order.id).is_some_and(|held| held.version >= order.version) {
            return Ok(Upserted::Older);
        }
        sink.0.insert(order.id.clone(), order.clone());
        Ok(Upserted::Applied)
    }
}
