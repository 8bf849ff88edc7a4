//! Forecasts, plans and policies: on the rows of a file, or on a seeded market, beside `statsforecast` from PyPI.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use carryout::forecast;
use carryout_forecast::{
    Account, Backtest, Calendar, Choice, Environments, Forecast, Function, Gaps, MEAN_CONCURRENCY, Market, Method, Point, Price,
    Series, Settings, Slot, backtest, compare, plan,
};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use local_cloud::python::{Environment, Version};
use local_cloud::{Project, Terminal};
use serde_json::{Value, json};

/// Days before the first forecast that counts.
const SKIP_DAYS: usize = 91;
/// The most demand that may exceed what is provisioned, in per cent.
const SHORT: f64 = 0.5;
/// What Application Auto Scaling's documentation gives as its example of a target.
const UTILIZATION: f64 = 0.7;
const FUNCTIONS: usize = 400;

/// Measures on the rows of `data`, local times of `zone`, or on a seeded market. The peer, which takes long for each of them,
/// forecasts `peer_days` of the days at most.
pub fn measure(project: &Project, data: Option<&Path>, zone: &str, peer_days: usize) -> Result<()> {
    let zone = TimeZone::get(zone)?;
    let series = match data {
        Some(path) => forecast::read(path, zone, None, Gaps::Refused)?,
        None => market(Slot::HalfHour, SKIP_DAYS + 42, 400.0, zone, 6)?,
    };
    let named = data.map_or("a seeded market".into(), |path| path.file_name().unwrap_or_default().to_string_lossy());
    println!("\nforecasts of {named} ({} slots of {}, rolling origin from day {SKIP_DAYS})", series.len(), series.slot());
    let price = Price::default();
    let day_ahead = scores(&series, price)?;
    peer(project, &series, &day_ahead, peer_days)?;
    costs(&series, price)?;
    planning(price)?;
    policies(&series, price)
}

fn settings(minutes: &[i64], delay: usize, price: Price) -> Settings {
    let horizons = minutes.iter().copied().map(SignedDuration::from_mins).collect();
    Settings { skip_days: SKIP_DAYS, horizons, delay, quantile: 0.95, price }
}

fn market(slot: Slot, days: usize, mean: f64, zone: TimeZone, seed: u64) -> Result<Series> {
    let start = "2026-01-05T05:00:00Z".parse()?;
    Ok(Market { seed, start, slot, zone, days, mean }.series()?)
}

fn combined(backtests: Vec<Backtest>) -> Result<Backtest> {
    backtests.into_iter().rfind(|backtest| backtest.score.method == Method::Combined).context("the combination has no score")
}

/// Every method, an hour and a day ahead. Returns the combination's day ahead.
fn scores(series: &Series, price: Price) -> Result<Backtest> {
    let started = Instant::now();
    let backtests = backtest(series, &Calendar::default(), &settings(&[60, 24 * 60], 0, price))?;
    print!("{}", forecast::score_table(&backtests));
    println!("  in {:.1} s", started.elapsed().as_secs_f64());
    combined(backtests)
}

