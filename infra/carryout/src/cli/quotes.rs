//! Quotes, and what their prices depended on.

use anyhow::Result;
use carryout_pricing::Policy;
use clap::{Args, Subcommand};
use std::process::ExitCode;

use crate::client::Client;
use crate::project::Project;
use crate::quote;
use crate::stack::Stack;
use crate::terminal::Terminal;

/// Explain the price of a quote, compute it again, and try another policy on quotes that were given, as an operator.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout quote explain quo_…\n  carryout quote replay quo_…\n  carryout quote shadow --policy '{\"id\": \"half-even\", \"rounding\": \"half_even\"}' --limit 500\n\nOn AWS, give your issuer's token by --token or CARRYOUT_TOKEN."
)]
pub(super) struct QuoteCommand {
    #[command(subcommand)]
    action: QuoteAction,
    /// An operator's bearer token [default: one of the local issuer]
    #[arg(long, env = "CARRYOUT_TOKEN", global = true, hide_env_values = true, value_name = "JWT")]
    token: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum QuoteAction {
    /// Where every cent of a quote's price came from
    Explain {
        /// The quote's id
        id: String,
    },
    /// Compute a quote's price again from what was stored. Exits with 1 where it is another one
    Replay {
        /// The quote's id
        id: String,
    },
    /// What a candidate policy would change about stored quotes, by component. Changes nothing
    Shadow {
        /// The candidate: JSON, or a file with it
        #[arg(long, value_name = "POLICY", value_parser = quote::policy)]
        policy: Policy,
        /// Quotes to look at, at most
        #[arg(long, default_value_t = 10_000, value_name = "N")]
        limit: usize,
    },
}

impl QuoteCommand {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let client = || Ok::<_, anyhow::Error>(Client::new(project, &stack)?.with_operator_token(self.token.clone()));
        match &self.action {
            QuoteAction::Explain { id } => {
                let record = quote::record(&client()?, id).await?;
                if self.json {
                    println!("{:#}", serde_json::to_value(&record)?);
                } else {
                    print!("{}", quote::explanation(&record)?);
                }
            }
            QuoteAction::Replay { id } => {
                let replay = quote::replay(&client()?, id).await?;
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
            QuoteAction::Shadow { policy, limit } => {
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
