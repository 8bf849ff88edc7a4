//! Demand forecasts and capacity plans: from files, and those of the deployed scaler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use carryout_forecast::{
    Account, Architecture, Backtest, Calendar, Choice, Environments, Forecast, Function, Gaps, Margin, Method, PRICES_OF, Price,
    Score, Series, Settings, Slot, backtest, compare, plan,
};
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::duration;
use super::scaling::{Apply, DemoScaling, Show};
use crate::forecast::{self, Chart};
use crate::project::Project;
use crate::terminal::Terminal;

/// Forecast demand, and plan provisioned concurrency for it.
///
/// backtest, plan, events and simulate read offered load from CSV files of `timestamp,value` rows and need no stack. show, apply
/// and demo are about the deployed stack's scaler, which plans every five minutes. docs/scaling.md explains both.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast backtest load.csv --tz America/New_York --svg backtest.svg\n  carryout forecast plan load.csv --tz Europe/Berlin --duration 0.3 --max 200 --quantile 0.9\n  carryout forecast events load.csv --events events.json --tz Europe/Berlin\n  carryout forecast simulate load.csv --duration 0.5\n  carryout forecast show\n  carryout forecast apply mode apply\n  carryout forecast apply override submit-checkout 20 --for 2h --reason derby"
)]
pub(super) struct ForecastCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Backtest(BacktestArguments),
    Plan(PlanArguments),
    Events(EventsArguments),
    Simulate(SimulateArguments),
    Show(Show),
    Apply(Apply),
    Demo(DemoScaling),
}

/// Which load to read.
#[derive(Debug, Args)]
struct Input {
    /// Rows of `timestamp,value`
    file: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

/// How load is read.
#[derive(Debug, Args)]
struct Reading {
    /// The time zone of local timestamps, and whose days and weeks count
    #[arg(long, default_value = "UTC", value_name = "ZONE", value_parser = zone)]
    tz: TimeZone,
    /// Add the rows up into longer slots: 1, 5, 15, 30 or 60 minutes [default: as the rows are]
    #[arg(long, value_name = "MINUTES", value_parser = slot)]
    slot: Option<Slot>,
    /// Take missing rows for unknown load instead of refusing them
    #[arg(long)]
    allow_gaps: bool,
    /// An event calendar: a JSON array
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// What environments cost.
#[derive(Debug, Args)]
struct Prices {
    /// The region whose prices count
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The processor whose prices count
    #[arg(long, default_value = "x86")]
    architecture: Processor,
    /// Prices of your own instead, in USD for a GB-second: provisioned, used, on demand
    #[arg(long, value_name = "USD,USD,USD", value_delimiter = ',', num_args = 3)]
    prices: Option<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Processor {
    X86,
    Arm,
}

/// Forecast every slot of the past as if it had not happened yet, and compare.
///
/// Origins are a horizon apart; those of whole days are at local midnight. Scores are averages over all slots up to the
/// horizon. Capacity is that of --quantile at a mean concurrency of 100; `cost` is relative to running on demand.
#[derive(Debug, Args)]
struct BacktestArguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    prices: Prices,
    /// A horizon; may be given many times [default: 1h and 24h]
    #[arg(long = "horizon", value_name = "DURATION", value_parser = duration)]
    horizons: Vec<SignedDuration>,
    /// How long before the first slot forecast the data ends
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = duration)]
    delay: SignedDuration,
    /// The quantile that capacity is provisioned at
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    quantile: f64,
    /// Days that are learned from before the first one that counts
    #[arg(long, default_value_t = 28)]
    skip_days: usize,
    /// Draw the last days of the combination at the longest horizon
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How many days to draw
    #[arg(long, default_value_t = 14, requires = "svg")]
    chart_days: usize,
    /// Print {method, horizon_h, wape, pinball95, bias, slots_short, demand_short, over, cost} for each, as JSON
    #[arg(long)]
    json: bool,
}