/// MSTL with the seasons of a day and a week, fitted once a day, on the same days: all of them, or as many as are wanted, evenly
/// spread.
fn peer(project: &Project, series: &Series, ours: &Backtest, wanted: usize) -> Result<()> {
    let per_day = series.slot().per_day();
    let midnights: Vec<&Point> = ours.points.iter().filter(|point| is_midnight(series, point.index)).collect();
    let every = midnights.len().div_ceil(wanted.max(1)).max(1);
    let origins: Vec<&Point> = midnights.iter().copied().step_by(every).collect();
    let request = json!({
        "values": by_the_clock(series),
        "seasons": [per_day, 7 * per_day],
        "horizon": per_day,
        "origins": origins.iter().map(|point| clock_index(series, point.index)).collect::<Vec<_>>(),
    });
    let requirements = project.local_dir().join("statsforecast-requirements.txt");
    let environment = Environment {
        name: "statsforecast",
        requirements: &requirements,
        minimum: Version { major: 3, minor: 11 },
        size: "600 MB",
    };
    let terminal = Terminal::detect();
    let bin = environment.ensure(&terminal, &project.state_dir()?.join("install.log"))?;
    let started = Instant::now();
    let mut child = Command::new(bin.join("python"))
        .arg(project.local_dir().join("statsforecast_host.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start statsforecast")?;
    child.stdin.take().context("statsforecast has no input")?.write_all(request.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "statsforecast failed ({})", output.status);
    let (mut peers, mut own, mut load, mut slots) = ([0.0; 2], [0.0; 2], 0.0, 0);
    for (origin, line) in origins.iter().zip(String::from_utf8_lossy(&output.stdout).lines()) {
        let answer: Value = serde_json::from_str(line)?;
        let begins = clock_index(series, origin.index);
        let day = ours.points.iter().skip_while(|point| point.index < origin.index).take(per_day);
        for point in day {
            let ahead = clock_index(series, point.index).wrapping_sub(begins);
            let (Some(mean), Some(high)) = (answer["mean"][ahead].as_f64(), answer["high"][ahead].as_f64()) else { continue };
            for (sums, (expected, high)) in [(&mut peers, (mean, high)), (&mut own, (point.expected, point.high))] {
                sums[0] += (expected - point.load).abs();
                sums[1] += (0.95 * (point.load - high)).max(0.05 * (high - point.load));
            }
            load += point.load;
            slots += 1;
        }
    }
    let percent = |sum: f64| 100.0 * sum / load;
    let days = midnights.len();
    println!("  day ahead on {} of {days} days ({slots} slots; PEER_DAYS={days} for all):", origins.len());
    println!(
        "    statsforecast MSTL([{per_day}, {}]): WAPE {:.2} %, pinball 95 {:.3} %, {:.0} s",
        7 * per_day,
        percent(peers[0]),
        percent(peers[1]),
        started.elapsed().as_secs_f64()
    );
    println!("    combined: WAPE {:.2} %, pinball 95 {:.3} %", percent(own[0]), percent(own[1]));
    Ok(())
}

fn is_midnight(series: &Series, index: usize) -> bool {
    let date = |index: usize| series.zone().to_datetime(series.at(index)).date();
    index > 0 && date(index) != date(index - 1)
}

/// The place of a slot among those of the clock on the wall, of which every day has as many.
fn clock_index(series: &Series, index: usize) -> usize {
    let local = |index: usize| series.zone().to_datetime(series.at(index));
    let seconds = local(index).duration_since(local(0)).as_secs();
    usize::try_from(seconds / series.slot().seconds()).unwrap_or(0)
}

/// The series by the clock on the wall, since the peer knows no time zones: an hour that is repeated is its mean, one that is
/// skipped is as the one before.
fn by_the_clock(series: &Series) -> Vec<f64> {
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for index in 0..series.len() {
        let place = clock_index(series, index);
        if place >= sums.len() {
            sums.resize(place + 1, (0.0, 0.0));
        }
        sums[place].0 += series.get(index).unwrap_or(0.0);
        sums[place].1 += 1.0;
    }
    let mut before = 0.0;
    let values = sums.into_iter().map(|(sum, count)| {
        before = if count > 0.0 { sum / count } else { before };
        before
    });
    values.collect()
}

/// Cost ÷ on demand, slot by slot at a mean concurrency of 100: the forecast at its 95 % quantile; reactive, which follows the last
/// load known at the utilization that target tracking is given; and an oracle.
fn costs(series: &Series, price: Price) -> Result<()> {
    println!(
        "\ncost ÷ on demand, and demand short, at a mean concurrency of {MEAN_CONCURRENCY} (wanted: at most {SHORT} % short)"
    );
    println!("  {:<24} {:>18} {:>18} {:>18}", "data ends", "forecast", "reactive at 70 %", "oracle");
    for (delay, ends) in [(1, "a slot before the slot"), (0, "at the slot's start")] {
        let minutes = i64::from(series.slot().minutes());
        let forecast = combined(backtest(series, &Calendar::default(), &settings(&[minutes], delay, price))?)?;
        let mean = forecast.points.iter().map(|point| point.load).sum::<f64>() / forecast.points.len() as f64;
        let scaled = |load: f64| load * MEAN_CONCURRENCY / mean;
        let loads: Vec<f64> = forecast.points.iter().map(|point| scaled(point.load)).collect();
        let told = |capacities: &[f64]| {
            let slots = || loads.iter().copied().zip(capacities.iter().copied());
            let short: f64 = slots().map(|(load, capacity)| (load - capacity).max(0.0)).sum();
            format!("{:.4} ({:.2} %)", price.ratio(slots()), 100.0 * short / loads.iter().sum::<f64>())
        };
        let last = |point: &Point| point.index.checked_sub(delay + 1).and_then(|before| series.get(before)).unwrap_or(0.0);
        let reactive: Vec<f64> = forecast.points.iter().map(|point| (scaled(last(point)) / UTILIZATION).ceil()).collect();
        let own = format!("{:.4} ({:.2} %)", forecast.score.cost, 100.0 * forecast.score.demand_short);
        println!("  {ends:<24} {own:>18} {:>18} {:>18}", told(&reactive), told(&loads));
    }
    Ok(())
}

/// 48 hours for 400 functions from five weeks of five-minute history, on one core.
fn planning(price: Price) -> Result<()> {
    let horizon = 2 * Slot::FiveMinutes.per_day();
    let zone = || TimeZone::get("America/New_York");
    let markets: Result<Vec<Series>> =
        (0..FUNCTIONS).map(|seed| market(Slot::FiveMinutes, 35, 100.0 + seed as f64, zone()?, seed as u64)).collect();
    let markets = markets?;
    let calendar = Calendar::default();
    let started = Instant::now();
    let choice = Choice::learn(markets.first().context("there is no market")?, &calendar, horizon)?;
    let learned = started.elapsed();
    let account = Account { limit: 1_000_000, lead: SignedDuration::from_mins(2), hold: SignedDuration::from_mins(10), price };
    let started = Instant::now();
    let forecasts = markets.iter().enumerate().map(|(index, series)| {
        let function = Function { quantile: Some(0.9), min: 1, ..Function::new(format!("function-{index}"), 0.5, 1_000) };
        Ok((function, Forecast::make(series, &calendar, &choice, series.at(series.len()), horizon)?))
    });
    let forecasts: Result<Vec<(Function, Forecast)>> = forecasts.collect();
    let plans = plan(&forecasts?, &account)?;
    ensure!(plans.len() == FUNCTIONS, "every function has a plan");
    println!(
        "\n48 hours for {FUNCTIONS} functions from five weeks of five minutes: {:.2} s on one core (choosing methods, once a day: {:.0} ms each)",
        started.elapsed().as_secs_f64(),
        learned.as_secs_f64() * 1e3
    );
    Ok(())
}

/// The last week, request by request.
fn policies(series: &Series, price: Price) -> Result<()> {
    const MEAN: f64 = 40.0;
    let factor = MEAN / series.mean();
    let scaled = (0..series.len()).map(|index| series.get(index).map(|load| load * factor));
    let demand = Series::new(series.start(), series.slot(), series.zone().clone(), scaled)?;
    let environments =
        Environments { duration: 2.0, cold_start: 1.5, warm_for: 600.0, lead: SignedDuration::from_mins(2), price };
    let started = Instant::now();
    let compared = compare(&demand, &Calendar::default(), 7, 0.9, &environments, 6)?;
    let requests = compared.first().map_or(0, |compared| compared.outcome.requests);
    println!(
        "\npolicies over the last week, {requests} requests of 2 s, 1.5 s more for a cold start, at a mean concurrency of {MEAN}"
    );
    print!("{}", forecast::policy_table(&compared));
    println!("  in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}
