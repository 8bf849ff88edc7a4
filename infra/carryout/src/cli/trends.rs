//! `carryout trends`

use carryout_market::MarketId;
use std::process::ExitCode;

use anyhow::Result;
use carryout_price_monitoring::Span;
use carryout_pricing::PriceMeasure;
use clap::Args;
use local_cloud::Project;

use crate::stack::Stack;
use crate::trends::{self, Wanted};

/// Plot prices over time: the mean of each component in each market, and anomalous hours.
///
/// Quotes are counted within seconds, minutes kept for three days and hours for nine weeks. Exits with 1 if the last whole
/// hour is anomalous compared with the same hour of earlier weeks.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout trends\n  carryout trends --market CA --component tax --hours 168\n  carryout trends --minutes --hours 2\n  carryout trends --json | jq '.series[] | {market, component, median}'"
)]
pub(super) struct TrendsCommand {
    /// One market only
    #[arg(long, value_name = "COUNTRY")]
    market: Option<MarketId>,
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
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stack = Stack::deployed(&Project::find()?)?;
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
