//! Predictive provisioned concurrency: what is read, decided and set every five minutes.
//!
//! A [`Scaler`] runs one [`tick`](Scaler::tick) at a time. It brings each function's [`History`] up to date, forecasts the next
//! two days and plans them with `carryout-forecast`, keeps plan and [`Decision`], and, in the mode [`Mode::Apply`], sets what
//! the plan says for now. What is set is always read from Lambda and never remembered, so a tick that dies anywhere, comes twice
//! or comes late leaves nothing to repair: the next one begins with what is true.
//!
//! Ports ([`OfferedLoad`], [`ScalingStore`], [`Capacity`], [`SettingsSource`]) say what an adapter promises. Nothing here knows a
//! clock: a tick is told its moment.

mod decision;
mod history;
mod ports;
mod settings;
mod tick;

pub use decision::{Action, Decision};
pub use history::{Day, HISTORY_DAYS, History, Observed, SLOT, day_begins, slot_of};
pub use ports::{Capacity, Ceiling, Claim, Learned, OfferedLoad, Plan, Reported, ScalingStore, SettingsSource, Status};
pub use settings::{Mode, Override, SETTINGS_KEY, Settings, Tuning};
pub use tick::{HORIZON_SLOTS, Outcome, Scaler};
