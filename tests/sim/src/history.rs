//! What happened in one run, to be read.

use crate::virtual_time::lock;
use carryout_environment::Clock as _;
use carryout_testing::{ManualClock, samples::NOON};
use std::sync::{Arc, Mutex};

/// What happened, line by line in virtual time; kept only where somebody wants to read it. Clones share it.
#[derive(Clone)]
pub struct History {
    clock: ManualClock,
    lines: Option<Arc<Mutex<Vec<String>>>>,
}

impl History {
    /// A history that keeps its lines, or one that keeps none.
    pub fn new(clock: &ManualClock, kept: bool) -> Self {
        Self { clock: clock.clone(), lines: kept.then(Arc::default) }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Adds a line.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let seconds = (self.clock.now() - NOON) as f64 / 1_000.0;
            lock(lines).push(format!("{seconds:>10.3}  {}", line()));
        }
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.as_ref().map(|lines| lock(lines).clone()).unwrap_or_default()
    }
}
