//! One tick: every five minutes, for all functions together.

use std::collections::BTreeMap;

use carryout_environment::StorageError;
use carryout_forecast::{Account, Calendar, Choice, Forecast, Function, plan};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::decision::{Decision, Situation};
use crate::history::{HISTORY_DAYS, History, Observed, SLOT, day_begins, slot_of};
use crate::ports::{Capacity, Claim, Learned, OfferedLoad, Plan, Reported, ScalingStore, SettingsSource};
use crate::settings::{Mode, Settings};

/// How far a plan goes: 48 hours.
pub const HORIZON_SLOTS: usize = 2 * SLOT.per_day();

/// Which methods to trust is learned anew once a day.
const LEARNED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The newest slot is not read yet: CloudWatch hears of the end of it minutes later.
const UNSETTLED: SignedDuration = SignedDuration::from_secs(SLOT.seconds());
/// What was read last is read again for so long, for numbers that come later still.
const OVERLAP: SignedDuration = SignedDuration::from_mins(30);
/// How much of a gap is read in one tick.
const MOST_AT_ONCE_DAYS: i64 = 3;

/// What the scaler works with.
#[derive(Debug, Clone)]
pub struct Scaler<L, S, C, O> {
    /// What arrived.
    pub load: L,
    /// Where history, plans and decisions are.
    pub store: S,
    /// What Lambda keeps ready.
    pub capacity: C,
    /// What operators set.
    pub settings: O,
    /// The functions.
    pub functions: Vec<String>,
    /// Those of them that a queue feeds.
    pub queued: Vec<String>,
}

/// What became of a tick.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The mode is off.
    Off,
    /// It, or a later one, was finished before.
    Over,
    /// Another one still runs.
    Running,
    /// What was decided for each function.
    Decided(Vec<Decision>),
}

/// What is known of a function at a tick.
struct Known {
    function: String,
    /// `None` where it could not be read.
    history: Option<History>,
    reported: Option<Reported>,
    before: Option<Decision>,
    problems: Vec<String>,
}

impl<L: OfferedLoad, S: ScalingStore, C: Capacity, O: SettingsSource> Scaler<L, S, C, O> {
    /// Runs the tick of the slot that begins with or holds `at`, until `until`: milliseconds since the Unix epoch, when whoever
    /// runs it is stopped.
    ///
    /// A function for which something fails keeps its setting, and its decision says what failed; the others go on.
    ///
    /// # Errors
    ///
    /// Where the settings or the store's claim can't be reached: nothing was changed.
    pub async fn tick(&self, at: Timestamp, until: i64) -> Result<Outcome, StorageError> {
        let at = SLOT.floor(at);
        let settings = self.settings.settings().await?;
        if settings.mode == Mode::Off {
            return Ok(Outcome::Off);
        }
        match self.store.claim(at, until).await? {
            Claim::Taken => {}
            Claim::Over => return Ok(Outcome::Over),
            Claim::Running => return Ok(Outcome::Running),
        }
        let known = join_all(self.functions.iter().map(|function| self.know(function, at))).await;
        let planned = self.plan(&known, &settings, at).await;
        let decisions = join_all(known.into_iter().map(|known| self.carry_out(known, &planned, &settings, at))).await;
        self.store.finish(at).await?;
        Ok(Outcome::Decided(decisions))
    }

    /// Brings a function's history up to date and asks what is set.
    async fn know(&self, function: &str, at: Timestamp) -> Known {
        let mut problems = Vec::new();
        let (history, reported, before) =
            futures::join!(self.history(function, at,), self.capacity.reported(function), self.store.decision(function));
        let history = match history {
            Ok((history, silent)) => {
                problems.extend(silent.map(|error| format!("offered load could not be read: {error}")));
                Some(history)
            }
            Err(error) => {
                problems.push(format!("the history could not be read: {error}"));
                None
            }
        };
        let reported = reported.map_err(|error| problems.push(format!("Lambda could not be asked what is set: {error}"))).ok();
        let before = before.unwrap_or_else(|error| {
            problems.push(format!("the decision before could not be read: {error}"));
            None
        });
        Known { function: function.to_owned(), history, reported, before, problems }
    }

