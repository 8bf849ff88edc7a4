use crate::lock;
use carryout_checkout::routing::{Routing, RoutingRules};
use carryout_environment::StorageError;
use std::sync::{Arc, Mutex};

/// Routing rules that a test sets; none at first.
#[derive(Debug, Clone)]
pub struct FakeRouting(Arc<Mutex<Option<RoutingRules>>>);

impl Default for FakeRouting {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Some(RoutingRules::default()))))
    }
}

impl FakeRouting {
    /// From now on these rules hold.
    pub fn set(&self, rules: RoutingRules) {
        *lock(&self.0) = Some(rules);
    }

    /// From now on the rules can't be read.
    pub fn fail(&self) {
        *lock(&self.0) = None;
    }
}

impl Routing for FakeRouting {
    async fn rules(&self) -> Result<RoutingRules, StorageError> {
        lock(&self.0).clone().ok_or_else(|| StorageError::Unavailable("told to fail".to_owned()))
    }
}
