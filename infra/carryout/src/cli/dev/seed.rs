//! `carryout dev seed`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::seed;
use crate::stack::Stack;

/// Fill the deployed stack with a realistic marketplace: stores, menus, stock, consumers, promotions.
///
/// The same number gives the same marketplace. Existing data is replaced; orders stay.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout dev seed\n  carryout dev seed --number 7")]
pub(super) struct Seed {
    /// The seed number
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
}

impl Seed {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        seed::seed(&Stack::deployed(&Project::find()?)?, terminal, self.number).await?;
        Ok(ExitCode::SUCCESS)
    }
}
