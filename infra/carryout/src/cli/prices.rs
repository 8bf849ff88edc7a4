//! Our prices against the legacy system's, and over time.

use anyhow::{Result, ensure};
use carryout_checkout::{market::Country, trends::Span};
use carryout_pricing::PriceMeasure;
use carryout_workflow::cohort::Percent;
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use std::process::ExitCode;

use super::duration;
use super::release_tracks::{CohortChange, percent};
use crate::control::Change;
use crate::parity::{self, RolloutChange};
use crate::project::Project;
use crate::stack::Stack;
use crate::trends::{self, Wanted};

/// Show how our prices agree with the legacy system's, component by component.
///
/// Only sampled quotes are compared: `carryout parity rollout set --sample 10` compares one in ten. Comparisons are kept for 30
/// days. Exits with 1 where a component differs.
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
    market: Option<Country>,
    /// Of which time
    #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = duration)]
    last: SignedDuration,
    /// Print JSON; amounts in minor units
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ParityAction {
    /// Show or set which quotes are compared, and who is shown whose price
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
    /// Change the rollout; what is not given stays
    Set {
        /// The share of quotes that are compared
        #[arg(long, value_name = "0-100", value_parser = percent)]
        sample: Option<Percent>,
        /// A market that moves: its cohort is shown our prices, everybody else there the legacy system's
        #[arg(long, value_name = "COUNTRY")]
        market: Option<Country>,
        #[command(flatten)]
        cohort: CohortChange,
        /// A market that has moved: everybody is shown our prices there
        #[arg(long, value_name = "COUNTRY", conflicts_with = "market")]
        done: Option<Country>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// End the move: everybody is shown our prices, and nothing is compared
    Clear {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Draw what prices do over time: the mean of each component in each market, and hours unlike those of the weeks before.
///
/// Quotes are counted within seconds, minutes kept for three days and hours for nine weeks. Exits with 1 where the last whole
/// hour was unlike the same hour of the weeks before.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout trends\n  carryout trends --market CA --component tax --hours 168\n  carryout trends --minutes --hours 2\n  carryout trends --json | jq '.series[] | {market, component, median}'"
)]
pub(super) struct TrendsCommand {
    /// One market only
    #[arg(long, value_name = "COUNTRY")]
    market: Option<Country>,
    /// One component only: subtotal, discount, fees, tax, deposits, tip, credit or total
    #[arg(long)]
    component: Option<PriceMeasure>,
    /// How far back
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=1512))]
    hours: u16,
    /// Minute by minute instead of hour by hour
    #[arg(long)]
    minutes: bool,
    /// Print JSON; amounts in minor units
    #[arg(long)]
    json: bool,
}

impl TrendsCommand {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let span = if self.minutes { Span::Minute } else { Span::Hour };
        let wanted = Wanted { market: self.market, component: self.component, hours: self.hours, span };
        let (series, watched) = futures::try_join!(trends::series(&stack, wanted), trends::watched(&stack))?;
        if self.json {
            println!("{:#}", serde_json::json!({ "series": series, "watched": watched }));
        } else {
            print!("{}{}", trends::chart(&series), trends::summary(watched.as_ref()));
        }
        let is_fine = watched.is_none_or(|watched| watched.anomalies.is_empty());
        Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl ParityCommand {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
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
