//! `carryout reconcile`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::SignedDuration;
use local_cloud::Project;

use super::duration;
use crate::reconciliation;
use crate::stack::Stack;

/// Show the latest reconciliation of payments: the processor against orders and ledgers.
///
/// reconcile-payments runs every five minutes. Exits with 1 if a finding needs an operator.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout reconcile\n  carryout reconcile --now\n  carryout reconcile --json | jq '.findings[] | select(.remedy == \"reported\")'"
)]
pub(super) struct Reconcile {
    /// Run one now and show its findings
    #[arg(long)]
    now: bool,
    /// With --now: skip payments younger than this, whose orders may still be under way
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = duration, requires = "now")]
    settled_after: SignedDuration,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stack = Stack::deployed(&Project::find()?)?;
        let report = if self.now {
            Some(reconciliation::now(&stack, self.settled_after).await?)
        } else {
            reconciliation::latest(&stack).await?
        };
        let report = report.context("there is no report yet; run `carryout reconcile --now`, or wait for the first one")?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", reconciliation::summary(&report));
        }
        Ok(if report.reported == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
