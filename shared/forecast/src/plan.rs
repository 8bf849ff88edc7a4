//! Capacity plans: how much provisioned concurrency is set when, for every function of an account.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::forecast::{Feed, Forecast};
use crate::margin::Margin;
use crate::price::Price;

/// Quantiles at which expected costs are added up, in the middle of as many equal parts.
const COST_POINTS: usize = 10;

/// What a function needs, and what it may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Functions with a higher priority get their environments first; among equals, those that are listed first.
    #[serde(default)]
    pub priority: i32,
    /// How long a request keeps an environment busy, in seconds: the mean.
    pub duration: f64,
    /// Its memory in GB, which its environments cost by.
    #[serde(default = "one")]
    pub memory: f64,
    /// The quantile of demand to provide for, above 0 and below 1. Without it, the one that costs least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// What is added for the ups and downs inside a slot.
    #[serde(default = "poisson")]
    pub margin: Margin,
    /// The fewest environments, whatever is forecast.
    #[serde(default)]
    pub min: u32,
    /// The most environments.
    pub max: u32,
    /// The most environments that a slot may have more or fewer than the one before. Without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What is set now.
    #[serde(default)]
    pub current: u32,
    /// What is in use now: the plan's first slot is not below it.
    #[serde(default)]
    pub in_use: u32,
    /// A number that an operator has set for some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Pinned>,
}

/// What an operator has set, whatever is forecast and whatever the function's minimum, maximum and step are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The environments.
    pub concurrency: u32,
    /// When the plan counts again.
    pub until: Timestamp,
}

fn one() -> f64 {
    1.0
}

fn poisson() -> Margin {
    Margin::Poisson
}

/// What holds for all functions of an account in a region.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The most environments that all functions may have together.
    pub limit: u32,
    /// How long Lambda takes from a setting to ready environments; they are set so much earlier.
    pub lead: SignedDuration,
    /// Capacity that is needed again within this time is kept: provisioned concurrency is billed by five minutes, and what is
    /// released for less is paid twice.
    pub hold: SignedDuration,
    /// What environments cost.
    pub price: Price,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A function's numbers make no sense.
    #[error("function `{function}`: `{field}` is wrong; {advice}")]
    Function {
        /// The function.
        function: String,
        /// The number.
        field: &'static str,
        /// What it should be.
        advice: &'static str,
    },
    /// Forecasts are not of the same slots.
    #[error(
        "the forecast for `{function}` has other slots than the first one; forecast all functions from the same moment, as far"
    )]
    Slots {
        /// The function.
        function: String,
    },
}

/// One slot of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Planned {
    /// When the slot begins.
    pub at: Timestamp,
    /// The mean concurrency that is expected.
    pub demand: f64,
    /// What the quantile and the margin ask for, within the function's maximum and the account's limit.
    pub needed: u32,
    /// What is set: ready after the account's lead.
    pub set: u32,
    /// Whether the account's limit left less than the function asked for.
    pub cut: bool,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Set provisioned concurrency to this number, above zero.
    Provision(u32),
    /// Delete the setting: Lambda has no provisioned concurrency of zero.
    Delete,
}

/// One function's plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The function.
    pub function: String,
    /// The quantile that it provides for.
    pub quantile: f64,
    /// Its slots.
    pub slots: Vec<Planned>,
    /// What it is expected to cost, in USD without request fees.
    pub cost: f64,
    /// What the same demand would cost with no provisioned concurrency.
    pub on_demand: f64,
    /// What it would cost at the quantile that costs least, without margin, minimum or any other limit. What `cost` is
    /// above it buys latency.
    pub least: f64,
    /// What was set before the plan.
    #[serde(skip)]
    before: u32,
}

impl Plan {
    /// What is paid for latency: the expected cost above the least one, in USD.
    pub fn premium(&self) -> f64 {
        self.cost - self.least
    }

    /// The changes to make, and when.
    pub fn changes(&self) -> Vec<(Timestamp, Setting)> {
        let mut before = self.before;
        let changes = self.slots.iter().filter_map(|slot| {
            let changed = slot.set != before;
            before = slot.set;
            changed.then_some((slot.at, if slot.set == 0 { Setting::Delete } else { Setting::Provision(slot.set) }))
        });
        changes.collect()
    }
}

