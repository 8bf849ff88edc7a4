//! `carryout canary`

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use local_cloud::{Project, Terminal};

use crate::canary::{Canary, Versions};

/// Show or change the versions of the step functions on the canary release track.
///
/// `carryout route` chooses the checkouts that take the track.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout canary deploy authorize-payment\n  carryout canary list\n  carryout canary reset authorize-payment"
)]
pub(super) struct CanaryCommand {
    #[command(subcommand)]
    action: Action,
    /// Print versions as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the live and the canary version of each step function
    List,
    /// Build a step function, publish it, and point its canary alias at the version. Live checkouts are not affected
    Deploy {
        /// The function, such as authorize-payment
        function: String,
    },
    /// Point a step function's canary alias at the live version again
    Reset {
        /// The function, such as authorize-payment
        function: String,
    },
}

impl CanaryCommand {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        let canary = Canary::of(&project, terminal).await?;
        let versions = match self.action {
            Action::List => canary.list()?,
            Action::Deploy { function } => vec![canary.deploy(&function).await?],
            Action::Reset { function } => vec![canary.reset(&function)?],
        };
        if self.json {
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
