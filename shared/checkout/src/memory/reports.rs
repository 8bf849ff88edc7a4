use super::lock;
use crate::{ports::Reports, reconcile::Reconciliation};
use carryout_workflow::StoreError;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Reports of reconciliations, by the moment at which each began.
#[derive(Debug, Clone, Default)]
pub struct FakeReports(Arc<Mutex<BTreeMap<i64, Reconciliation>>>);

impl Reports for FakeReports {
    async fn latest(&self) -> Result<Option<Reconciliation>, StoreError> {
        Ok(lock(&self.0).values().next_back().cloned())
    }

    async fn save(&self, report: &Reconciliation) -> Result<(), StoreError> {
        lock(&self.0).insert(report.started_at, report.clone());
        Ok(())
    }
}
