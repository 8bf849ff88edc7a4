//! `carryout refund`

use std::process::ExitCode;

use anyhow::Result;
use carryout_checkout::ledger::LedgerPhase;
use carryout_checkout::request_refund::RefundBody;
use carryout_pricing::RefundLine;
use clap::{ArgGroup, Args, Subcommand};
use local_cloud::Terminal;

use super::operator::Operator;
use crate::order;

/// Refund orders, in whole or in part, and redrive parked refunds.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout refund create ord_… --lines 0:1,2:2 --reason \"arrived cold\"\n  carryout refund create ord_… --everything --reason \"never arrived\"\n  carryout refund redrive ref_…\n\nOn AWS, give your issuer's token by --token or CARRYOUT_TOKEN."
)]
pub(super) struct RefundCommand {
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
    Create(Create),
    /// Resume a parked refund once the processor answers again
    Redrive {
        /// The refund's id
        id: String,
    },
}

/// Refund a placed order, or a part of it, and follow the refund. Exits with 1 if it fails
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["lines", "everything", "amount"]))]
struct Create {
    /// The order's id
    order: String,
    /// Units of lines by their position in the order, from 0
    #[arg(long, value_name = "LINE:QUANTITY", value_delimiter = ',', value_parser = order::refund_line)]
    lines: Vec<RefundLine>,
    /// With --lines: also their share of fees and tip
    #[arg(long, requires = "lines")]
    with_fees: bool,
    /// Everything not refunded yet
    #[arg(long)]
    everything: bool,
    /// An amount in minor units
    #[arg(long)]
    amount: Option<i64>,
    /// Why, in 1 to 500 characters
    #[arg(long)]
    reason: String,
}

impl RefundCommand {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let client = self.operator.client()?;
        match self.action {
            Action::Redrive { id } => {
                let refund = order::redrive_refund(&client, &id).await?;
                if self.json {
                    println!("{refund:#}");
                } else {
                    println!("{id} is under way again");
                }
                Ok(ExitCode::SUCCESS)
            }
            Action::Create(create) => {
                let Create { order: id, lines, with_fees, everything, amount, reason } = create;
                let body = RefundBody {
                    with_fees: with_fees.then_some(true),
                    lines: (!lines.is_empty()).then_some(lines),
                    everything: everything.then_some(true),
                    amount,
                    reason,
                };
                let step = terminal.step(format!("Refunding {id}"));
                let (answer, ended) = order::refund(&client, &id, &body).await?;
                let is_refunded =
                    ended.ledger.iter().any(|event| event.effect == answer.refund_id && event.phase == LedgerPhase::Success);
                step.done(&format!("{} {} of {id}", if is_refunded { "Refunded" } else { "Could not refund" }, answer.amount));
                if self.json {
                    println!("{:#}", serde_json::to_value(&ended)?);
                }
                Ok(if is_refunded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }
}