    /// A function's history, with what the feed tells of the slots since its end and of one day that nobody has looked at, the
    /// newest first: so a new deployment learns what CloudWatch remembers, a day with every tick. With the history comes why the
    /// feed could not be read.
    async fn history(&self, function: &str, at: Timestamp) -> Result<(History, Option<StorageError>), StorageError> {
        let (today, _) = slot_of(at);
        let first = today - HISTORY_DAYS;
        let mut history = self.store.history(function, first).await?;
        let (most, until) = (day_begins(today - MOST_AT_ONCE_DAYS), at - UNSETTLED);
        let since = history.end().map_or(day_begins(today - 1), |end| (end - OVERLAP).max(most)).min(until);
        let (since_day, _) = slot_of(since);
        let unseen = (first..since_day).rev().find(|day| !history.days.contains_key(day));
        let windows = [(since < until).then_some((since, until)), unseen.map(|day| (day_begins(day), day_begins(day + 1)))];
        let mut silent = None;
        for (since, until) in windows.into_iter().flatten() {
            match self.load.observed(function, since, until).await {
                Ok(slots) => {
                    let fresh = fresh(&history, &slots, since, until);
                    history.take_in(&slots);
                    self.store.add(function, &fresh).await?;
                }
                Err(error) => silent = Some(error),
            }
        }
        Ok((history, silent))
    }

    /// Plans all functions of which something is known; what the others have set is taken from the account's limit. The plans
    /// are kept, and by function there is what each asks for now, or why there is none.
    async fn plan(&self, known: &[Known], settings: &Settings, at: Timestamp) -> BTreeMap<String, Result<u32, String>> {
        let calendar = Calendar::new(settings.events.clone()).map_err(|error| error.to_string());
        let mut planned = BTreeMap::new();
        let mut forecasts: Vec<(Function, Forecast)> = Vec::new();
        let mut limit = settings.account.limit;
        for one in known {
            let forecast = match &calendar {
                Ok(calendar) => self.forecast(one, settings, calendar, at).await,
                Err(error) => Err(error.clone()),
            };
            match forecast {
                Ok(forecast) => forecasts.push(forecast),
                Err(problem) => {
                    limit = limit.saturating_sub(one.set());
                    planned.insert(one.function.clone(), Err(problem));
                }
            }
        }
        let account = Account { limit, ..settings.account };
        let plans = match plan(&forecasts, &account) {
            Ok(plans) => plans,
            Err(error) => {
                let all = known.iter().map(|one| (one.function.clone(), Err(error.to_string())));
                return all.collect();
            }
        };
        let kept = plans.iter().zip(&forecasts).map(|(plan, (_, forecast))| async move {
            let kept = self.store.keep_plan(&Plan::new(plan, forecast)).await;
            let wanted = plan.slots.first().map_or(0, |slot| slot.set);
            (plan.function.clone(), kept.map(|()| wanted).map_err(|error| format!("the plan could not be kept: {error}")))
        });
        planned.extend(join_all(kept).await);
        planned
    }

    /// A function as it is planned, and its forecast.
    async fn forecast(
        &self,
        known: &Known,
        settings: &Settings,
        calendar: &Calendar,
        at: Timestamp,
    ) -> Result<(Function, Forecast), String> {
        let name = &known.function;
        // Why it can't be read is among the problems already.
        let history = known.history.as_ref().ok_or("without history there is no plan")?;
        let set = known.set();
        let function = Function {
            current: set,
            // What nobody can tell may all be in use.
            in_use: history.in_use(at).unwrap_or(set).min(set),
            ..settings.function(name, history.duration(at), at)
        };
        let series = history.series(at, settings.zone.clone()).map_err(|error| error.to_string())?;
        let learned = match self.store.learned(name).await {
            Ok(learned) => learned,
            // It is learned anew.
            Err(StorageError::Corrupt(_)) => None,
            Err(error) => return Err(format!("what was learned could not be read: {error}")),
        };
        let choice = match learned.filter(|learned| at.duration_since(learned.at) < LEARNED_FOR) {
            Some(learned) => learned.choice,
            None => {
                let choice = Choice::learn(&series, calendar, HORIZON_SLOTS).map_err(|error| error.to_string())?;
                let learned = Learned { at, choice };
                let kept = self.store.keep_learned(name, &learned).await;
                kept.map_err(|error| format!("what was learned could not be kept: {error}"))?;
                learned.choice
            }
        };
        let forecast = Forecast::make(&series, calendar, &choice, at, HORIZON_SLOTS).map_err(|error| error.to_string())?;
        Ok((function, forecast))
    }

