//! `carryout dev invoke`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use local_cloud::{Project, Terminal};
use serde_json::Value;

use crate::invoke::invoke;
use crate::lambda::LIVE;

/// Invoke a deployed function with an event, and print its answer.
///
/// The answer goes to standard output, the end of the function's log to standard error. Exits with 1 if the function failed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev invoke sweep-orders --event events/schedule/minute.json\n  echo '{}' | carryout dev invoke check-health --event -\n  carryout dev invoke authorize-payment --qualifier canary --event events/step-functions/authorize-payment.json"
)]
pub(super) struct Invoke {
    /// The function, by its folder below functions/
    function: String,
    /// The event: a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// An alias or a version
    #[arg(long, default_value = LIVE)]
    qualifier: String,
}

impl Invoke {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let event = if self.event.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin()).context("cannot read the event from standard input")?
        } else {
            std::fs::read_to_string(&self.event).with_context(|| format!("cannot read {}", self.event.display()))?
        };
        let event: Value = serde_json::from_str(&event).context("the event is not JSON")?;
        let answer = invoke(&Project::find()?, terminal, &self.function, &self.qualifier, &event).await?;
        if !answer.log.is_empty() {
            eprintln!("{}", answer.log.trim_end());
        }
        println!("{:#}", answer.payload);
        Ok(if answer.is_error { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
