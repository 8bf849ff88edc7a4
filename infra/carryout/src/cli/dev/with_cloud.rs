//! `carryout dev with-cloud`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use super::cloud::Cloud;
use crate::with_cloud::with_cloud;

/// Build, start a local cloud, deploy, seed, run a command, and stop the cloud again.
///
/// A cloud that is already running is used and stays up. The command's exit code is the result.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  carryout dev with-cloud -- cargo nextest run --package e2e")]
pub(super) struct WithCloud {
    #[command(flatten)]
    cloud: Cloud,
    /// The command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

impl WithCloud {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        with_cloud(&Project::find()?, terminal, &self.cloud.wanted(), &self.command).await
    }
}
