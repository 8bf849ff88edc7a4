//! Demand forecasts and capacity plans, without a stack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use carryout_forecast::{
    Account, Architecture, Backtest, Choice, Forecast, Function, Gaps, Margin, Method, Price, Score, Series, Settings, Slot,
    backtest, plan,
};
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::json;

use super::duration;
use crate::forecast::{self, Chart};

/// Forecast demand, and plan provisioned concurrency for it.
///
/// Reads offered load from a CSV file of `timestamp,value` rows. docs/scaling.md explains methods, plans and calendars.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast backtest load.csv --tz America/New_York --svg backtest.svg\n  carryout forecast plan load.csv --tz Europe/Berlin --duration 0.3 --max 200 --quantile 0.9\n  carryout forecast events load.csv --events events.json --tz Europe/Berlin"
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
}

/// Which load to read, and how.
#[derive(Debug, Args)]
struct Input {
    /// Rows of `timestamp,value`
    file: PathBuf,
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

/// Plan one function's provisioned concurrency from where the file ends.
#[derive(Debug, Args)]
struct PlanArguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    prices: Prices,
    /// How far
    #[arg(long, default_value = "48h", value_name = "DURATION", value_parser = duration)]
    horizon: SignedDuration,
    /// How long ago the file ends
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = duration)]
    delay: SignedDuration,
    /// How long a request keeps an environment busy, in seconds
    #[arg(long, value_name = "SECONDS")]
    duration: f64,
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
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::Backtest(backtest) => backtest.run(),
            Action::Plan(plan) => plan.run(),
            Action::Events(events) => events.run(),
        }
    }
}

impl Input {
    fn read(&self) -> Result<Series> {
        let gaps = if self.allow_gaps { Gaps::Allowed } else { Gaps::Refused };
        forecast::read(&self.file, self.tz.clone(), self.slot, gaps)
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
        let calendar = forecast::calendar(self.input.events.as_deref())?;
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
        let series = self.input.read()?;
        let calendar = forecast::calendar(self.input.events.as_deref())?;
        let horizon = series.slot().covering(self.horizon);
        let wait = if self.delay.is_positive() { series.slot().covering(self.delay) } else { 0 };
        let choice = Choice::learn(&series, &calendar, horizon)?;
        let made = Forecast::make(&series, &calendar, &choice, series.at(series.len() + wait), horizon)?;
        let function = Function {
            memory: self.memory,
            quantile: self.quantile,
            margin: self.margin,
            min: self.min,
            step: self.step,
            current: self.current,
            in_use: self.in_use,
            ..Function::new(self.input.file.file_stem().unwrap_or_default().to_string_lossy(), self.duration, self.max)
        };
        let limit = self.max.max(self.in_use);
        let account = Account { limit, lead: self.lead, hold: self.hold, price: self.prices.price()? };
        let plans = plan(&[(function, made.clone())], &account)?;
        let plan = plans.first().context("there is no plan")?;
        if let Some(path) = &self.svg {
            draw(path, &forecast::forecast_chart(&series, &made, self.chart_days))?;
        }
        if self.json {
            println!("{:#}", forecast::plan_json(plan, &made)?);
        } else {
            print!("{}", forecast::plan_text(plan, &made, &self.input.tz));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl EventsArguments {
    fn run(self) -> Result<ExitCode> {
        let series = self.input.read()?;
        let path = self.input.events.as_deref().context("give the calendar by --events")?;
        let effects = forecast::calendar(Some(path))?.effects(&series);
        if self.json {
            let effects = effects.iter().map(|(event, effect)| json!({ "event": event, "effect": effect }));
            println!("{:#}", effects.collect::<serde_json::Value>());
        } else {
            print!("{}", forecast::event_table(&effects));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn draw(path: &Path, chart: &Chart) -> Result<()> {
    fs::write(path, chart.svg()).with_context(|| format!("cannot write {}", path.display()))
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|error| format!("{error}; write for example America/New_York"))
}

fn slot(text: &str) -> Result<Slot, String> {
    let minutes: u16 = text.parse().map_err(|_| format!("{text:?} is no number of minutes"))?;
    Slot::try_from(minutes).map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<f64, String> {
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
