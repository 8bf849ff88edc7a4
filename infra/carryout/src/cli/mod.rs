//! The command line: a file per command. A group of commands is a folder.

mod canary;
mod cohort;
mod dev;
mod forecast;
mod ledger;
mod operator;
mod order;
mod parity;
mod predicate;
mod price;
mod quote;
mod reconcile;
mod refund;
mod route;
mod trends;
mod workflow;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Command as Definition, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jiff::SignedDuration;
use local_cloud::Terminal;

/// Operates Carryout, and runs it on one machine.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "A first round:\n  make demo                               everything at once\n  carryout dev token --consumer alice     a token to call the API with\n  carryout order parked                   the orders that need an operator\n  carryout dev down"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Order(order::OrderCommand),
    Refund(refund::RefundCommand),
    Quote(quote::QuoteCommand),
    Reconcile(reconcile::Reconcile),
    Workflow(workflow::WorkflowCommand),
    Route(route::RouteCommand),
    Canary(canary::CanaryCommand),
    Parity(parity::ParityCommand),
    Trends(trends::TrendsCommand),
    Forecast(Box<forecast::ForecastCommand>),
    Price(price::PriceCommand),
    Predicate(predicate::PredicateCommand),
    Ledger(ledger::LedgerCommand),
    Dev(Box<dev::DevCommand>),
}

/// The commands by who needs them. clap lists them in one row.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Operate a deployed stack",
        &["order", "refund", "quote", "reconcile", "workflow", "route", "canary", "parity", "trends", "forecast"],
    ),
    ("Compute from standard input, anywhere", &["price", "predicate", "ledger"]),
    ("Develop", &["dev"]),
];

impl Cli {
    /// Reads the command line; on a mistake, or for help, prints and exits as clap does.
    pub fn from_command_line() -> Self {
        let matches = grouped(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Runs the command.
    pub async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        match self.command {
            Command::Order(order) => order.run(terminal).await,
            Command::Refund(refund) => refund.run(terminal).await,
            Command::Quote(quote) => quote.run(terminal).await,
            Command::Reconcile(reconcile) => reconcile.run().await,
            Command::Workflow(workflow) => workflow.run().await,
            Command::Route(route) => route.run().await,
            Command::Canary(canary) => canary.run(terminal).await,
            Command::Parity(parity) => parity.run().await,
            Command::Trends(trends) => trends.run().await,
            Command::Forecast(forecast) => forecast.run(terminal).await,
            Command::Price(price) => price.run(),
            Command::Predicate(predicate) => predicate.run(),
            Command::Ledger(ledger) => ledger.run(),
            Command::Dev(dev) => dev.run(terminal).await,
        }
    }
}

/// The definition with a help text that lists the commands by [`GROUPS`].
fn grouped(definition: Definition) -> Definition {
    let mut listed = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(listed, "{title}:");
        for name in *names {
            let about = definition.find_subcommand(name).and_then(Definition::get_about).map(ToString::to_string);
            let _ = writeln!(listed, "  {name:<10} {}", about.unwrap_or_default());
        }
        listed.push('\n');
    }
    definition.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{listed}Options:\n{{options}}{{after-help}}"
    ))
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    text.parse().map_err(|error| format!("{error}; write for example 1h, 30m or 45s"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        grouped(Cli::command()).debug_assert();
    }

    #[test]
    fn the_help_lists_every_command_once() {
        let definition = Cli::command();
        let commands: Vec<&str> = definition.get_subcommands().map(Definition::get_name).collect();
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(listed.len(), commands.len());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), commands.into_iter().collect());
    }

    #[test]
    fn every_command_has_a_help_text() {
        fn check(definition: &Definition, path: &str) {
            for command in definition.get_subcommands() {
                let path = format!("{path} {}", command.get_name());
                assert!(command.get_about().is_some(), "{path} has no help text");
                for argument in command.get_arguments() {
                    assert!(argument.get_help().is_some(), "{path} {} has no help text", argument.get_id());
                }
                check(command, &path);
            }
        }
        check(&Cli::command(), "carryout");
    }
}
