//! `carryout dev stacks`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::stacks;

/// Write infra/templates/*.yaml from infra/stacks/*.yaml, and print how many resources each stack has after the SAM transform.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev stacks\n  carryout dev stacks --check    only check that the templates are current"
)]
pub(super) struct Stacks {
    /// Write nothing; fail if a template is stale
    #[arg(long)]
    check: bool,
}

impl Stacks {
    pub(super) fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        stacks::write(&Project::find()?, terminal, self.check)?;
        Ok(ExitCode::SUCCESS)
    }
}
