//! `carryout dev down`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

/// Stop the local cloud and every function that it runs.
///
/// Succeeds when nothing is running. A cloud given by --endpoint keeps running.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  carryout dev down")]
pub(super) struct Down {}

impl Down {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        local_cloud::down(&Project::find()?, terminal).await?;
        Ok(ExitCode::SUCCESS)
    }
}
