//! Which checkouts take the canary track, and what waits there.

use anyhow::Result;
use carryout_workflow::cohort::Percent;
use clap::{Args, Subcommand};
use std::process::ExitCode;

use crate::canary::{Canary, Versions};
use crate::project::Project;
use crate::routing::{self, Change};
use crate::stack::Stack;
use crate::terminal::Terminal;

/// Show or set which checkouts take the canary track: the step functions' versions that are tried in production.
///
/// Functions notice a change within seconds. An order stays in the track in which it began.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout route set --consumer con_1w2vmf5f --employees=true\n  carryout route set --percent 10\n  carryout route list --json\n  carryout route clear"
)]
pub(super) struct Route {
    #[command(subcommand)]
    action: RouteAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum RouteAction {
    /// Show the rules
    List {
        /// Print the rules as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change the rules; what is not given stays
    Set {
        #[command(flatten)]
        cohort: CohortChange,
        /// Print the rules as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take every rule back
    Clear {
        /// Print the rules as JSON
        #[arg(long)]
        json: bool,
    },
}

/// What is changed of a cohort of consumers.
#[derive(Debug, Args)]
pub(super) struct CohortChange {
    /// A consumer to take in; may be given many times
    #[arg(long = "consumer", value_name = "ID")]
    consumers: Vec<String>,
    /// A consumer not to take in by name any more; may be given many times
    #[arg(long = "without-consumer", value_name = "ID")]
    without: Vec<String>,
    /// The share of all consumers; who is in stays in while it grows
    #[arg(long, value_name = "0-100", value_parser = percent)]
    percent: Option<Percent>,
    /// Whether whoever works here is in
    #[arg(long, value_name = "BOOL")]
    employees: Option<bool>,
}

impl From<CohortChange> for Change {
    fn from(CohortChange { consumers, without, percent, employees }: CohortChange) -> Self {
        Self { add: consumers, remove: without, percent, employees }
    }
}

/// Show or change which versions of the step functions the canary track uses.
#[derive(Debug, Args)]
#[command(
    name = "canary",
    after_help = "Examples:\n  carryout canary deploy authorize-payment\n  carryout canary list\n  carryout canary reset authorize-payment"
)]
pub(super) struct CanaryCommand {
    #[command(subcommand)]
    action: CanaryAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum CanaryAction {
    /// Show the live and the canary version of each step function
    List {
        /// Print the versions as JSON
        #[arg(long)]
        json: bool,
    },
    /// Build a step function, publish it, and point its alias `canary` there; everybody else stays where they are
    Deploy {
        /// The function, such as authorize-payment
        function: String,
        /// Print its versions as JSON
        #[arg(long)]
        json: bool,
    },
    /// Point a step function's alias `canary` back to what is live
    Reset {
        /// The function, such as authorize-payment
        function: String,
        /// Print its versions as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Route {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let (rules, json) = match self.action {
            RouteAction::List { json } => (routing::read(&stack).await?, json),
            RouteAction::Set { cohort, json } => (routing::change(&stack, &cohort.into()).await?, json),
            RouteAction::Clear { json } => (routing::clear(&stack).await?, json),
        };
        println!("{}", if json { serde_json::to_string_pretty(&rules)? } else { routing::describe(&rules) });
        Ok(ExitCode::SUCCESS)
    }
}

impl CanaryCommand {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let canary = Canary::of(project, terminal).await?;
        let (versions, json) = match self.action {
            CanaryAction::List { json } => (canary.list()?, json),
            CanaryAction::Deploy { function, json } => (vec![canary.deploy(&function).await?], json),
            CanaryAction::Reset { function, json } => (vec![canary.reset(&function)?], json),
        };
        if json {
            println!("{}", serde_json::to_string_pretty(&versions)?);
        } else {
            println!("{:<20} {:>8} {:>8}", "function", "live", "canary");
            for Versions { function, live, canary } in versions {
                println!("{function:<20} {live:>8} {canary:>8}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn percent(text: &str) -> Result<Percent, String> {
    let share: u8 = text.parse().map_err(|_| "write a whole number, 0 to 100".to_owned())?;
    Percent::try_from(share).map_err(|error| error.to_string())
}
