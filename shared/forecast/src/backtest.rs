//! Rolling-origin backtests: what forecasts of the past would have been worth.

use jiff::SignedDuration;
use serde::Serialize;

use crate::event::Calendar;
use crate::forecast::{ForecastError, check_horizon, with_events};
use crate::learn::Walk;
use crate::local_time::LocalTime;
use crate::methods::{Method, Past, mask};
use crate::price::Price;
use crate::series::Series;

/// The mean concurrency that costs are computed at: provisioned concurrency comes in whole environments, so a cost depends
/// on how many there are.
pub const MEAN_CONCURRENCY: f64 = 100.0;

/// What to backtest.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Days before the first slot that is scored.
    pub skip_days: usize,
    /// How far each forecast goes, from a slot to six days less the delay.
    pub horizons: Vec<SignedDuration>,
    /// Slots between the end of the data and the first slot forecast.
    pub delay: usize,
    /// The quantile that capacity is provisioned at, from 0 to 1.
    pub quantile: f64,
    /// What environments cost.
    pub price: Price,
}

/// What a method was worth at a horizon, over all slots up to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The method.
    pub method: Method,
    /// The horizon in hours.
    pub horizon_h: f64,
    /// Sum of absolute errors ÷ sum of load.
    pub wape: f64,
    /// Mean pinball loss of the 95 % quantile ÷ mean load.
    pub pinball95: f64,
    /// Sum of errors (forecast − load) ÷ sum of load.
    pub bias: f64,
    /// Share of slots whose load exceeded the capacity.
    pub slots_short: f64,
    /// Share of the load that exceeded the capacity.
    pub demand_short: f64,
    /// Capacity that was not used ÷ load.
    pub over: f64,
    /// Cost ÷ the cost of running everything on demand.
    pub cost: f64,
}

/// One slot of a backtest, as a chart shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How many slots were known when it was forecast.
    pub origin: usize,
    /// The slot.
    pub index: usize,
    /// What arrived.
    pub load: f64,
    /// What was forecast.
    pub expected: f64,
    /// The 5 % quantile.
    pub low: f64,
    /// The 95 % quantile.
    pub high: f64,
    /// The quantile that capacity is provisioned at.
    pub capacity: f64,
}

/// The scores of a method at a horizon, with every slot they come from.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// What it was worth.
    pub score: Score,
    /// The slots, in order of time.
    pub points: Vec<Point>,
}

/// Forecasts every slot after the first `skip_days` once for each method and horizon, from an origin at most the horizon
/// before it, and compares.
///
/// Origins are a horizon apart; those of whole days are at local midnight. Between them the methods learn every hour.
pub fn backtest(series: &Series, calendar: &Calendar, settings: &Settings) -> Result<Vec<Backtest>, ForecastError> {
    let mut backtests = Vec::new();
    for horizon in &settings.horizons {
        backtests.extend(at_horizon(series, calendar, settings, series.slot().covering(*horizon))?);
    }
    Ok(backtests)
}

fn at_horizon(series: &Series, calendar: &Calendar, settings: &Settings, horizon: usize) -> Result<Vec<Backtest>, ForecastError> {
    let whole = horizon + settings.delay;
    check_horizon(series, whole)?;
    let past = Past::new(series, calendar, whole);
    let slot = series.slot();
    let first = (settings.skip_days * slot.per_day()).min(series.len());
    let step = (slot.per_day() / 24).clamp(1, horizon.max(1));
    let learned_from = slot.per_week().min(first.saturating_sub(settings.delay));
    let scored = origins(&past.time, first, series.len(), horizon);
    let mut walk = Walk::new(&past, Method::ALL.map(mask).to_vec(), learned_from, whole, step);
    let mut points: Vec<Vec<Point>> = vec![Vec::new(); Method::ALL.len()];
    let mut next = scored.iter().filter_map(|start| start.checked_sub(settings.delay)).peekable();
    let mut learning = (learned_from..series.len()).step_by(step).peekable();
    while let Some(origin) = next.peek().copied() {
        while let Some(earlier) = learning.next_if(|learned| *learned < origin) {
            walk.visit(earlier);
        }
        learning.next_if_eq(&origin);
        next.next();
        let views = walk.visit(origin).to_vec();
        for (method, (points, view)) in points.iter_mut().zip(views).enumerate() {
            let (expected, spreads) = with_events(&view, &past.events, origin, past.slot_seconds);
            let [low, high, capacity] = [0.05, 0.95, settings.quantile].map(|share| walk.quantile(method, share));
            for ahead in settings.delay..whole {
                let index = origin + ahead;
                // A day of 23 hours ends before its forecast does.
                if points.last().is_some_and(|last| last.index >= index) {
                    continue;
                }
                let (Some(load), Some(expected), Some(spread)) = (series.get(index), expected.get(ahead), spreads.get(ahead))
                else {
                    continue;
                };
                let at = |errors: &[f64]| (expected + spread * errors.get(ahead).copied().unwrap_or(0.0)).max(0.0);
                let (low, high, capacity) = (at(&low), at(&high), at(&capacity));
                points.push(Point { origin, index, load, expected: *expected, low, high, capacity });
            }
        }
    }
    let hours = (horizon as i64 * slot.seconds()) as f64 / 3600.0;
    let scored = Method::ALL.into_iter().zip(points);
    Ok(scored.map(|(method, points)| Backtest { score: score(method, hours, &points, &settings.price), points }).collect())
}

