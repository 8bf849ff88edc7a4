//! `carryout dev logs`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use local_cloud::Project;
use serde_json::json;

use crate::cli::duration;
use crate::functions;
use crate::logs::{LogLine, Logs};
use crate::stack::Stack;

/// Read the logs of a function, or every function's lines about an order, a refund, an applicant or a quote.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev logs quote-price --follow\n  carryout dev logs ord_… --since 2h\n  carryout dev logs --since 5m --json | jq -r 'select(.line.level == \"ERROR\")'"
)]
pub(super) struct LogsArguments {
    /// A function, or the id of an order, a refund, an applicant or a quote [default: every function]
    #[arg(value_name = "FUNCTION|ID")]
    subject: Option<String>,
    /// Keep printing new lines
    #[arg(long, short)]
    follow: bool,
    /// The age of the oldest line
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    since: SignedDuration,
    /// Include metrics and Lambda's own lines about each invocation
    #[arg(long)]
    all: bool,
    /// Print {function, at, line} per line, as JSON
    #[arg(long)]
    json: bool,
}

impl LogsArguments {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let project = Project::find()?;
        let logs = Logs::of(Stack::deployed(&project)?, functions::names(&project)?, self.subject).await?;
        let start = (Timestamp::now() - self.since).as_millisecond();
        let zone = TimeZone::system();
        let print = |line: &LogLine| {
            if self.json {
                let text = serde_json::from_str(&line.text).unwrap_or_else(|_| json!(line.text));
                println!("{}", json!({ "function": line.function, "at": line.at, "line": text }));
            } else if self.all || !line.is_for_machines() {
                println!("{}", line.readable(&zone));
            }
        };
        if self.follow {
            logs.follow(start, |line| {
                print(line);
                Ok(())
            })
            .await?;
        } else {
            logs.since(start).await?.iter().for_each(print);
        }
        Ok(ExitCode::SUCCESS)
    }
}
