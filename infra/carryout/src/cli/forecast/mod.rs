//! `carryout forecast`

mod apply;
mod backtest;
mod demo;
mod events;
mod input;
mod plan;
mod show;
mod simulate;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use local_cloud::Terminal;

/// Forecast demand, and plan provisioned concurrency for it.
///
/// backtest, plan, events and simulate read offered load from CSV files of `timestamp,value` rows and work anywhere. show, apply
/// and demo use the scaler of the deployed stack, which plans every five minutes. docs/scaling.md explains both.
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
    Backtest(backtest::BacktestArguments),
    Plan(plan::PlanArguments),
    Events(events::EventsArguments),
    Simulate(simulate::SimulateArguments),
    Show(show::Show),
    Apply(apply::Apply),
    Demo(demo::DemoScaling),
}

impl ForecastCommand {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        match self.action {
            Action::Backtest(backtest) => backtest.run(),
            Action::Plan(plan) => plan.run(),
            Action::Events(events) => events.run(),
            Action::Simulate(simulate) => simulate.run(),
            Action::Show(show) => show.run().await,
            Action::Apply(apply) => apply.run().await,
            Action::Demo(demo) => demo.run(terminal).await,
        }
    }
}