    /// Decides for one function, does it, and keeps the decision.
    async fn carry_out(
        &self,
        known: Known,
        planned: &BTreeMap<String, Result<u32, String>>,
        settings: &Settings,
        at: Timestamp,
    ) -> Decision {
        let Known { function, history, reported, before, mut problems } = known;
        let wanted = match planned.get(&function) {
            Some(Ok(wanted)) => Some(*wanted),
            Some(Err(problem)) => {
                problems.push(problem.clone());
                None
            }
            None => None,
        };
        let mut decision = Decision::make(Situation {
            function: &function,
            at,
            mode: settings.mode,
            wanted,
            reported,
            in_use: history.and_then(|history| history.in_use(at)),
            overridden_until: settings.override_of(&function, at).map(|set| set.until),
            before: before.as_ref(),
        });
        decision.problems.extend(problems);
        if let Some(setting) = decision.setting()
            && let Err(error) = self.capacity.set(&function, setting).await
        {
            decision.problems.push(format!("provisioned concurrency could not be set: {error}"));
        }
        if self.queued.contains(&function)
            && let Err(error) = self.raise_ceiling(&mut decision, settings).await
        {
            decision.problems.push(format!("the queue's maximum concurrency could not be set: {error}"));
        }
        if let Err(error) = self.store.keep_decision(&decision).await {
            decision.problems.push(format!("the decision could not be kept: {error}"));
        }
        decision
    }

    async fn raise_ceiling(&self, decision: &mut Decision, settings: &Settings) -> Result<(), StorageError> {
        let Some(ceiling) = self.capacity.ceiling(&decision.function).await? else { return Ok(()) };
        decision.ceiling = ceiling.maximum;
        let max = settings.tuning(&decision.function).max;
        if let (Mode::Apply, Some(maximum)) = (settings.mode, decision.ceiling_for(ceiling.maximum, max)) {
            self.capacity.set_ceiling(&ceiling.mapping, maximum).await?;
            decision.ceiling = Some(maximum);
        }
        Ok(())
    }
}

impl Known {
    /// What is set, as Lambda reports it, or as it did at the last tick.
    fn set(&self) -> u32 {
        let before = self.before.as_ref().and_then(|before| before.reported.as_ref());
        self.reported.as_ref().or(before).map_or(0, |reported| reported.requested)
    }
}

/// What a history does not have of the slots that a feed told of a window: with the window's days, so that they count as seen.
fn fresh(history: &History, slots: &BTreeMap<Timestamp, Observed>, since: Timestamp, until: Timestamp) -> History {
    let mut fresh = History::default();
    let known = |at: &Timestamp| {
        let (day, place) = slot_of(*at);
        history.days.get(&day).and_then(|day| day.get(&place))
    };
    let news = slots.iter().filter(|(at, observed)| known(at) != Some(observed));
    fresh.take_in(&news.map(|(at, observed)| (*at, *observed)).collect());
    let (first, _) = slot_of(since);
    let (last, _) = slot_of(until - SignedDuration::from_secs(SLOT.seconds()));
    for day in (first..=last).filter(|day| !history.days.contains_key(day)) {
        fresh.days.entry(day).or_default();
    }
    fresh
}

impl Plan {
    /// A plan of the forecast that it rests on, as it is kept. Load in tenths of a request, which says enough.
    pub(crate) fn new(plan: &carryout_forecast::Plan, forecast: &Forecast) -> Self {
        let tenths = |load: f64| (load * 10.0).round() / 10.0;
        let loads = |of: &dyn Fn(usize) -> f64| (0..forecast.len()).map(|index| tenths(of(index))).collect();
        Self {
            function: plan.function.clone(),
            start: forecast.start(),
            expected: loads(&|index| forecast.expected(index)),
            low: loads(&|index| forecast.quantile(index, 0.05)),
            high: loads(&|index| forecast.quantile(index, 0.95)),
            set: plan.slots.iter().map(|slot| slot.set).collect(),
            cut: plan.slots.iter().filter(|slot| slot.cut).count(),
            quantile: plan.quantile,
            cost: plan.cost,
            on_demand: plan.on_demand,
            premium: plan.premium(),
            rests_on: forecast.explain(),
        }
    }
}
