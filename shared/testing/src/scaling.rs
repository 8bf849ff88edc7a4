//! In-memory adapters.

use crate::lock;
use carryout_environment::StorageError;
use carryout_forecast::Setting;
use carryout_scaling::{
    Capacity, Ceiling, Claim, Decision, History, Learned, Observed, OfferedLoad, Plan, Reported, ScalingStore, Settings,
    SettingsSource, Status,
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

fn told_to_fail<T>() -> Result<T, StorageError> {
    Err(StorageError::Unavailable("told to fail".to_owned()))
}

/// A feed of what was put into it; silent about everything else.
#[derive(Debug, Clone, Default)]
pub struct FakeLoad(Arc<Mutex<Feed>>);

#[derive(Debug, Default)]
struct Feed {
    slots: BTreeMap<String, BTreeMap<Timestamp, Observed>>,
    fails: bool,
}

impl FakeLoad {
    /// Adds slots.
    pub fn put(&self, function: &str, slots: impl IntoIterator<Item = (Timestamp, Observed)>) {
        lock(&self.0).slots.entry(function.to_owned()).or_default().extend(slots);
    }

    /// Whether it fails from now on.
    pub fn fail(&self, fails: bool) {
        lock(&self.0).fails = fails;
    }
}

impl OfferedLoad for FakeLoad {
    async fn observed(
        &self,
        function: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Observed>, StorageError> {
        let Feed { slots, fails } = &*lock(&self.0);
        if *fails {
            return told_to_fail();
        }
        let of_function = slots.get(function).into_iter().flat_map(|slots| slots.range(since..until));
        Ok(of_function.map(|(at, observed)| (*at, *observed)).collect())
    }
}

/// Settings that are whatever was said last.
#[derive(Debug, Clone, Default)]
pub struct FakeSettings(Arc<Mutex<Option<Settings>>>);

impl FakeSettings {
    /// These settings.
    pub fn of(settings: Settings) -> Self {
        Self(Arc::new(Mutex::new(Some(settings))))
    }

    /// Other settings from now on; `None` fails.
    pub fn change(&self, settings: Option<Settings>) {
        *lock(&self.0) = settings;
    }
}

impl SettingsSource for FakeSettings {
    async fn settings(&self) -> Result<Settings, StorageError> {
        lock(&self.0).clone().map_or_else(told_to_fail, Ok)
    }
}

#[derive(Debug, Default)]
struct Kept {
    tick: Option<(Timestamp, i64, bool)>,
    now: i64,
    histories: BTreeMap<String, History>,
    learned: BTreeMap<String, Learned>,
    plans: BTreeMap<String, Plan>,
    decisions: BTreeMap<String, Decision>,
    fails: bool,
}

/// A store that forgets nothing. Leases are measured by the time that it is told.
#[derive(Debug, Clone, Default)]
pub struct FakeStore(Arc<Mutex<Kept>>);

impl FakeStore {
    /// What time it is, in milliseconds since the Unix epoch.
    pub fn now(&self, now: i64) {
        lock(&self.0).now = now;
    }

    /// Whether reading a history and keeping a plan fails from now on.
    pub fn fail(&self, fails: bool) {
        lock(&self.0).fails = fails;
    }
}

impl ScalingStore for FakeStore {
    async fn claim(&self, at: Timestamp, until: i64) -> Result<Claim, StorageError> {
        let kept = &mut *lock(&self.0);
        let claim = match kept.tick {
            Some((last, _, finished)) if last > at || (last == at && finished) => Claim::Over,
            Some((_, lease, false)) if lease > kept.now => Claim::Running,
            _ => Claim::Taken,
        };
        if claim == Claim::Taken {
            kept.tick = Some((at, until, false));
        }
        Ok(claim)
    }

    async fn finish(&self, at: Timestamp) -> Result<(), StorageError> {
        if let Some((last, _, finished)) = &mut lock(&self.0).tick
            && *last == at
        {
            *finished = true;
        }
        Ok(())
    }

    async fn history(&self, function: &str, first: i64) -> Result<History, StorageError> {
        let kept = lock(&self.0);
        if kept.fails {
            return told_to_fail();
        }
        let mut history = kept.histories.get(function).cloned().unwrap_or_default();
        history.days = history.days.split_off(&first);
        Ok(history)
    }

    async fn add(&self, function: &str, days: &History) -> Result<(), StorageError> {
        let mut kept = lock(&self.0);
        let history = kept.histories.entry(function.to_owned()).or_default();
        for (day, slots) in &days.days {
            history.days.entry(*day).or_default().extend(slots);
        }
        Ok(())
    }

    async fn learned(&self, function: &str) -> Result<Option<Learned>, StorageError> {
        Ok(lock(&self.0).learned.get(function).cloned())
    }

    async fn keep_learned(&self, function: &str, learned: &Learned) -> Result<(), StorageError> {
        lock(&self.0).learned.insert(function.to_owned(), learned.clone());
        Ok(())
    }

    async fn plan(&self, function: &str) -> Result<Option<Plan>, StorageError> {
        Ok(lock(&self.0).plans.get(function).cloned())
    }

    async fn keep_plan(&self, plan: &Plan) -> Result<(), StorageError> {
        let mut kept = lock(&self.0);
        if kept.fails {
            return told_to_fail();
        }
        kept.plans.insert(plan.function.clone(), plan.clone());
        Ok(())
    }

    async fn decision(&self, function: &str) -> Result<Option<Decision>, StorageError> {
        Ok(lock(&self.0).decisions.get(function).cloned())
    }

    async fn keep_decision(&self, decision: &Decision) -> Result<(), StorageError> {
        lock(&self.0).decisions.insert(decision.function.clone(), decision.clone());
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Alias {
    requested: u32,
    queue: Option<Option<u32>>,
}

#[derive(Debug)]
struct Account {
    aliases: BTreeMap<String, Alias>,
    limit: u32,
    fails: bool,
}

/// A Lambda that makes environments at once, up to its account's limit.
#[derive(Debug, Clone)]
pub struct FakeCapacity(Arc<Mutex<Account>>);

impl FakeCapacity {
    /// With a limit for each function.
    pub fn with_limit(limit: u32) -> Self {
        Self(Arc::new(Mutex::new(Account { aliases: BTreeMap::new(), limit, fails: false })))
    }

    /// A function that a queue feeds.
    pub fn queue(&self, function: &str) {
        lock(&self.0).aliases.entry(function.to_owned()).or_default().queue = Some(None);
    }

    /// What is set for a function; 0 where nothing is.
    pub fn of(&self, function: &str) -> u32 {
        lock(&self.0).aliases.get(function).map_or(0, |alias| alias.requested)
    }

    /// The maximum concurrency of a function's queue.
    pub fn ceiling_of(&self, function: &str) -> Option<u32> {
        lock(&self.0).aliases.get(function).and_then(|alias| alias.queue?)
    }

    /// Another limit from now on.
    pub fn limit(&self, limit: u32) {
        lock(&self.0).limit = limit;
    }

    /// Whether it fails from now on.
    pub fn fail(&self, fails: bool) {
        lock(&self.0).fails = fails;
    }
}

impl Capacity for FakeCapacity {
    async fn reported(&self, function: &str) -> Result<Reported, StorageError> {
        let account = lock(&self.0);
        if account.fails {
            return told_to_fail();
        }
        let requested = account.aliases.get(function).map_or(0, |alias| alias.requested);
        Ok(match requested {
            0 => Reported::UNSET,
            _ if requested > account.limit => {
                Reported { requested, allocated: 0, status: Status::Failed, reason: Some("no concurrency left".to_owned()) }
            }
            _ => Reported { requested, allocated: requested, status: Status::Ready, reason: None },
        })
    }

    async fn set(&self, function: &str, setting: Setting) -> Result<(), StorageError> {
        let mut account = lock(&self.0);
        if account.fails {
            return told_to_fail();
        }
        account.aliases.entry(function.to_owned()).or_default().requested = match setting {
            Setting::Provision(count) => count,
            Setting::Delete => 0,
        };
        Ok(())
    }

    async fn ceiling(&self, function: &str) -> Result<Option<Ceiling>, StorageError> {
        let account = lock(&self.0);
        let queue = account.aliases.get(function).and_then(|alias| alias.queue);
        Ok(queue.map(|maximum| Ceiling { mapping: function.to_owned(), maximum }))
    }

    async fn set_ceiling(&self, mapping: &str, maximum: u32) -> Result<(), StorageError> {
        lock(&self.0).aliases.entry(mapping.to_owned()).or_default().queue = Some(Some(maximum));
        Ok(())
    }
}
