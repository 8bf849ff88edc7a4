//! `carryout dev tool`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::tools::{self, Target, Tools};

/// Run a pinned tool (aws or cfn-lint); aws talks to the local cloud while one is running.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev tool aws dynamodb list-tables\n  carryout dev tool cfn-lint infra/templates/*.yaml"
)]
pub(super) struct Tool {
    /// The tool's name
    #[arg(value_parser = ["aws", "cfn-lint"])]
    name: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Tool {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        let target = if self.name == "aws" { local_cloud::current(&project).await?.map(Target::Local) } else { None };
        let tools = Tools::ensure(&project, terminal, target)?;
        let directory = std::env::current_dir().context("cannot read the current directory")?;
        Ok(ExitCode::from(tools::run_as_is(&tools, &self.name, &self.arguments, &directory)?))
    }
}
