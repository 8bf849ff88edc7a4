//! `carryout dev statemachines`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::statemachines;

/// Compile the workflows into statemachines/*.asl.json.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev statemachines\n  carryout dev statemachines --check    only check that the files are current"
)]
pub(super) struct Statemachines {
    /// Write nothing; fail if a file is stale
    #[arg(long)]
    check: bool,
}

impl Statemachines {
    pub(super) fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        statemachines::generate(&Project::find()?, terminal, self.check)?;
        Ok(ExitCode::SUCCESS)
    }
}
