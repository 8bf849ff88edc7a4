//! What the scaler needs from outside, and what an adapter promises.

use std::collections::BTreeMap;
use std::future::Future;

use carryout_environment::StorageError;
use carryout_forecast::{Choice, Setting};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::history::{History, Observed};
use crate::settings::Settings;

/// Tells what arrived: requests before any shedding, those that were throttled included.
pub trait OfferedLoad: Send + Sync {
    /// The slots of a function that begin from `since` on and before `until`. A slot that nobody can tell of MUST be left out:
    /// zero says that nothing arrived, and only a feed that is alive can say that.
    fn observed(
        &self,
        function: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<BTreeMap<Timestamp, Observed>, StorageError>> + Send;
}

/// Reads what operators set.
pub trait SettingsSource: Send + Sync {
    /// The settings; the default where nothing was ever set.
    fn settings(&self) -> impl Future<Output = Result<Settings, StorageError>> + Send;
}

/// Whether a tick may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It may, until the end of its lease.
    Taken,
    /// It or a later one was finished.
    Over,
    /// Another one runs.
    Running,
}

/// Which methods to trust, and when that was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// When.
    pub at: Timestamp,
    /// What.
    pub choice: Choice,
}

/// A plan as it is kept: slots of five minutes from `start` on, one number each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The function.
    pub function: String,
    /// Its first slot.
    pub start: Timestamp,
    /// The load that is expected.
    pub expected: Vec<f64>,
    /// The load that is exceeded in 95 of 100 slots.
    pub low: Vec<f64>,
    /// The load that is exceeded in 5 of 100 slots.
    pub high: Vec<f64>,
    /// The provisioned concurrency.
    pub set: Vec<u32>,
    /// Slots that the account's limit cuts.
    pub cut: usize,
    /// The quantile that it provides for.
    pub quantile: f64,
    /// What it is expected to cost, in USD without request fees.
    pub cost: f64,
    /// What the same demand would cost with no provisioned concurrency.
    pub on_demand: f64,
    /// What of `cost` buys latency.
    pub premium: f64,
    /// What the forecast rests on, in a sentence.
    pub rests_on: String,
}

/// Keeps history, plans and decisions.
pub trait ScalingStore: Send + Sync {
    /// Lets one tick run at a time and none after a later one: takes the tick that is `at`, for as long as `until`
    /// (milliseconds since the Unix epoch), unless it or a later one is finished, or another one's lease still lasts. It MUST be
    /// one atomic write.
    fn claim(&self, at: Timestamp, until: i64) -> impl Future<Output = Result<Claim, StorageError>> + Send;

    /// Marks a tick as finished.
    fn finish(&self, at: Timestamp) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The days of a function from `first` on.
    fn history(&self, function: &str, first: i64) -> impl Future<Output = Result<History, StorageError>> + Send;

    /// Adds the slots of these days to what is kept of them, and remembers days without any. The same slot again replaces what was
    /// there.
    fn add(&self, function: &str, days: &History) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// What was learned of a function last.
    fn learned(&self, function: &str) -> impl Future<Output = Result<Option<Learned>, StorageError>> + Send;

    /// Keeps what was learned.
    fn keep_learned(&self, function: &str, learned: &Learned) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The newest plan of a function.
    fn plan(&self, function: &str) -> impl Future<Output = Result<Option<Plan>, StorageError>> + Send;

    /// Keeps a plan in place of the one before.
    fn keep_plan(&self, plan: &Plan) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The newest decision for a function.
    fn decision(&self, function: &str) -> impl Future<Output = Result<Option<Decision>, StorageError>> + Send;

    /// Keeps a decision in place of the one before.
    fn keep_decision(&self, decision: &Decision) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// How far Lambda is with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is set.
    Unset,
    /// Environments are being made.
    InProgress,
    /// All of them are there.
    Ready,
    /// They could not be made.
    Failed,
}

/// Provisioned concurrency as Lambda reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// What was asked for.
    pub requested: u32,
    /// What there is.
    pub allocated: u32,
    /// How far it is.
    pub status: Status,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Reported {
    /// Nothing is set.
    pub const UNSET: Self = Self { requested: 0, allocated: 0, status: Status::Unset, reason: None };
}

/// The queue of a function, as Lambda reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    /// Lambda's name of the event source mapping.
    pub mapping: String,
    /// How many of its messages' batches are worked on at once, at most; `None` for as many as Lambda likes.
    pub maximum: Option<u32>,
}

/// Reads and changes what Lambda keeps ready.
pub trait Capacity: Send + Sync {
    /// What is set for a function's alias.
    fn reported(&self, function: &str) -> impl Future<Output = Result<Reported, StorageError>> + Send;

    /// Sets it, or deletes the setting. The same again changes nothing.
    fn set(&self, function: &str, setting: Setting) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The event source mapping that feeds a function's alias from a queue, where there is one.
    fn ceiling(&self, function: &str) -> impl Future<Output = Result<Option<Ceiling>, StorageError>> + Send;

    /// Sets its maximum concurrency, 2 to 1000.
    fn set_ceiling(&self, mapping: &str, maximum: u32) -> impl Future<Output = Result<(), StorageError>> + Send;
}
