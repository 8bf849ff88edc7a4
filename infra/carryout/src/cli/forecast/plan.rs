//! `carryout forecast plan`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use carryout_forecast::{Account, Choice, Forecast, Function, Margin, Series, plan};
use clap::Args;
use jiff::SignedDuration;
use serde_json::Value;

use super::input::{Prices, Reading, draw, margin, share};
use crate::cli::duration;
use crate::forecast;

/// Plan provisioned concurrency from the end of the file, for one function or for several within an account limit.
///
/// A list of functions is a JSON array: each with a `file` of its load relative to the list, a `name`, `duration`, `max`, and
/// optionally the settings below, such as `priority` and `quantile`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast plan load.csv --duration 0.3 --max 200\n  carryout forecast plan --functions functions.json --limit 400 --json"
)]
pub(super) struct PlanArguments {
    /// Rows of `timestamp,value`
    #[arg(required_unless_present = "functions")]
    file: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Plan these functions together
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "svg"])]
    functions: Option<PathBuf>,
    /// The account limit: the most environments of all functions together [default: 1000]
    #[arg(long, value_name = "N", requires = "functions")]
    limit: Option<u32>,
    #[command(flatten)]
    prices: Prices,
    /// The horizon
    #[arg(long, default_value = "48h", value_name = "DURATION", value_parser = duration)]
    horizon: SignedDuration,
    /// The age of the end of the file
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = duration)]
    delay: SignedDuration,
    /// The duration of a request, in seconds
    #[arg(long, value_name = "SECONDS", required_unless_present = "functions", conflicts_with = "functions")]
    duration: Option<f64>,
    /// The function's memory in GB
    #[arg(long, default_value_t = 1.0, value_name = "GB")]
    memory: f64,
    /// The quantile of demand to provision for [default: the cheapest]
    #[arg(long, value_parser = share)]
    quantile: Option<f64>,
    /// The margin for fluctuation inside a slot: none, poisson, or the share of requests that may find all environments busy, such as 0.01
    #[arg(long, default_value = "poisson", value_parser = margin)]
    margin: Margin,
    /// The fewest environments
    #[arg(long, default_value_t = 0)]
    min: u32,
    /// The most environments
    #[arg(long, default_value_t = 1000)]
    max: u32,
    /// The largest change between consecutive slots
    #[arg(long)]
    step: Option<u32>,
    /// The environments provisioned now
    #[arg(long, default_value_t = 0)]
    current: u32,
    /// The environments in use now
    #[arg(long, default_value_t = 0)]
    in_use: u32,
    /// The time that Lambda takes to allocate environments
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = duration)]
    lead: SignedDuration,
    /// Keep environments that are needed again within this time
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    hold: SignedDuration,
    /// Draw the last days and the forecast
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The number of past days to draw
    #[arg(long, default_value_t = 7, requires = "svg")]
    chart_days: usize,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

impl PlanArguments {
    pub(super) fn run(self) -> Result<ExitCode> {
        let functions = match (&self.functions, &self.file) {
            (Some(list), _) => forecast::functions(list)?,
            (None, file) => vec![self.function(file.as_deref().context("give a file with its load")?)?],
        };
        let calendar = self.reading.calendar()?;
        let loads: Result<Vec<Series>> = functions.iter().map(|(file, _)| self.reading.read(file)).collect();
        let loads = loads?;
        // All functions are planned from the end of the newest file.
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

    /// The function that the options describe.
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
            ..Function::new(name, self.duration.context("give the duration of a request by --duration")?, self.max)
        };
        Ok((file.to_owned(), function))
    }
}