/// Plans all functions of an account. The plans are in the order of the functions.
pub fn plan(functions: &[(Function, Forecast)], account: &Account) -> Result<Vec<Plan>, PlanError> {
    let Some((_, first)) = functions.first() else { return Ok(Vec::new()) };
    for (function, forecast) in functions {
        function.check()?;
        if (forecast.len(), forecast.start(), forecast.slot()) != (first.len(), first.start(), first.slot()) {
            return Err(PlanError::Slots { function: function.name.clone() });
        }
    }
    let mut order: Vec<usize> = (0..functions.len()).collect();
    order.sort_by_key(|index| functions.get(*index).map(|(function, _)| -i64::from(function.priority)));
    // What operators set and every function's minimum come first, then what the more important ones need.
    let mut unpromised = account.limit;
    let mut promised = vec![0; functions.len()];
    for index in &order {
        if let (Some((function, _)), Some(promise)) = (functions.get(*index), promised.get_mut(*index)) {
            *promise = function.pinned_at(first.start()).unwrap_or(0).max(function.min).min(unpromised);
            unpromised -= *promise;
        }
    }
    let mut left = vec![unpromised; first.len()];
    let mut plans: Vec<Option<Plan>> = vec![None; functions.len()];
    for index in order {
        let (Some((function, forecast)), Some(promise)) = (functions.get(index), promised.get(index)) else { continue };
        let caps: Vec<u32> = left.iter().map(|left| left + promise).collect();
        let plan = one_plan(function, forecast, account, &caps);
        for (left, (cap, slot)) in left.iter_mut().zip(caps.iter().zip(&plan.slots)) {
            *left = (cap - slot.set).min(*left);
        }
        plans.iter_mut().skip(index).take(1).for_each(|place| *place = Some(plan.clone()));
    }
    Ok(plans.into_iter().flatten().collect())
}

fn one_plan(function: &Function, forecast: &Forecast, account: &Account, caps: &[u32]) -> Plan {
    let per_second = 1.0 / forecast.slot().seconds() as f64;
    // Little's law: requests under way = arrival rate × time under way.
    let concurrency = |load: f64| load * per_second * function.duration;
    let quantile = function.quantile.unwrap_or_else(|| account.price.quantile());
    let floor = if forecast.feed() == Feed::Stopped { function.current } else { 0 };
    let slots = 0..forecast.len();
    let needed: Vec<u32> = slots
        .clone()
        .map(|index| {
            let demand = concurrency(forecast.quantile(index, quantile));
            function.margin.environments(demand, quantile, function.max.min(account.limit)).max(floor)
        })
        .collect();
    let at = |index: usize| forecast.start() + forecast.slot_duration() * i32::try_from(index).unwrap_or(i32::MAX);
    let pinned = slots.clone().take_while(|index| function.pinned_at(at(*index)).is_some()).count();
    let ahead = Ahead { lead: lead_slots(forecast, account.lead), hold: lead_slots(forecast, account.hold), pinned };
    let set = path(function, &needed, caps, ahead);
    let planned = slots.clone().zip(needed.iter().zip(&set).zip(caps)).map(|(index, ((needed, set), cap))| Planned {
        at: at(index),
        demand: concurrency(forecast.expected(index)),
        needed: *needed,
        set: *set,
        cut: (*needed).clamp(function.min, function.max) > *cap,
    });
    let planned = planned.collect();
    let gb_seconds = function.memory * forecast.slot().seconds() as f64;
    let best = account.price.quantile();
    let (mut cost, mut on_demand, mut least) = (0.0, 0.0, 0.0);
    for (index, set) in slots.zip(&set) {
        let optimum = if best > 0.0 { concurrency(forecast.quantile(index, best)) } else { 0.0 };
        for point in 0..COST_POINTS {
            let share = (point as f64 + 0.5) / COST_POINTS as f64;
            let demand = concurrency(forecast.quantile(index, share));
            cost += account.price.cost(demand, f64::from(*set));
            on_demand += account.price.cost(demand, 0.0);
            least += account.price.cost(demand, optimum);
        }
    }
    let usd = |sum: f64| sum * gb_seconds / COST_POINTS as f64;
    Plan {
        function: function.name.clone(),
        quantile,
        slots: planned,
        cost: usd(cost),
        on_demand: usd(on_demand),
        least: usd(least),
        before: function.current,
    }
}

