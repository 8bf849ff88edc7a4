//! `carryout dev watch`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::watch::watch;

/// Rebuild a function when its sources change, and replace it on the running local cloud.
///
/// Watches every source file that the function is built from, shared crates included. Runs until it is interrupted. The next
/// `carryout dev deploy` of changed code supersedes the replacement.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout dev watch quote-price\n  carryout dev watch submit-checkout start-checkout")]
pub(super) struct Watch {
    /// The functions, by their folders below functions/
    #[arg(required = true, value_name = "FUNCTION")]
    functions: Vec<String>,
}

impl Watch {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        watch(&Project::find()?, terminal, &self.functions).await?;
        Ok(ExitCode::SUCCESS)
    }
}