/// Plan provisioned concurrency from where the file ends: of one function, or of many within an account's limit.
///
/// A list of functions is a JSON array: each with a `file` of its load beside the list, a `name`, `duration`, `max`, and what
/// the options below say for one, such as `priority` and `quantile`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast plan load.csv --duration 0.3 --max 200\n  carryout forecast plan --functions functions.json --limit 400 --json"
)]
struct PlanArguments {
    /// Rows of `timestamp,value`
    #[arg(required_unless_present = "functions")]
    file: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Plan these functions together
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "svg"])]
    functions: Option<PathBuf>,
    /// The most environments that all functions may have together [default: 1000]
    #[arg(long, value_name = "N", requires = "functions")]
    limit: Option<u32>,
    #[command(flatten)]
    prices: Prices,
    /// How far
    #[arg(long, default_value = "48h", value_name = "DURATION", value_parser = duration)]
    horizon: SignedDuration,
    /// How long ago the file ends
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = duration)]
    delay: SignedDuration,
    /// How long a request keeps an environment busy, in seconds
    #[arg(long, value_name = "SECONDS", required_unless_present = "functions", conflicts_with = "functions")]
    duration: Option<f64>,
    /// The function's memory in GB
    #[arg(long, default_value_t = 1.0, value_name = "GB")]
    memory: f64,
    /// The quantile of demand to provide for [default: the one that costs least]
    #[arg(long, value_parser = share)]
    quantile: Option<f64>,
    /// For the ups and downs inside a slot: none, poisson, or the share that may find all environments busy, such as 0.01
    #[arg(long, default_value = "poisson", value_parser = margin)]
    margin: Margin,
    /// The fewest environments
    #[arg(long, default_value_t = 0)]
    min: u32,
    /// The most environments
    #[arg(long, default_value_t = 1000)]
    max: u32,
    /// The most environments that a slot may have more or fewer than the one before
    #[arg(long)]
    step: Option<u32>,
    /// What is set now
    #[arg(long, default_value_t = 0)]
    current: u32,
    /// What is in use now
    #[arg(long, default_value_t = 0)]
    in_use: u32,
    /// How long Lambda takes to allocate environments
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = duration)]
    lead: SignedDuration,
    /// Keep what is needed again within this time
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    hold: SignedDuration,
    /// Draw the last days and the forecast
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How many days of the past to draw
    #[arg(long, default_value_t = 7, requires = "svg")]
    chart_days: usize,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

/// Replay days request by request under one policy after another: what each costs, and who meets a cold start.
///
/// on_demand provisions nothing, static the largest load of four weeks, target_tracking follows use at 70 %, scheduled is a
/// timetable, predictive forecasts, oracle knows. Costs are relative to on_demand, without request fees.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast simulate load.csv --duration 0.5 --tz Europe/Berlin\n  carryout forecast simulate load.csv --duration 2 --mean 40 --days 14 --json"
)]
struct SimulateArguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    prices: Prices,
    /// How long a request keeps an environment busy, in seconds: the mean
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: f64,
    /// Scale the load to this mean concurrency [default: as the file is]
    #[arg(long, value_name = "N", value_parser = seconds)]
    mean: Option<f64>,
    /// The last so many days are replayed
    #[arg(long, default_value_t = 7)]
    days: usize,
    /// What a cold start adds to a request, in seconds
    #[arg(long, default_value_t = 1.5, value_name = "SECONDS", value_parser = seconds)]
    cold_start: f64,
    /// How long an environment on demand stays without work
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    warm_for: SignedDuration,
    /// How long Lambda takes to allocate environments
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = duration)]
    lead: SignedDuration,
    /// The quantile that the predictive policy provides for
    #[arg(long, default_value_t = 0.9, value_parser = share)]
    quantile: f64,
    /// Chooses when requests arrive, the same under every policy
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Print {policy, cost, outcome} for each, as JSON
    #[arg(long)]
    json: bool,
}

/// Tell what each event of a calendar does to the load, as given or as learned from the file.
#[derive(Debug, Args)]
struct EventsArguments {
    #[command(flatten)]
    input: Input,
    /// Print {event, effect} for each, as JSON
    #[arg(long)]
    json: bool,
}

