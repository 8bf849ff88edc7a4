//! The scaler of the deployed stack: what it knows, decided and set, and what operators tell it.

pub mod demo;

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use carryout_aws::{DynamoScaling, LambdaCapacity};
use carryout_forecast::{Calendar, Event};
use carryout_scaling::{
    Action, Capacity as _, Decision, Mode, Override, Plan, Reported, SETTINGS_KEY, SLOT, ScalingStore as _, Settings, Status,
    Tuning,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::control::Setting;
use crate::forecast::{Chart, Moment};
use crate::stack::Stack;

/// What the scaler of a stack knows.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// What operators set.
    pub settings: Settings,
    /// Each function.
    pub functions: Vec<FunctionShown>,
}

/// What the scaler knows of a function.
#[derive(Debug, Serialize)]
pub struct FunctionShown {
    /// The function.
    pub function: String,
    /// Provisioned concurrency as Lambda reports it now.
    pub reported: Reported,
    /// An operator's number, while it lasts.
    pub r#override: Option<Override>,
    /// The newest decision.
    pub decision: Option<Decision>,
    /// The newest plan.
    pub plan: Option<Plan>,
}

/// What an operator changes.
#[derive(Debug)]
pub enum Change {
    /// The mode.
    Mode(Mode),
    /// A number for a function, for some time.
    Override(String, Override),
    /// The plan counts again for a function.
    Release(String),
    /// How a function is planned.
    Tune(String, TuningChange),
    /// The most environments that all functions may have together.
    Limit(u32),
    /// Whose days and weeks demand follows.
    Zone(TimeZone),
    /// Holidays, promotions, closures: in place of those before.
    Events(Vec<Event>),
}

/// What an operator changes of how a function is planned; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct TuningChange {
    /// Functions with a higher priority get their environments first.
    pub priority: Option<i32>,
    /// The quantile of demand to provide for.
    pub quantile: Option<f64>,
    /// The fewest environments.
    pub min: Option<u32>,
    /// The most environments.
    pub max: Option<u32>,
    /// The most environments that five minutes may add or remove.
    pub step: Option<u32>,
}

