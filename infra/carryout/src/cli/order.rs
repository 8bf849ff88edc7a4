//! `carryout order`

use std::process::ExitCode;

use anyhow::Result;
use carryout_checkout::order::OrderStatus;
use clap::{Args, Subcommand};
use local_cloud::Terminal;

use super::operator::Operator;
use crate::order;

/// Show orders, list parked ones, redrive them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout order show ord_…\n  carryout order parked\n  carryout order redrive ord_…\n\nOn AWS, give your issuer's token by --token or CARRYOUT_TOKEN."
)]
pub(super) struct OrderCommand {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    operator: Operator,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show an order's status and timeline
    Show {
        /// The order's id
        id: String,
    },
    /// List orders whose compensation could not be finished, with the remaining effects and their references
    Parked,
    /// Resume the compensation of a parked order and follow it. Exits with 1 if the order is parked again
    Redrive {
        /// The order's id
        id: String,
    },
}

impl OrderCommand {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let client = self.operator.client()?;
        let shown = match self.action {
            Action::Parked => {
                let parked = order::parked(&client).await?;
                print!("{}", if self.json { format!("{:#}\n", serde_json::to_value(&parked)?) } else { order::table(&parked) });
                return Ok(ExitCode::SUCCESS);
            }
            Action::Show { id } => order::show(&client, &id).await?,
            Action::Redrive { id } => {
                let step = terminal.step(format!("Redriving {id}"));
                let ended = order::redrive(&client, &id, |_| {}).await?;
                step.done(&format!("Redrove {id}"));
                ended
            }
        };
        if self.json {
            println!("{:#}", serde_json::to_value(&shown)?);
        } else {
            let why = shown.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
            println!("{} is {}{why}", shown.id, shown.status);
            print!("{}", order::timeline(&shown));
        }
        Ok(if shown.status == OrderStatus::Parked { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