/// The first slots of the forecasts that are scored.
fn origins(time: &LocalTime, first: usize, end: usize, horizon: usize) -> Vec<usize> {
    let days = horizon / time.per_day();
    if days > 0 && horizon.is_multiple_of(time.per_day()) {
        (first..end).filter(|index| time.begins_day(*index)).step_by(days).collect()
    } else {
        (first..end).step_by(horizon).collect()
    }
}

fn score(method: Method, horizon_h: f64, points: &[Point], price: &Price) -> Score {
    let load: f64 = points.iter().map(|point| point.load).sum();
    let of_load = |part: f64| if load > 0.0 { part / load } else { 0.0 };
    let sum = |part: &dyn Fn(&Point) -> f64| of_load(points.iter().map(part).sum());
    let capacities: Vec<(f64, f64)> = scaled(points, load).collect();
    let scaled_load: f64 = capacities.iter().map(|(load, _)| load).sum();
    let of_scaled = |part: f64| if scaled_load > 0.0 { part / scaled_load } else { 0.0 };
    let short = capacities.iter().filter(|(load, capacity)| load > capacity).count();
    Score {
        method,
        horizon_h,
        wape: sum(&|point| (point.expected - point.load).abs()),
        pinball95: sum(&|point| pinball(point.load, point.high, 0.95)),
        bias: sum(&|point| point.expected - point.load),
        slots_short: if points.is_empty() { 0.0 } else { short as f64 / points.len() as f64 },
        demand_short: of_scaled(capacities.iter().map(|(load, capacity)| (load - capacity).max(0.0)).sum()),
        over: of_scaled(capacities.iter().map(|(load, capacity)| (capacity - load).max(0.0)).sum()),
        cost: price.ratio(capacities),
    }
}

/// Load and capacity of each slot in environments, at a mean of [`MEAN_CONCURRENCY`].
fn scaled(points: &[Point], load: f64) -> impl Iterator<Item = (f64, f64)> {
    let factor = if load > 0.0 { MEAN_CONCURRENCY * points.len() as f64 / load } else { 0.0 };
    points.iter().map(move |point| (point.load * factor, (point.capacity * factor).ceil()))
}

/// The loss of a quantile: what was above it costs `share`, what was below it 1 − `share`.
fn pinball(load: f64, quantile: f64, share: f64) -> f64 {
    let above = load - quantile;
    if above > 0.0 { share * above } else { (share - 1.0) * above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_that_is_exceeded_costs_its_share() {
        assert!((pinball(12.0, 10.0, 0.95) - 1.9).abs() < 1e-12);
        assert!((pinball(8.0, 10.0, 0.95) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_score_adds_up_what_was_short_and_what_was_over() {
        let point = |load, capacity| Point { origin: 0, index: 0, load, expected: 10.0, low: 0.0, high: capacity, capacity };
        let price = Price::of("us-east-1", crate::Architecture::X86).unwrap();
        let score = score(Method::Combined, 1.0, &[point(8.0, 10.0), point(12.0, 10.0)], &price);
        assert!((score.wape - 0.2).abs() < 1e-12 && score.bias.abs() < 1e-12);
        assert_eq!((score.slots_short, score.demand_short, score.over), (0.5, 0.1, 0.1));
        assert!((score.cost - (0.25 + 0.9 * 0.583_333 + 0.1)).abs() < 1e-4, "{}", score.cost);
    }
}
