//! `make bench`: measures what the documentation claims, side by side with the naive way, and prints it with the machine
//! that it ran on. Nothing here fails on a slow machine.

mod forecast;
mod latency;
mod machine;
mod naive;
mod package;
mod peer;
mod plan;
mod price;
mod providers;
mod requests;
mod rig;
mod start;
mod transitions;

use std::path::PathBuf;

use anyhow::Result;
use carryout::Stack;
use clap::{Parser, ValueEnum};
use local_cloud::Project;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The task plan against one task after another.
    Plan,
    /// The pricing engine: time and allocations per quote.
    Price,
    /// The same carts priced by Medusa's engine in Node.js, and where the two differ.
    Peer,
    /// A quote with five slow providers, asked at the same time and one after another.
    Providers,
    /// Forecasts, plans and policies, beside statsforecast.
    Forecast,
    /// DynamoDB requests of a placed order, step by step.
    Requests,
    /// Step Functions transitions and payloads of a placed order.
    Transitions,
    /// Submit, and submit to PLACED.
    Latency,
    /// From process start to the first poll.
    Start,
    /// The size of each function's package.
    Package,
}

/// Measures Carryout on this machine.
///
/// Needs a deployed stack (`make demo`) for requests, transitions and latency, and a release build (`make package`) for
/// start and package.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  make bench\n  make bench DATA=load.csv\n  cargo run -p bench -- price peer providers\n  cargo run -p bench -- forecast --data load.csv --peer-days 124"
)]
struct Arguments {
    /// What to measure [default: everything]
    sections: Vec<Section>,
    /// Orders per measurement of latency
    #[arg(long, default_value_t = 40)]
    orders: usize,
    /// Forecast the load in this file of `timestamp,value` rows [default: a seeded market]
    #[arg(long, env = "DATA", value_name = "FILE")]
    data: Option<PathBuf>,
    /// The time zone of that load
    #[arg(long, env = "ZONE", default_value = "America/New_York")]
    zone: String,
    /// How many days statsforecast forecasts, which takes seconds for each
    #[arg(long, env = "PEER_DAYS", default_value_t = 16, value_name = "DAYS")]
    peer_days: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { sections, orders, data, zone, peer_days } = Arguments::parse();
    let wanted = |section| sections.is_empty() || sections.contains(&section);
    let project = Project::find()?;
    println!("{}", machine::describe(&project)?);
    if wanted(Section::Plan) {
        plan::measure().await?;
    }
    if wanted(Section::Price) {
        price::measure()?;
    }
    if wanted(Section::Peer) {
        peer::measure(&project)?;
    }
    if wanted(Section::Providers) {
        providers::measure().await?;
    }
    if wanted(Section::Forecast) {
        // An empty DATA is none.
        let data = data.as_deref().filter(|path| !path.as_os_str().is_empty());
        forecast::measure(&project, data, &zone, peer_days)?;
    }
    if wanted(Section::Requests) {
        requests::measure(&Stack::deployed(&project)?).await?;
    }
    if wanted(Section::Transitions) {
        transitions::measure(&project).await?;
    }
    if wanted(Section::Latency) {
        latency::measure(&project, orders).await?;
    }
    if wanted(Section::Start) {
        start::measure(&project)?;
    }
    if wanted(Section::Package) {
        package::measure(&project)?;
    }
    Ok(())
}

/// The value below which `share` (0 to 1) of the sorted values lie.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// The values in ascending order.
fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}