impl ForecastCommand {
    /// Does what was asked.
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        match self.action {
            Action::Backtest(backtest) => backtest.run(),
            Action::Plan(plan) => plan.run(),
            Action::Events(events) => events.run(),
            Action::Simulate(simulate) => simulate.run(),
            Action::Show(show) => show.run(project).await,
            Action::Apply(apply) => apply.run(project).await,
            Action::Demo(demo) => demo.run(project, terminal).await,
        }
    }
}

impl Input {
    fn read(&self) -> Result<Series> {
        self.reading.read(&self.file)
    }

    fn calendar(&self) -> Result<Calendar> {
        self.reading.calendar()
    }
}

impl Reading {
    fn read(&self, file: &Path) -> Result<Series> {
        let gaps = if self.allow_gaps { Gaps::Allowed } else { Gaps::Refused };
        forecast::read(file, self.tz.clone(), self.slot, gaps)
    }

    fn calendar(&self) -> Result<Calendar> {
        forecast::calendar(self.events.as_deref())
    }
}

impl Prices {
    fn price(&self) -> Result<Price> {
        let architecture = match self.architecture {
            Processor::X86 => Architecture::X86,
            Processor::Arm => Architecture::Arm,
        };
        match self.prices.as_deref() {
            Some([provisioned, used, on_demand]) => Ok(Price::new(*provisioned, *used, *on_demand)?),
            _ => Price::of(&self.region, architecture).context("give them by --prices"),
        }
    }
}

