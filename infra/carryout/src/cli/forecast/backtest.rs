//! `carryout forecast backtest`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use carryout_forecast::{Backtest, Method, Score, Settings, backtest};
use clap::Args;
use jiff::SignedDuration;

use super::input::{Input, Prices, draw, share};
use crate::cli::duration;
use crate::forecast;

/// Forecast every slot of the past from the data before it, and score the forecasts.
///
/// Origins are a horizon apart; those of whole days are at local midnight. Scores are averages over all slots up to the
/// horizon. Capacity is provisioned at --quantile at a mean concurrency of 100; `cost` is relative to running on demand.
#[derive(Debug, Args)]
pub(super) struct BacktestArguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    prices: Prices,
    /// A horizon; repeatable [default: 1h and 24h]
    #[arg(long = "horizon", value_name = "DURATION", value_parser = duration)]
    horizons: Vec<SignedDuration>,
    /// The time between the end of the data and the first forecast slot
    #[arg(long, default_value = "0s", value_name = "DURATION", value_parser = duration)]
    delay: SignedDuration,
    /// The quantile that capacity is provisioned at
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    quantile: f64,
    /// The days to learn from before scoring starts
    #[arg(long, default_value_t = 28)]
    skip_days: usize,
    /// Draw the last days of the combination at the longest horizon
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The number of days to draw
    #[arg(long, default_value_t = 14, requires = "svg")]
    chart_days: usize,
    /// Print {method, horizon_h, wape, pinball95, bias, slots_short, demand_short, over, cost} for each, as JSON
    #[arg(long)]
    json: bool,
}

impl BacktestArguments {
    pub(super) fn run(self) -> Result<ExitCode> {
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
            "the file has {days} days and the first {} are skipped; give more days, or a smaller --skip-days",
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
