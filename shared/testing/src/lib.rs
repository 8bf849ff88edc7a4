//! In-memory adapters for every port, with the promises of [`carryout_checkout::ports`] and the conditions of the DynamoDB
//! adapters. [`crate::contract`] runs against both.
//!
//! Nothing here reads a clock, sleeps, or draws a random number: time is a [`ManualClock`], faults are scripted with
//! [`Faults`], and waiting, where a simulation wants some, is a [`Pause`].

pub mod contract;
mod database;
mod environment;
mod faults;
mod legacy;
mod messages;
pub mod onboarding;
mod parity;
mod payments;
mod reports;
mod routing;
pub mod samples;
pub mod scaling;
mod services;
mod trends;

pub use database::{Store, StoreFault};
pub use environment::{FixedSecret, FixedTimer, ManualClock, Pause, PlainSeal, SequentialIds};
pub use faults::{Fault, Faults};
pub use legacy::{FakeLegacyQueue, FakeLegacySink};
pub use messages::{Called, FakeCallbacks, FakeExecutions, FakePager, FakeQueue, StartedExecution};
pub use parity::{FakeComparisons, FakeLegacyPrices, FakeRollouts, FakeSampleQueue, SampleFault};
pub use payments::{FakePayments, PaymentBooks};
pub use reports::FakeReports;
pub use routing::FakeRouting;
pub use services::{FakeFraud, FakeLogistics, FakeMerchants, MerchantBooks};
pub use trends::FakeTrends;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is behind the mutex, also after a test has panicked while holding it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
