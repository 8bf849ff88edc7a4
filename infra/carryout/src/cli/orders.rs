//! Orders, their ledgers, and what reconciliation found.

use anyhow::{Context as _, Result};
use carryout_checkout::ledger::LedgerPhase;
use carryout_checkout::order::OrderStatus;
use carryout_checkout::request_refund::RefundBody;
use carryout_pricing::RefundLine;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use std::process::ExitCode;

use super::duration;
use crate::client::Client;
use crate::project::Project;
use crate::stack::Stack;
use crate::terminal::Terminal;
use crate::{ledger, order, reconciliation};

/// Look at orders, redrive parked ones, and give back what was paid, as an operator.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout order show ord_…\n  carryout order parked\n  carryout order redrive ord_…\n  carryout order refund ord_… --lines 0:1,2:2 --reason \"arrived cold\"\n\nOn AWS, give your issuer's token by --token or CARRYOUT_TOKEN."
)]
pub(super) struct OrderCommand {
    #[command(subcommand)]
    action: OrderAction,
    /// An operator's bearer token [default: one of the local issuer]
    #[arg(long, env = "CARRYOUT_TOKEN", global = true, hide_env_values = true, value_name = "JWT")]
    token: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrderAction {
    /// Where an order stands, with its timeline
    Show {
        /// The order's id
        id: String,
    },
    /// Orders whose undo could not be finished, what remains of them, and where
    Parked,
    /// Take the undo of a parked order up again, and follow it. Exits with 1 where it parks again
    Redrive {
        /// The order's id
        id: String,
    },
    /// Give back what was paid for a placed order, or a part of it, and follow it. Exits with 1 where it fails
    #[command(group = clap::ArgGroup::new("what").required(true).args(["lines", "everything", "amount"]))]
    Refund {
        /// The order's id
        id: String,
        /// Units of lines by their place in the order, from 0
        #[arg(long, value_name = "LINE:QUANTITY", value_delimiter = ',', value_parser = order::refund_line)]
        lines: Vec<RefundLine>,
        /// With --lines: also their share of fees and tip
        #[arg(long, requires = "lines")]
        with_fees: bool,
        /// All that is left
        #[arg(long)]
        everything: bool,
        /// An amount in minor units
        #[arg(long)]
        amount: Option<i64>,
        /// Why, in 1 to 500 characters
        #[arg(long)]
        reason: String,
    },
}

/// Read an order's payment ledger.
#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Tell what is authorized, charged, refunded and voided, and what of it is pending.
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

/// Tell what the last reconciliation of payments found: processor against orders and ledgers.
///
/// reconcile-payments makes one every five minutes. Exits with 1 where something is left for a person.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout reconcile\n  carryout reconcile --now\n  carryout reconcile --json | jq '.findings[] | select(.remedy == \"reported\")'"
)]
pub(super) struct Reconcile {
    /// Make one now and tell what it found
    #[arg(long)]
    now: bool,
    /// With --now: leave payments alone that are younger, since their orders may still be at them
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = duration, requires = "now")]
    settled_after: SignedDuration,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl OrderCommand {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let client = Client::new(project, &Stack::deployed(project)?)?.with_operator_token(self.token);
        let shown = match self.action {
            OrderAction::Parked => {
                let parked = order::parked(&client).await?;
                print!("{}", if self.json { format!("{:#}\n", serde_json::to_value(&parked)?) } else { order::table(&parked) });
                return Ok(ExitCode::SUCCESS);
            }
            OrderAction::Show { id } => order::show(&client, &id).await?,
            OrderAction::Redrive { id } => {
                let step = terminal.step(format!("Redriving {id}"));
                let ended = order::redrive(&client, &id, |_| {}).await?;
                step.done(&format!("Redrove {id}"));
                ended
            }
            OrderAction::Refund { id, lines, with_fees, everything, amount, reason } => {
                let body = RefundBody {
                    with_fees: with_fees.then_some(true),
                    lines: (!lines.is_empty()).then_some(lines),
                    everything: everything.then_some(true),
                    amount,
                    reason,
                };
                let step = terminal.step(format!("Refunding {id}"));
                let (taken, ended) = order::refund(&client, &id, &body).await?;
                let is_back =
                    ended.ledger.iter().any(|event| event.effect == taken.refund_id && event.phase == LedgerPhase::Success);
                step.done(&format!("{} {} of {id}", if is_back { "Gave back" } else { "Could not give back" }, taken.amount));
                if self.json {
                    println!("{:#}", serde_json::to_value(&ended)?);
                }
                return Ok(if is_back { ExitCode::SUCCESS } else { ExitCode::FAILURE });
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

impl Ledger {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self::Fold { json } = self;
        let told = std::io::read_to_string(std::io::stdin()).context("cannot read the events from standard input")?;
        let balance = ledger::balance(&told)?;
        if json {
            println!("{}", serde_json::to_string_pretty(&balance)?);
        } else {
            print!("{}", ledger::table(&balance));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Reconcile {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let report = if self.now {
            Some(reconciliation::now(&stack, self.settled_after).await?)
        } else {
            reconciliation::latest(&stack).await?
        };
        let report =
            report.context("there is no report yet; wait for the first one, or make one by `carryout reconcile --now`")?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", reconciliation::summary(&report));
        }
        Ok(if report.reported == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
