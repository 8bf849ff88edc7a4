//! `carryout forecast simulate`

use std::process::ExitCode;

use anyhow::{Result, ensure};
use carryout_forecast::{Environments, PRICES_OF, Series, compare};
use clap::Args;
use jiff::SignedDuration;

use super::input::{Input, Prices, seconds, share};
use crate::cli::duration;
use crate::forecast;

/// Replay days request by request under several policies, and compare their costs and cold starts.
///
/// on_demand provisions nothing, static the largest load of four weeks, target_tracking follows use at 70 %, scheduled follows a
/// timetable, predictive forecasts, oracle knows the future. Costs are relative to on_demand, without request fees.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast simulate load.csv --duration 0.5 --tz Europe/Berlin\n  carryout forecast simulate load.csv --duration 2 --mean 40 --days 14 --json"
)]
pub(super) struct SimulateArguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    prices: Prices,
    /// The mean duration of a request, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: f64,
    /// Scale the load to this mean concurrency [default: as the file is]
    #[arg(long, value_name = "N", value_parser = seconds)]
    mean: Option<f64>,
    /// Days to replay
    #[arg(long, default_value_t = 7)]
    days: usize,
    /// The time that a cold start adds to a request, in seconds
    #[arg(long, default_value_t = 1.5, value_name = "SECONDS", value_parser = seconds)]
    cold_start: f64,
    /// The idle time after which an on-demand environment ends
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    warm_for: SignedDuration,
    /// The time that Lambda takes to allocate environments
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = duration)]
    lead: SignedDuration,
    /// The quantile that the predictive policy provisions for
    #[arg(long, default_value_t = 0.9, value_parser = share)]
    quantile: f64,
    /// The seed of arrival times, which are the same under every policy
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Print {policy, cost, outcome} for each, as JSON
    #[arg(long)]
    json: bool,
}

impl SimulateArguments {
    pub(super) fn run(self) -> Result<ExitCode> {
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
