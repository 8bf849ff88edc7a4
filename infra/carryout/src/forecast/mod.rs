//! Forecasts from a file: what `carryout forecast` reads and how it is shown. The arithmetic is in `carryout-forecast`.

mod chart;
mod rows;

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result};
use carryout_forecast::{Backtest, Calendar, Effect, Event, Forecast, Plan, Series, Setting};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

pub use chart::{Chart, Moment};
pub use rows::read;

/// Reads an event calendar: a JSON array, as docs/scaling.md describes it.
///
/// # Errors
///
/// Where the file can't be read or an event is wrong, which is named.
pub fn calendar(path: Option<&Path>) -> Result<Calendar> {
    let Some(path) = path else { return Ok(Calendar::default()) };
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut input = serde_json::Deserializer::from_reader(BufReader::new(file));
    let events: Vec<Event> = serde_path_to_error::deserialize(&mut input)
        .with_context(|| format!("{} is no event calendar; docs/scaling.md has the format", path.display()))?;
    Calendar::new(events).with_context(|| format!("{} has a wrong event", path.display()))
}

/// Backtests as a table for people.
pub fn score_table(backtests: &[Backtest]) -> String {
    let mut text = format!(
        "{:<14} {:>9} {:>8} {:>11} {:>8} {:>12} {:>13} {:>8} {:>7}\n",
        "method", "horizon h", "WAPE", "pinball 95", "bias", "slots short", "demand short", "over", "cost"
    );
    for Backtest { score, .. } in backtests {
        let percent = |share: f64, digits: usize| format!("{:.digits$} %", 100.0 * share);
        let _ = writeln!(
            text,
            "{:<14} {:>9} {:>8} {:>11} {:>8} {:>12} {:>13} {:>8} {:>7.4}",
            score.method.name(),
            score.horizon_h,
            percent(score.wape, 2),
            percent(score.pinball95, 3),
            percent(score.bias, 2),
            percent(score.slots_short, 2),
            percent(score.demand_short, 3),
            percent(score.over, 1),
            score.cost,
        );
    }
    text
}

/// A backtest as a chart of its last days.
pub fn backtest_chart(series: &Series, backtest: &Backtest, days: usize) -> Chart {
    let from = backtest.points.len().saturating_sub(days * series.slot().per_day());
    let moments = backtest.points.iter().skip(from).map(|point| Moment {
        at: series.at(point.index),
        load: Some(point.load),
        forecast: Some((point.low, point.expected, point.high)),
    });
    let title = format!("{}, {} h ahead", backtest.score.method.name(), backtest.score.horizon_h);
    Chart { title, zone: series.zone().clone(), moments: moments.collect() }
}

/// A forecast as a chart, after the last days of what it was made from.
pub fn forecast_chart(series: &Series, forecast: &Forecast, days: usize) -> Chart {
    let from = series.len().saturating_sub(days * series.slot().per_day());
    let past = (from..series.len()).map(|index| Moment { at: series.at(index), load: series.get(index), forecast: None });
    let first = series.index_of(forecast.start()).unwrap_or(series.len());
    let ahead = (0..forecast.len()).map(|index| Moment {
        at: series.at(first + index),
        load: None,
        forecast: Some((forecast.quantile(index, 0.05), forecast.expected(index), forecast.quantile(index, 0.95))),
    });
    let title = format!("{} slots of {} ahead", forecast.len(), forecast.slot());
    Chart { title, zone: series.zone().clone(), moments: past.chain(ahead).collect() }
}

/// A plan for people: what it rests on, its changes, and what it costs.
pub fn plan_text(plan: &Plan, forecast: &Forecast, zone: &TimeZone) -> String {
    let mut text = format!("{}\n\n", forecast.explain());
    let changes = plan.changes();
    if changes.is_empty() {
        text.push_str("nothing changes\n");
    }
    for (at, setting) in changes {
        let at = at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string();
        let _ = match setting {
            Setting::Provision(count) => writeln!(text, "{at}  provision {count}"),
            Setting::Delete => writeln!(text, "{at}  delete the setting"),
        };
    }
    let cut = plan.slots.iter().filter(|slot| slot.cut).count();
    if cut > 0 {
        let _ = writeln!(text, "\nthe account's limit cuts {cut} of {} slots", plan.slots.len());
    }
    let part = |cost: f64| if plan.on_demand > 0.0 { 100.0 * cost / plan.on_demand } else { 0.0 };
    let _ = writeln!(
        text,
        "\nquantile {:.2}: {:.2} USD, {:.1} % of on demand ({:.2} USD); {:.2} USD ({:.1} %) of it buys latency",
        plan.quantile,
        plan.cost,
        part(plan.cost),
        plan.on_demand,
        plan.premium(),
        part(plan.premium()),
    );
    text
}

/// A plan as JSON: `{function, quantile, slots, cost, on_demand, least, premium, changes, basis, feed}`.
///
/// # Errors
///
/// Never, unless a number is none.
pub fn plan_json(plan: &Plan, forecast: &Forecast) -> Result<Value> {
    let change = |(at, setting): (jiff::Timestamp, Setting)| match setting {
        Setting::Provision(count) => json!({ "at": at, "provision": count }),
        Setting::Delete => json!({ "at": at, "delete": true }),
    };
    let mut value = serde_json::to_value(plan)?;
    value["premium"] = json!(plan.premium());
    value["changes"] = plan.changes().into_iter().map(change).collect();
    value["basis"] = json!(forecast.basis());
    value["feed"] = json!(forecast.feed());
    Ok(value)
}

/// What the events do, as a table for people.
pub fn event_table(effects: &[(Event, Effect)]) -> String {
    if effects.is_empty() {
        return "the calendar is empty\n".to_owned();
    }
    let mut text = String::new();
    for (event, effect) in effects {
        let does = match effect {
            Effect::Multiplier(multiplier) => format!("× {multiplier:.2}, as given"),
            Effect::PerSecond(rate) => format!("{rate} requests per second, as given"),
            Effect::Learned { multiplier, occurrences } => format!("× {multiplier:.2}, learned from {occurrences} before"),
            Effect::Unknown => "nothing: it never happened before; give a multiplier".to_owned(),
        };
        let _ = writeln!(text, "{:<24} {} to {}  {does}", event.name, event.from, event.until);
    }
    text
}