impl BacktestArguments {
    fn run(self) -> Result<ExitCode> {
        let series = self.input.read()?;
        let calendar = self.input.calendar()?;
        let horizons = if self.horizons.is_empty() { [1, 24].map(SignedDuration::from_hours).to_vec() } else { self.horizons };
        let settings = Settings {
            skip_days: self.skip_days,
            horizons,
            delay: if self.delay.is_positive() { series.slot().covering(self.delay) } else { 0 },
            quantile: self.quantile,
            price: self.prices.price()?,
        };
        let days = series.len() / series.slot().per_day();
        ensure!(
            days > self.skip_days,
            "the file has {days} days and the first {} of them do not count; give more, or a smaller --skip-days",
            self.skip_days
        );
        let backtests = backtest(&series, &calendar, &settings)?;
        let combined = backtests.iter().filter(|backtest| backtest.score.method == Method::Combined);
        let longest = combined.max_by(|one, other| one.score.horizon_h.total_cmp(&other.score.horizon_h));
        if let (Some(path), Some(backtest)) = (&self.svg, longest) {
            draw(path, &forecast::backtest_chart(&series, backtest, self.chart_days))?;
        }
        if self.json {
            let scores: Vec<&Score> = backtests.iter().map(|Backtest { score, .. }| score).collect();
            println!("{}", serde_json::to_string_pretty(&scores)?);
        } else {
            print!("{}", forecast::score_table(&backtests));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PlanArguments {
    fn run(self) -> Result<ExitCode> {
        let functions = match (&self.functions, &self.file) {
            (Some(list), _) => forecast::functions(list)?,
            (None, file) => vec![self.function(file.as_deref().context("give a file with its load")?)?],
        };
        let calendar = self.reading.calendar()?;
        let loads: Result<Vec<Series>> = functions.iter().map(|(file, _)| self.reading.read(file)).collect();
        let loads = loads?;
        // Functions are planned from one moment on: where the newest file ends.
        let ends = loads.iter().map(|series| series.at(series.len())).max().context("the list has no function")?;
        let mut forecasts = Vec::with_capacity(functions.len());
        for ((file, function), series) in functions.into_iter().zip(&loads) {
            let named = || file.display().to_string();
            let slot = series.slot();
            let horizon = slot.covering(self.horizon);
            let wait = if self.delay.is_positive() { slot.covering(self.delay) } else { 0 };
            let from = series.at(series.index_of(ends).unwrap_or(series.len()) + wait);
            let choice = Choice::learn(series, &calendar, horizon).with_context(named)?;
            forecasts.push((function, Forecast::make(series, &calendar, &choice, from, horizon).with_context(named)?));
        }
        let limit = match &self.functions {
            Some(_) => self.limit.unwrap_or(1_000),
            None => self.max.max(self.in_use),
        };
        let account = Account { limit, lead: self.lead, hold: self.hold, price: self.prices.price()? };
        let plans = plan(&forecasts, &account)?;
        if let (Some(path), Some(series), Some((_, made))) = (&self.svg, loads.first(), forecasts.first()) {
            draw(path, &forecast::forecast_chart(series, made, self.chart_days))?;
        }
        let planned = plans.iter().zip(&forecasts);
        if self.json {
            let all = planned.map(|(plan, (_, made))| forecast::plan_json(plan, made)).collect::<Result<Vec<Value>>>()?;
            match (&self.functions, all.as_slice()) {
                (None, [one]) => println!("{one:#}"),
                _ => println!("{:#}", Value::from(all)),
            }
        } else {
            for (place, (plan, (_, made))) in planned.enumerate() {
                let title = if self.functions.is_some() { format!("{}: ", plan.function) } else { String::new() };
                let space = if place > 0 { "\n" } else { "" };
                print!("{space}{title}{}", forecast::plan_text(plan, made, &self.reading.tz));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The one function that the options are about.
    fn function(&self, file: &Path) -> Result<(PathBuf, Function)> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let function = Function {
            memory: self.memory,
            quantile: self.quantile,
            margin: self.margin,
            min: self.min,
            step: self.step,
            current: self.current,
            in_use: self.in_use,
            ..Function::new(name, self.duration.context("give the time of a request by --duration")?, self.max)
        };
        Ok((file.to_owned(), function))
    }
}

impl SimulateArguments {
    fn run(self) -> Result<ExitCode> {
        let series = self.input.read()?;
        let days = series.len() / series.slot().per_day();
        ensure!(days > self.days, "the file has {days} days; replay fewer than that by --days");
        let concurrency = self.duration / series.slot().seconds() as f64;
        let factor = self.mean.map_or(concurrency, |mean| mean / series.mean().max(f64::MIN_POSITIVE));
        let busy = (0..series.len()).map(|index| series.get(index).map(|load| load * factor));
        let demand = Series::new(series.start(), series.slot(), series.zone().clone(), busy)?;
        let environments = Environments {
            duration: self.duration,
            cold_start: self.cold_start,
            warm_for: self.warm_for.as_secs_f64(),
            lead: self.lead,
            price: self.prices.price()?,
        };
        let compared = compare(&demand, &self.input.calendar()?, self.days, self.quantile, &environments, self.seed)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&compared)?);
        } else {
            let requests = compared.first().map_or(0, |compared| compared.outcome.requests);
            println!("the last {} days, {requests} requests; prices of {PRICES_OF}\n", self.days);
            print!("{}", forecast::policy_table(&compared));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl EventsArguments {
    fn run(self) -> Result<ExitCode> {
        let series = self.input.read()?;
        ensure!(self.input.reading.events.is_some(), "give the calendar by --events");
        let effects = self.input.calendar()?.effects(&series);
        if self.json {
            let effects = effects.iter().map(|(event, effect)| json!({ "event": event, "effect": effect }));
            println!("{:#}", effects.collect::<Value>());
        } else {
            print!("{}", forecast::event_table(&effects));
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn draw(path: &Path, chart: &Chart) -> Result<()> {
    fs::write(path, chart.svg()).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|error| format!("{error}; write for example America/New_York"))
}

fn slot(text: &str) -> Result<Slot, String> {
    let minutes: u16 = text.parse().map_err(|_| format!("{text:?} is no number of minutes"))?;
    Slot::try_from(minutes).map_err(|error| error.to_string())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
    seconds.ok_or_else(|| format!("{text:?} is no number above 0"))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| format!("{text:?} is no number above 0 and below 1"))
}

fn margin(text: &str) -> Result<Margin, String> {
    match text {
        "none" => Ok(Margin::None),
        "poisson" => Ok(Margin::Poisson),
        overflow => Ok(Margin::Erlang { overflow: share(overflow)? }),
    }
}