fn lead_slots(forecast: &Forecast, duration: SignedDuration) -> usize {
    if duration.is_positive() { forecast.slot().covering(duration) } else { 0 }
}

/// How many slots a plan looks ahead.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    /// For what has to be ready then.
    lead: usize,
    /// For what is needed again.
    hold: usize,
    /// In which an operator's number counts.
    pinned: usize,
}

/// What is set in each slot, so that what is needed is ready in time and no limit is broken.
///
/// The account's limit is the strongest, then, in the first slot, what is in use, then an operator's number, then the function's own minimum and maximum, then the largest
/// step, then the need.
fn path(function: &Function, needed: &[u32], caps: &[u32], Ahead { lead, hold, pinned }: Ahead) -> Vec<u32> {
    let within = |index: usize, value: u32| {
        let own = match function.pinned {
            Some(Pinned { concurrency, .. }) if index < pinned => concurrency,
            _ => value.clamp(function.min, function.max),
        };
        own.min(caps.get(index).copied().unwrap_or(0))
    };
    let most_of =
        |values: &[u32], from: usize, slots: usize| values.iter().skip(from).take(slots + 1).max().copied().unwrap_or(0);
    let mut wanted: Vec<u32> = (0..needed.len()).map(|index| within(index, most_of(needed, index, lead))).collect();
    let step = function.step.unwrap_or(u32::MAX);
    // A rise that is larger than a step begins earlier.
    for index in (1..wanted.len()).rev() {
        let after = wanted.get(index).copied().unwrap_or(0);
        let least = within(index - 1, after.saturating_sub(step));
        wanted.iter_mut().skip(index - 1).take(1).for_each(|value| *value = least.max(*value));
    }
    let mut before = function.current;
    let mut set = Vec::with_capacity(wanted.len());
    for (index, value) in wanted.iter().enumerate() {
        let kept = before.min(most_of(&wanted, index, hold));
        let stepped = (*value).max(kept).clamp(before.saturating_sub(step), before.saturating_add(step));
        let in_use = if index == 0 { function.in_use.min(caps.first().copied().unwrap_or(0)) } else { 0 };
        before = within(index, stepped).max(in_use);
        set.push(before);
    }
    set
}

impl Function {
    /// A function with what a file leaves out: a gigabyte of memory, a Poisson margin, the quantile that costs least, no minimum,
    /// any step, nothing set and nothing in use.
    pub fn new(name: impl Into<String>, duration: f64, max: u32) -> Self {
        Self {
            name: name.into(),
            priority: 0,
            duration,
            memory: one(),
            quantile: None,
            margin: poisson(),
            min: 0,
            max,
            step: None,
            current: 0,
            in_use: 0,
            pinned: None,
        }
    }

    /// What an operator has set for a moment.
    fn pinned_at(&self, at: Timestamp) -> Option<u32> {
        self.pinned.filter(|pinned| at < pinned.until).map(|pinned| pinned.concurrency)
    }

