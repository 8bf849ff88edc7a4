//! `carryout dev status`

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Condition, Home, Project, Record};

/// Show whether the local cloud is running. Exits with 0 when it is healthy, with 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout dev status\n  carryout dev status --json | jq -r .endpoint")]
pub(super) struct Status {
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let project = Project::find()?;
        let status = local_cloud::status(&project).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&status)?);
        } else {
            println!(
                "{}",
                match status.condition {
                    Condition::Healthy => format!("healthy, {} processes", status.processes),
                    Condition::Unhealthy => "running but not answering; `carryout dev up` restarts it".to_owned(),
                    Condition::Dead =>
                        "ended without `carryout dev down`; `carryout dev up` cleans up and restarts it".to_owned(),
                    Condition::None => "no local cloud; `carryout dev up` starts one".to_owned(),
                }
            );
            if let Some(record) = &status.record {
                print!("{}", describe(&project, record));
            }
        }
        Ok(if status.condition == Condition::Healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A local cloud in words, one fact per line.
pub(super) fn describe(project: &Project, record: &Record) -> String {
    let mut text = format!("endpoint  {}\n", record.endpoint);
    if let Some(emulator) = record.emulator {
        let enforced = if record.enforce_iam { ", IAM policies enforced" } else { "" };
        let _ = writeln!(text, "emulator  {emulator}{enforced}");
    }
    let _ = match &record.home {
        Home::Process { leader } => writeln!(text, "pid       {}", leader.pid),
        Home::Container { name } => writeln!(text, "container {name}"),
        Home::Elsewhere => writeln!(text, "home      elsewhere; `carryout dev down` leaves it running"),
        Home::Starting => Ok(()),
    };
    if let Some(log) = record.log_for(project) {
        let _ = writeln!(text, "log       {log}");
    }
    text
}
