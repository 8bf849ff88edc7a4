//! `carryout dev build`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::functions;

/// Build the functions and place them where the template looks for them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev build              for the local cloud, quick to build\n  carryout dev build --release    for AWS, small and quick to start"
)]
pub(super) struct Build {
    /// Optimise: slow to build
    #[arg(long)]
    release: bool,
}

impl Build {
    pub(super) fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        functions::build(&Project::find()?, terminal, self.release)?;
        Ok(ExitCode::SUCCESS)
    }
}