    fn check(&self) -> Result<(), PlanError> {
        let wrong = |field, advice| Err(PlanError::Function { function: self.name.clone(), field, advice });
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        match self {
            Self { duration, .. } if !(duration.is_finite() && *duration > 0.0) => wrong("duration", "it is in seconds, above 0"),
            Self { memory, .. } if !(memory.is_finite() && *memory > 0.0) => wrong("memory", "it is in GB, above 0"),
            Self { quantile: Some(quantile), .. } if !is_share(*quantile) => wrong("quantile", "it is above 0 and below 1"),
            Self { margin: Margin::Erlang { overflow }, .. } if !is_share(*overflow) => {
                wrong("margin", "the overflow is above 0 and below 1")
            }
            Self { min, max, .. } if min > max => wrong("min", "it is at most `max`"),
            Self { step: Some(0), .. } => wrong("step", "it is at least 1; leave it out for any step"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(min: u32, max: u32, step: Option<u32>, current: u32) -> Function {
        Function { margin: Margin::None, min, step, current, ..Function::new("submit-checkout", 1.0, max) }
    }

    fn ahead(lead: usize, hold: usize) -> Ahead {
        Ahead { lead, hold, pinned: 0 }
    }

    #[test]
    fn an_operators_number_counts_until_its_end() {
        let pinned = Some(Pinned { concurrency: 20, until: Timestamp::MAX });
        let function = Function { pinned, in_use: 3, ..function(0, 9, Some(1), 4) };
        assert_eq!(path(&function, &[1; 4], &[99, 12, 99, 99], Ahead { pinned: 2, ..ahead(0, 0) }), [20, 12, 9, 8]);
        let none = Function { pinned: Some(Pinned { concurrency: 0, until: Timestamp::MAX }), ..function };
        assert_eq!(path(&none, &[9; 3], &[99; 3], Ahead { pinned: 2, ..ahead(0, 0) }), [3, 0, 1]);
    }

    #[test]
    fn environments_are_set_before_they_are_needed() {
        let set = path(&function(0, 99, None, 0), &[0, 0, 0, 7, 7, 0, 0], &[99; 7], ahead(2, 0));
        assert_eq!(set, [0, 7, 7, 7, 7, 0, 0]);
    }

    #[test]
    fn a_rise_that_exceeds_the_step_begins_earlier() {
        let set = path(&function(0, 99, Some(3), 0), &[0, 0, 0, 9, 9, 0, 0, 0], &[99; 8], ahead(0, 0));
        assert_eq!(set, [0, 3, 6, 9, 9, 6, 3, 0]);
    }

    #[test]
    fn capacity_that_is_needed_again_soon_is_kept() {
        let set = path(&function(0, 99, None, 8), &[8, 2, 2, 6, 2, 2, 2, 2], &[99; 8], ahead(0, 2));
        assert_eq!(set, [8, 6, 6, 6, 2, 2, 2, 2]);
    }

    #[test]
    fn the_first_slot_is_not_below_what_is_in_use() {
        let busy = Function { in_use: 5, ..function(0, 99, None, 9) };
        assert_eq!(path(&busy, &[1, 1], &[99; 2], ahead(0, 0)), [5, 1]);
        assert_eq!(path(&busy, &[1, 1], &[3; 2], ahead(0, 0)), [3, 1]);
    }

    #[test]
    fn limits_hold_whatever_is_needed() {
        let set = path(&function(2, 6, None, 0), &[0, 50, 3, 50], &[99, 99, 1, 4], ahead(0, 0));
        assert_eq!(set, [2, 6, 1, 4]);
    }

    #[test]
    fn zero_deletes_the_setting() {
        let slot = |set| Planned { at: Timestamp::UNIX_EPOCH, demand: 0.0, needed: set, set, cut: false };
        let plan = Plan {
            function: "price".to_owned(),
            quantile: 0.4,
            slots: vec![slot(3), slot(3), slot(0)],
            cost: 3.0,
            on_demand: 4.0,
            least: 2.0,
            before: 0,
        };
        let settings: Vec<Setting> = plan.changes().into_iter().map(|(_, setting)| setting).collect();
        assert_eq!(settings, [Setting::Provision(3), Setting::Delete]);
        assert!((plan.premium() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_that_make_no_sense_are_named() {
        let check = |function: Function| match function.check() {
            Err(PlanError::Function { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(check(function(7, 6, None, 0)), "min");
        assert_eq!(check(function(0, 6, Some(0), 0)), "step");
        assert_eq!(check(Function { duration: 0.0, ..function(0, 6, None, 0) }), "duration");
        assert_eq!(check(Function { quantile: Some(1.0), ..function(0, 6, None, 0) }), "quantile");
        assert_eq!(check(Function { margin: Margin::Erlang { overflow: 0.0 }, ..function(0, 6, None, 0) }), "margin");
    }
}
