//! The command line: what can be asked, and how the answer is printed.

mod cloud;
mod forecast;
mod orders;
mod prices;
mod quotes;
mod release_tracks;
mod rounds;
mod scaling;
mod stack;
mod workflow;

use anyhow::Result;
use clap::{Parser, Subcommand};
use jiff::SignedDuration;
use std::process::ExitCode;

use crate::predicate::Predicate;
use crate::price::PriceContext;
use crate::project::Project;
use crate::terminal::Terminal;
use cloud::{Down, Status, Up, WithCloud};
use forecast::ForecastCommand;
use orders::{Ledger, OrderCommand, Reconcile};
use prices::{ParityCommand, TrendsCommand};
use quotes::QuoteCommand;
use release_tracks::{CanaryCommand, Route};
use rounds::{Demo, Soak};
use stack::{Build, Deploy, Seed, Statemachines, Token, Tool};
use workflow::WorkflowCommand;

/// Runs Carryout on one machine: a local cloud, the functions, the stack, tokens.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "A first round:\n  carryout up && carryout build && carryout deploy\n  carryout token --consumer alice\n  carryout down"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Up),
    Down(Down),
    Status(Status),
    Build(Build),
    Deploy(Deploy),
    Seed(Seed),
    Demo(Demo),
    Soak(Soak),
    Route(Route),
    Canary(CanaryCommand),
    Statemachines(Statemachines),
    Order(OrderCommand),
    Quote(QuoteCommand),
    #[command(subcommand)]
    Ledger(Ledger),
    Reconcile(Reconcile),
    Parity(ParityCommand),
    Trends(TrendsCommand),
    Token(Token),
    Tool(Tool),
    Predicate(Predicate),
    Price(PriceContext),
    Forecast(Box<ForecastCommand>),
    Workflow(WorkflowCommand),
    WithCloud(WithCloud),
}

impl Cli {
    /// Does what was asked.
    pub async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        match self.command {
            Command::Up(up) => up.run(&project, terminal).await,
            Command::Down(down) => down.run(&project, terminal).await,
            Command::Status(status) => status.run(&project).await,
            Command::Build(build) => build.run(&project, terminal),
            Command::Deploy(deploy) => deploy.run(&project, terminal).await,
            Command::Seed(seed) => seed.run(&project, terminal).await,
            Command::Demo(demo) => demo.run(&project, terminal).await,
            Command::Soak(soak) => soak.run(&project, terminal).await,
            Command::Route(route) => route.run(&project).await,
            Command::Canary(canary) => canary.run(&project, terminal).await,
            Command::Statemachines(statemachines) => statemachines.run(&project, terminal),
            Command::Order(order) => order.run(&project, terminal).await,
            Command::Quote(quote) => quote.run(&project, terminal).await,
            Command::Ledger(ledger) => ledger.run(),
            Command::Reconcile(reconcile) => reconcile.run(&project).await,
            Command::Parity(parity) => parity.run(&project).await,
            Command::Trends(trends) => trends.run(&project).await,
            Command::Token(token) => token.run(&project),
            Command::Tool(tool) => tool.run(&project, terminal).await,
            Command::Predicate(predicate) => predicate.run(),
            Command::Price(price) => price.run(),
            Command::Forecast(forecast) => forecast.run(&project, terminal).await,
            Command::Workflow(workflow) => workflow.run(&project).await,
            Command::WithCloud(with) => with.run(&project, terminal).await,
        }
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    text.parse().map_err(|error| format!("{error}; write for example 1h, 30m or 45s"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
