//! The same days under one policy after another.

use jiff::SignedDuration;
use serde::Serialize;

use crate::backtest::{Settings, backtest};
use crate::event::Calendar;
use crate::forecast::ForecastError;
use crate::local_time::LocalTime;
use crate::margin::Margin;
use crate::methods::Method;
use crate::series::Series;
use crate::simulate::{Environments, Outcome, Policy, simulate};

/// What target tracking aims at: as much as Application Auto Scaling's documentation gives as its example.
const UTILIZATION: f64 = 0.7;
/// Weeks that a static number and a timetable are made from.
const WEEKS: usize = 4;

/// What a policy costs and how long its requests take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The policy: `on_demand`, `static`, `target_tracking`, `scheduled`, `predictive` or `oracle`.
    pub policy: &'static str,
    /// Cost ÷ the cost of `on_demand`.
    pub cost: f64,
    /// What happened to the requests.
    pub outcome: Outcome,
}

/// Plays the last `days` of a series of mean concurrencies under every policy.
///
/// * `on_demand` provisions nothing.
/// * `static` keeps the largest concurrency of the four weeks before.
/// * `target_tracking` follows the use at 70 %.
/// * `scheduled` is a timetable: for each slot of the week, its largest concurrency in those weeks.
/// * `predictive` forecasts each slot from data that ends a slot before it, at `quantile`, with a Poisson margin.
/// * `oracle` knows the concurrency of each slot, and adds the same margin.
pub fn compare(
    demand: &Series,
    calendar: &Calendar,
    days: usize,
    quantile: f64,
    environments: &Environments,
    seed: u64,
) -> Result<Vec<Compared>, ForecastError> {
    let slot = demand.slot();
    let skip_days = (demand.len() / slot.per_day()).saturating_sub(days);
    let first = skip_days * slot.per_day();
    let settings = Settings {
        skip_days,
        horizons: vec![SignedDuration::from_secs(slot.seconds())],
        delay: 1,
        quantile,
        price: environments.price,
    };
    let within = |mean: f64| Margin::Poisson.environments(mean, quantile, u32::MAX);
    let mut predictive = vec![0; demand.len() - first];
    let backtests = backtest(demand, calendar, &settings)?;
    let combined = backtests.iter().filter(|backtest| backtest.score.method == Method::Combined);
    for point in combined.flat_map(|backtest| &backtest.points) {
        predictive.iter_mut().skip(point.index - first).take(1).for_each(|capacity| *capacity = within(point.capacity));
    }
    let time = LocalTime::new(demand, demand.len());
    let known = |index: usize| demand.get(index).unwrap_or(0.0);
    let largest = (first.saturating_sub(WEEKS * slot.per_week())..first).map(known).fold(0.0, f64::max);
    let weeks = days.div_ceil(7);
    let timetable = |index: usize| {
        let same = (1..=WEEKS + weeks).filter_map(|week| time.days_before(index, 7 * week)).filter(|then| *then < first);
        same.take(WEEKS).map(known).fold(0.0, f64::max)
    };
    let played = first..demand.len();
    let schedule = |capacity: &dyn Fn(usize) -> u32| Policy::Schedule(played.clone().map(capacity).collect());
    let policies = [
        ("on_demand", Policy::Schedule(Vec::new())),
        ("static", schedule(&|_| largest.ceil() as u32)),
        ("target_tracking", Policy::TargetTracking(UTILIZATION)),
        ("scheduled", schedule(&|index| timetable(index).ceil() as u32)),
        ("predictive", Policy::Schedule(predictive)),
        ("oracle", schedule(&|index| within(known(index)))),
    ];
    let outcomes = policies.map(|(name, policy)| (name, simulate(demand, first, &policy, environments, seed)));
    let on_demand = outcomes.first().map_or(0.0, |(_, outcome)| outcome.cost);
    let cost = |outcome: &Outcome| if on_demand > 0.0 { outcome.cost / on_demand } else { 1.0 };
    Ok(outcomes.into_iter().map(|(policy, outcome)| Compared { policy, cost: cost(&outcome), outcome }).collect())
}
