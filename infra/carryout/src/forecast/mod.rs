//! Forecasts from a file: what `carryout forecast` reads and how it is shown. The arithmetic is in `carryout-forecast`.

mod chart;
mod rows;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use carryout_forecast::{Backtest, Calendar, Compared, Effect, Event, Forecast, Function, Plan, Series, Setting};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

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
        set: None,
    });
    let title = format!("{}, {} h ahead", backtest.score.method.name(), backtest.score.horizon_h);
    Chart { title, zone: series.zone().clone(), moments: moments.collect() }
}

/// A forecast as a chart, after the last days of what it was made from.
pub fn forecast_chart(series: &Series, forecast: &Forecast, days: usize) -> Chart {
    let from = series.len().saturating_sub(days * series.slot().per_day());
    let past =
        (from..series.len()).map(|index| Moment { at: series.at(index), load: series.get(index), forecast: None, set: None });
    let first = series.index_of(forecast.start()).unwrap_or(series.len());
    let ahead = (0..forecast.len()).map(|index| Moment {
        at: series.at(first + index),
        load: None,
        forecast: Some((forecast.quantile(index, 0.05), forecast.expected(index), forecast.quantile(index, 0.95))),
        set: None,
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

/// Functions to plan together: each with the file of its load.
///
/// # Errors
///
/// Where the file can't be read or a function is wrong, which is named.
pub fn functions(path: &Path) -> Result<Vec<(PathBuf, Function)>> {
    let wrong = || format!("{} is no list of functions; docs/scaling.md has the format", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let list: Vec<Map<String, Value>> = serde_json::from_str(&text).with_context(wrong)?;
    let function = |(index, mut value): (usize, Map<String, Value>)| {
        let number = index + 1;
        let Some(Value::String(file)) = value.remove("file") else { bail!("function {number} has no `file` with its load") };
        let function = serde_json::from_value(value.into()).with_context(|| format!("function {number} is wrong"))?;
        Ok((path.parent().unwrap_or(Path::new("")).join(file), function))
    };
    list.into_iter().enumerate().map(function).collect::<Result<_>>().with_context(wrong)
}

/// What policies cost and how they feel, as a table for people.
pub fn policy_table(compared: &[Compared]) -> String {
    let mut text =
        format!("{:<16} {:>16} {:>12} {:>9} {:>9} {:>9}\n", "policy", "cost ÷ on demand", "cold starts", "p50", "p95", "p99");
    for Compared { policy, cost, outcome } in compared {
        let seconds = |latency: f64| format!("{latency:.2} s");
        let _ = writeln!(
            text,
            "{policy:<16} {cost:>16.3} {:>10.3} % {:>9} {:>9} {:>9}",
            100.0 * outcome.cold,
            seconds(outcome.p50),
            seconds(outcome.p95),
            seconds(outcome.p99),
        );
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Result<Vec<(PathBuf, Function)>> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("functions.json");
        fs::write(&path, text)?;
        functions(&path)
    }

    #[test]
    fn a_function_is_listed_with_the_file_of_its_load() {
        let found = listed(r#"[{ "file": "load/quotes.csv", "name": "quote-price", "duration": 0.2, "max": 40 }]"#).unwrap();
        assert!(found[0].0.ends_with("load/quotes.csv"));
        assert_eq!(found[0].1, Function::new("quote-price", 0.2, 40));
    }

    #[test]
    fn a_wrong_function_is_named() {
        let error = |text: &str| format!("{:#}", listed(text).unwrap_err());
        assert!(error(r#"[{ "name": "quote-price", "duration": 0.2, "max": 40 }]"#).contains("function 1 has no `file`"));
        let unknown = r#"[{ "file": "a.csv", "name": "quote-price", "duration": 0.2, "max": 40, "mix": 1 }]"#;
        assert!(error(unknown).contains("function 1 is wrong") && error(unknown).contains("mix"));
    }
}
