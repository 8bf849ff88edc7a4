//! The wall clock, and waiting by it.

use carryout_environment::{Clock, Timer};
use futures::{FutureExt as _, future::BoxFuture};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        // Before 1970 or after the year 292 million the clock is broken anyway.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        self.now_ms()
    }
}

/// Waits by the runtime's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTimer;

impl Timer for SystemTimer {
    fn sleep(&self, milliseconds: u32) -> BoxFuture<'_, ()> {
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).boxed()
    }
}