/// What the scaler knows now, of one function or of all.
pub async fn show(stack: &Stack, function: Option<&str>) -> Result<Shown> {
    let aws = stack.aws().await;
    let store = DynamoScaling::new(&aws, stack.output("ScalingTable")?);
    let capacity = LambdaCapacity::new(&aws, stack.output("FunctionPrefix")?);
    let (settings, _) = setting(stack).await?.read::<Settings>().await?;
    let mut functions = Vec::new();
    for name in scaled(stack)?.into_iter().filter(|name| function.is_none_or(|wanted| name == wanted)) {
        let (plan, decision, reported) =
            futures::try_join!(store.plan(&name), store.decision(&name), capacity.reported(&name)).context(UNREACHABLE)?;
        let r#override = settings.override_of(&name, Timestamp::now()).cloned();
        functions.push(FunctionShown { function: name, reported, r#override, decision, plan });
    }
    if let Some(wanted) = function {
        ensure!(!functions.is_empty(), "{wanted} is not scaled; there are {}", scaled(stack)?.join(", "));
    }
    Ok(Shown { settings, functions })
}

const UNREACHABLE: &str = "the scaler's store can't be read; is the stack deployed and the local cloud up?";

/// Changes what the scaler is told, all of it or nothing, and returns what it then is. It counts from the next tick on, within five minutes.
///
/// # Errors
///
/// Where the change makes no sense, or somebody else changed something at the same moment.
pub async fn change(stack: &Stack, changes: Vec<Change>, now: Timestamp) -> Result<Settings> {
    let setting = setting(stack).await?;
    let (mut settings, version): (Settings, _) = setting.read().await?;
    let scaled = scaled(stack)?;
    for change in changes {
        apply(&mut settings, change, &scaled, now)?;
    }
    setting.write(&settings, version).await?;
    Ok(settings)
}

fn apply(settings: &mut Settings, change: Change, scaled: &[String], now: Timestamp) -> Result<()> {
    let known = |function: &String| {
        ensure!(scaled.contains(function), "{function} is not scaled; there are {}", scaled.join(", "));
        Ok(())
    };
    // What has ended tells nobody anything.
    settings.overrides.retain(|_, set| set.until > now);
    match change {
        Change::Mode(mode) => settings.mode = mode,
        Change::Override(function, set) => {
            known(&function)?;
            let limit = settings.account.limit;
            ensure!(set.concurrency <= limit, "{} is more than the account's limit of {limit}", set.concurrency);
            ensure!(set.until > now, "{} is past; an override ends in the future", set.until);
            settings.overrides.insert(function, set);
        }
        Change::Release(function) => {
            known(&function)?;
            if settings.overrides.remove(&function).is_none() {
                bail!("{function} has no override");
            }
        }
        Change::Tune(function, tuning) => {
            known(&function)?;
            let before = settings.tuning(&function);
            let TuningChange { priority, quantile, min, max, step } = tuning;
            let tuning = Tuning {
                priority: priority.unwrap_or(before.priority),
                quantile: quantile.or(before.quantile),
                min: min.unwrap_or(before.min),
                max: max.unwrap_or(before.max),
                step: step.or(before.step),
                ..before
            };
            ensure!(tuning.min <= tuning.max, "the minimum of {} is more than the maximum of {}", tuning.min, tuning.max);
            settings.functions.insert(function, tuning);
        }
        Change::Limit(limit) => settings.account.limit = limit,
        Change::Zone(zone) => settings.zone = zone,
        Change::Events(events) => {
            Calendar::new(events.clone())?;
            settings.events = events;
        }
    }
    Ok(())
}

/// A function's plan, with its band.
pub fn plan_chart(shown: &FunctionShown, zone: &TimeZone) -> Chart {
    let moments = shown.plan.iter().flat_map(|plan| {
        let at = move |index: usize| plan.start + SignedDuration::from_secs(SLOT.seconds() * i64::try_from(index).unwrap_or(0));
        let bands = plan.low.iter().zip(&plan.expected).zip(&plan.high).enumerate();
        bands.map(move |(index, ((low, expected), high))| Moment {
            at: at(index),
            load: None,
            forecast: Some((*low, *expected, *high)),
            set: None,
        })
    });
    Chart { title: format!("{}: requests in five minutes", shown.function), zone: zone.clone(), moments: moments.collect() }
}

fn scaled(stack: &Stack) -> Result<Vec<String>> {
    Ok(stack.output("ScaledFunctions")?.split(',').map(str::to_owned).collect())
}

async fn setting(stack: &Stack) -> Result<Setting> {
    Setting::of(stack, SETTINGS_KEY, "the scaler's settings", "carryout forecast apply clear").await
}

/// Every setting as it was after the deployment.
pub async fn clear(stack: &Stack) -> Result<Settings> {
    setting(stack).await?.clear().await
}

impl Shown {
    /// As a table for people.
    pub fn table(&self, now: Timestamp) -> String {
        let mut text = format!("{}\n\n", describe(&self.settings));
        let _ = writeln!(
            text,
            "{:<18} {:>10} {:>9} {:<16} {:<22} {:>6} {:<22}",
            "function", "requests/s", "plan now", "next change", "Lambda reports", "in use", "last decision"
        );
        for shown in &self.functions {
            text.push_str(&shown.row(now, &self.settings.zone));
        }
        text
    }
}

impl FunctionShown {
    fn row(&self, now: Timestamp, zone: &TimeZone) -> String {
        let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
        let ahead = self.plan.as_ref().map(|plan| Ahead::of(plan, now));
        let requests = ahead.as_ref().and_then(|ahead| ahead.expected).map_or("-".to_owned(), |load| format!("{load:.2}"));
        let planned = ahead.as_ref().and_then(|ahead| ahead.set).map_or("-".to_owned(), |set| set.to_string());
        let next = ahead.and_then(|ahead| ahead.next).map_or("-".to_owned(), |(at, set)| format!("{} to {set}", clock(at)));
        let in_use =
            self.decision.as_ref().and_then(|decision| decision.in_use).map_or("?".to_owned(), |count| count.to_string());
        let decided = self.decision.as_ref().map_or("none yet".to_owned(), |decision| {
            let done = match decision.action {
                Action::Keep => "kept".to_owned(),
                Action::Set(count) => format!("set {count}"),
                Action::WouldSet(count) => format!("would set {count}"),
            };
            format!("{} {done}", clock(decision.at))
        });
        let reported = describe_reported(&self.reported);
        let mut text =
            format!("{:<18} {requests:>10} {planned:>9} {next:<16} {reported:<22} {in_use:>6} {decided:<22}\n", self.function);
        if let Some(Override { concurrency, until, reason }) = &self.r#override {
            let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let _ = writeln!(text, "  an operator set {concurrency} until {until}{why}");
        }
        if let Some(maximum) = self.decision.as_ref().and_then(|decision| decision.ceiling) {
            let _ = writeln!(text, "  its queue: at most {maximum} batches at once");
        }
        for problem in self.decision.iter().flat_map(|decision| &decision.problems) {
            let _ = writeln!(text, "  problem: {problem}");
        }
        text
    }
}

/// What a plan says from a moment on.
struct Ahead {
    /// Requests per second.
    expected: Option<f64>,
    set: Option<u32>,
    next: Option<(Timestamp, u32)>,
}

impl Ahead {
    fn of(plan: &Plan, now: Timestamp) -> Self {
        let seconds = now.as_second().saturating_sub(plan.start.as_second());
        let index = usize::try_from(seconds.div_euclid(SLOT.seconds())).unwrap_or(0);
        let set = plan.set.get(index).copied();
        let later = plan.set.iter().enumerate().skip(index);
        let next = later.map(|(index, count)| (index, *count)).find(|(_, count)| Some(*count) != set);
        let at = |index: usize| plan.start + SignedDuration::from_secs(SLOT.seconds() * i64::try_from(index).unwrap_or(0));
        Self {
            expected: plan.expected.get(index).map(|load| load / SLOT.seconds() as f64),
            set,
            next: next.map(|(index, count)| (at(index), count)),
        }
    }
}

/// Provisioned concurrency as Lambda reports it, in words.
pub fn describe_reported(reported: &Reported) -> String {
    let Reported { requested, allocated, status, .. } = reported;
    match status {
        Status::Unset => "nothing set".to_owned(),
        Status::Ready => format!("{allocated} of {requested} ready"),
        Status::InProgress => format!("{allocated} of {requested} so far"),
        Status::Failed => format!("{requested} failed"),
    }
}

/// The settings in words.
pub fn describe(settings: &Settings) -> String {
    let Settings { mode, zone, account, functions, overrides, events } = settings;
    let zone = zone.iana_name().unwrap_or("UTC");
    let mut text = format!("mode {mode}, at most {} environments, days of {zone}", account.limit);
    for (function, tuning) in functions {
        let Tuning { priority, min, max, .. } = tuning;
        let quantile = tuning.quantile.map_or("the cheapest quantile".to_owned(), |quantile| format!("quantile {quantile}"));
        let _ = write!(text, "\n{function:<18} {min} to {max}, priority {priority}, {quantile}");
    }
    for (function, Override { concurrency, until, reason }) in overrides {
        let why = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let _ = write!(text, "\n{function:<18} {concurrency} until {until}{why}");
    }
    if !events.is_empty() {
        let _ = write!(text, "\n{} events in the calendar", events.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKOUT: &str = "submit-checkout";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-02-03T17:30Z")
    }

    fn changed(settings: &mut Settings, change: Change) -> Result<()> {
        apply(settings, change, &[CHECKOUT.to_owned()], now())
    }

    fn pinned(concurrency: u32, until: &str) -> Change {
        Change::Override(CHECKOUT.to_owned(), Override { concurrency, until: at(until), reason: Some("derby".to_owned()) })
    }

    #[test]
    fn an_override_has_an_end_and_goes_with_it() {
        let mut settings = Settings::default();
        changed(&mut settings, pinned(20, "2026-02-03T19:30Z")).unwrap();
        assert!(
            describe(&settings).contains("submit-checkout    20 until 2026-02-03T19:30:00Z (derby)"),
            "{}",
            describe(&settings)
        );
        assert!(changed(&mut settings, pinned(20, "2026-02-03T17:00Z")).unwrap_err().to_string().contains("is past"));
        assert!(changed(&mut settings, pinned(999, "2026-02-03T19:30Z")).unwrap_err().to_string().contains("limit of 400"));
        apply(&mut settings, Change::Mode(Mode::Apply), &[], at("2026-02-03T20:00Z")).unwrap();
        assert!(settings.overrides.is_empty() && settings.mode == Mode::Apply);
        assert!(changed(&mut settings, Change::Release(CHECKOUT.to_owned())).unwrap_err().to_string().contains("no override"));
    }

    #[test]
    fn what_is_not_given_of_a_tuning_stays() {
        let mut settings = Settings::default();
        let tune = |change| Change::Tune(CHECKOUT.to_owned(), change);
        changed(&mut settings, tune(TuningChange { quantile: Some(0.9), ..TuningChange::default() })).unwrap();
        changed(&mut settings, tune(TuningChange { min: Some(2), ..TuningChange::default() })).unwrap();
        let tuning = settings.tuning(CHECKOUT);
        assert_eq!((tuning.quantile, tuning.min, tuning.max), (Some(0.9), 2, 100));
        let wrong = changed(&mut settings, tune(TuningChange { max: Some(1), ..TuningChange::default() })).unwrap_err();
        assert!(wrong.to_string().contains("the minimum of 2"), "{wrong}");
    }

    #[test]
    fn what_is_not_scaled_is_refused() {
        let error = changed(&mut Settings::default(), Change::Release("track-order".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "track-order is not scaled; there are submit-checkout");
    }

    #[test]
    fn a_row_says_what_is_planned_reported_and_wrong() {
        let plan = Plan {
            function: CHECKOUT.to_owned(),
            start: now(),
            expected: vec![300.0, 600.0, 600.0],
            low: vec![0.0; 3],
            high: vec![0.0; 3],
            set: vec![2, 3, 3],
            cut: 0,
            quantile: 0.4,
            cost: 1.0,
            on_demand: 1.0,
            premium: 0.0,
            rests_on: String::new(),
        };
        let reported = Reported { requested: 2, allocated: 2, status: Status::Ready, reason: None };
        let shown = FunctionShown { function: CHECKOUT.to_owned(), reported, r#override: None, decision: None, plan: Some(plan) };
        let row = shown.row(now(), &TimeZone::UTC);
        assert!(row.contains("1.00         2 17:35 to 3       2 of 2 ready"), "{row}");
    }
}
