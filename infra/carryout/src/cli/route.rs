//! `carryout route`

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use local_cloud::Project;

use super::cohort::CohortChange;
use crate::routing;
use crate::stack::Stack;

/// Show or set which checkouts take the canary release track.
///
/// `carryout canary` sets the versions of the step functions on that track. Functions notice a change within seconds. An order
/// stays on the track on which it started.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout route set --consumer con_1w2vmf5f --employees=true\n  carryout route set --percent 10\n  carryout route list --json\n  carryout route clear"
)]
pub(super) struct RouteCommand {
    #[command(subcommand)]
    action: Action,
    /// Print the rules as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the rules
    List,
    /// Change the rules; an option that is not given leaves its rule as it is
    Set {
        #[command(flatten)]
        cohort: CohortChange,
    },
    /// Clear all rules
    Clear,
}

impl RouteCommand {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stack = Stack::deployed(&Project::find()?)?;
        let rules = match self.action {
            Action::List => routing::read(&stack).await?,
            Action::Set { cohort } => routing::change(&stack, &cohort.into()).await?,
            Action::Clear => routing::clear(&stack).await?,
        };
        println!("{}", if self.json { serde_json::to_string_pretty(&rules)? } else { routing::describe(&rules) });
        Ok(ExitCode::SUCCESS)
    }
}
