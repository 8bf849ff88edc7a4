//! `carryout forecast show`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;
use jiff::Timestamp;
use local_cloud::Project;

use super::input::draw;
use crate::scaling;
use crate::stack::Stack;

/// Show the scaler's mode, and for each function its plan, the state that Lambda reports, and the last decision.
///
/// Exits with 1 if a decision has a problem.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast show\n  carryout forecast show --function submit-checkout --svg plan.svg\n  carryout forecast show --json | jq '.functions[] | {function, reported}'"
)]
pub(super) struct Show {
    /// One function only
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// Draw the function's plan
    #[arg(long, value_name = "FILE", requires = "function")]
    svg: Option<PathBuf>,
    /// Print everything as JSON, plans included
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stack = Stack::deployed(&Project::find()?)?;
        let shown = scaling::show(&stack, self.function.as_deref()).await?;
        if let (Some(path), Some(function)) = (&self.svg, shown.functions.first()) {
            ensure!(function.plan.is_some(), "{} has no plan yet; the next tick makes one", function.function);
            draw(path, &scaling::plan_chart(function, &shown.settings.zone))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&shown)?);
        } else {
            print!("{}", shown.table(Timestamp::now()));
        }
        let problems =
            shown.functions.iter().filter_map(|one| one.decision.as_ref()).any(|decision| !decision.problems.is_empty());
        Ok(if problems { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
