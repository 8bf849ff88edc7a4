//! `carryout ledger`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::ledger;

/// Fold a payment ledger into its balance.
#[derive(Debug, Args)]
pub(super) struct LedgerCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what is authorized, charged, refunded and voided, and how much of it is pending
    ///
    /// Reads JSON from standard input: an array of events, an object with `events` (as in events/ledger), or an order with
    /// its `ledger`. docs/api.md describes an event. Amounts in --json are in minor units.
    #[command(
        after_help = "Examples:\n  carryout ledger fold < events/ledger/refunded-in-part.json\n  curl -s \"$API/v1/orders/ord_…\" -H \"authorization: Bearer $TOKEN\" | carryout ledger fold --json"
    )]
    Fold {
        /// Print the balance as JSON
        #[arg(long)]
        json: bool,
    },
}

impl LedgerCommand {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Action::Fold { json } = self.action;
        let text = std::io::read_to_string(std::io::stdin()).context("cannot read the events from standard input")?;
        let balance = ledger::balance(&text)?;
        if json {
            println!("{}", serde_json::to_string_pretty(&balance)?);
        } else {
            print!("{}", ledger::table(&balance));
        }
        Ok(ExitCode::SUCCESS)
    }
}
