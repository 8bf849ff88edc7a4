//! `carryout quote`

use std::process::ExitCode;

use anyhow::Result;
use carryout_pricing::Policy;
use clap::{Args, Subcommand};
use local_cloud::{Project, Terminal};

use super::operator::Operator;
use crate::quote;
use crate::stack::Stack;

/// Explain the price of a quote, replay it, and evaluate another policy on stored quotes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout quote explain quo_…\n  carryout quote replay quo_…\n  carryout quote shadow --policy '{\"id\": \"half-even\", \"rounding\": \"half_even\"}' --limit 500\n\nOn AWS, give your issuer's token by --token or CARRYOUT_TOKEN."
)]
pub(super) struct QuoteCommand {
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
    /// Explain every cent of a quote's price
    Explain {
        /// The quote's id
        id: String,
    },
    /// Recompute a quote's price from its stored context. Exits with 1 if it differs
    Replay {
        /// The quote's id
        id: String,
    },
    /// Compare stored quotes with their price under a candidate policy, by component. Changes nothing
    Shadow {
        /// The candidate: JSON, or a file that holds it
        #[arg(long, value_name = "POLICY", value_parser = quote::policy)]
        policy: Policy,
        /// The most quotes to compare
        #[arg(long, default_value_t = 10_000, value_name = "N")]
        limit: usize,
    },
}

impl QuoteCommand {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        match &self.action {
            Action::Explain { id } => {
                let record = quote::record(&self.operator.client()?, id).await?;
                if self.json {
                    println!("{:#}", serde_json::to_value(&record)?);
                } else {
                    print!("{}", quote::explanation(&record)?);
                }
            }
            Action::Replay { id } => {
                let replay = quote::replay(&self.operator.client()?, id).await?;
                if self.json {
                    println!("{:#}", serde_json::to_value(&replay)?);
                } else if let Some(difference) = &replay.difference {
                    println!("{id} differs at {}", difference.pointer);
                    println!("stored  {}", difference.stored);
                    println!("found   {}", difference.found);
                } else {
                    println!("{id} is identical");
                }
                if let Some(shown) = replay.shown.filter(|_| !self.json) {
                    println!("{id} shows {shown}, the price of another system");
                }
                return Ok(if replay.identical { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Action::Shadow { policy, limit } => {
                let stack = Stack::deployed(&Project::find()?)?;
                let shadow = quote::shadow(&stack, terminal, policy, *limit).await?;
                if self.json {
                    println!("{:#}", serde_json::to_value(&shadow)?);
                } else {
                    print!("{}", quote::summary(&shadow));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
