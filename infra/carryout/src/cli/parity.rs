//! `carryout parity`

use carryout_market::MarketId;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use carryout_predicate::cohort::Percent;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use local_cloud::Project;

use super::cohort::{CohortChange, percent};
use super::duration;
use crate::control::Change;
use crate::parity::{self, RolloutChange};
use crate::stack::Stack;

/// Compare our prices with the legacy system's, component by component.
///
/// Only sampled quotes are compared: `carryout parity rollout set --sample 10` compares one in ten. Comparisons are kept for 30
/// days. Exits with 1 if a component differs.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  carryout parity\n  carryout parity --market CA --last 1h\n  carryout parity --json | jq '.[] | select(.share < 1)'\n  carryout parity rollout set --sample 10 --market CA --percent 25 --employees=true\n  carryout parity rollout set --done CA\n  carryout parity rollout list --json\n  carryout parity rollout clear"
)]
pub(super) struct ParityCommand {
    #[command(subcommand)]
    action: Option<ParityAction>,
    /// One market only
    #[arg(long, value_name = "COUNTRY")]
    market: Option<MarketId>,
    /// The period up to now
    #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = duration)]
    last: SignedDuration,
    /// Print JSON; amounts in minor units
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ParityAction {
    /// Show or set which quotes are compared, and which consumers see which price
    #[command(subcommand)]
    Rollout(Rollout),
}

/// Functions notice a change within seconds. A locked quote keeps its price.
#[derive(Debug, Subcommand)]
pub(super) enum Rollout {
    /// Show the rollout
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change the rollout; an option that is not given leaves its setting as it is
    Set {
        /// The percentage of quotes that are compared
        #[arg(long, value_name = "0-100", value_parser = percent)]
        sample: Option<Percent>,
        /// A market under migration: its cohort sees our prices, other consumers the legacy system's
        #[arg(long, value_name = "COUNTRY")]
        market: Option<MarketId>,
        #[command(flatten)]
        cohort: CohortChange,
        /// A migrated market: all consumers see our prices
        #[arg(long, value_name = "COUNTRY", conflicts_with = "market")]
        done: Option<MarketId>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// End the migration: all consumers see our prices, and nothing is compared
    Clear {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

impl ParityCommand {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stack = Stack::deployed(&Project::find()?)?;
        if let Some(ParityAction::Rollout(rollout)) = self.action {
            return rollout.run(&stack).await;
        }
        let rows = parity::last(&stack, self.last, self.market).await?;
        print!("{}", if self.json { format!("{}\n", serde_json::to_string_pretty(&rows)?) } else { parity::table(&rows) });
        Ok(if rows.iter().all(|row| row.biggest.is_none()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Rollout {
    async fn run(self, stack: &Stack) -> Result<ExitCode> {
        let (rollout, json) = match self {
            Self::List { json } => (parity::rollout(stack).await?, json),
            Self::Set { sample, market, cohort, done, json } => {
                let cohort: Change = cohort.into();
                ensure!(market.is_some() || cohort == Change::default(), "say in which market: --market CA");
                (parity::change(stack, &RolloutChange { sample, market, cohort, done }).await?, json)
            }
            Self::Clear { json } => (parity::clear(stack).await?, json),
        };
        println!("{}", if json { serde_json::to_string_pretty(&rollout)? } else { parity::describe(&rollout) });
        Ok(ExitCode::SUCCESS)
    }
}
