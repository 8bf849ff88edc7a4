use crate::lock;
use carryout_checkout::{
    ports::{Report, Reports},
    reconcile::Reconciliation,
};
use carryout_environment::StorageError;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Reports of one kind, by the moment at which each began.
#[derive(Debug, Clone)]
pub struct FakeReports<R = Reconciliation>(Arc<Mutex<BTreeMap<i64, R>>>);

impl<R> Default for FakeReports<R> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<R: Report + Clone> Reports<R> for FakeReports<R> {
    async fn latest(&self) -> Result<Option<R>, StorageError> {
        Ok(lock(&self.0).values().next_back().cloned())
    }

    async fn save(&self, report: &R) -> Result<(), StorageError> {
        lock(&self.0).insert(report.started_at(), report.clone());
        Ok(())
    }
}
