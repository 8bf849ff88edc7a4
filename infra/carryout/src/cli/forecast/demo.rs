//! `carryout forecast demo`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use super::input::draw;
use crate::scaling::demo;
use crate::stack::Stack;

/// Seed three weeks of demand and play a day in fast motion, on a local cloud.
///
/// Runs the scaler's own code on the stack's tables and Lambda, with generated demand and a simulated clock,
/// independently of the deployed scaler. Ends with the chart and the bill.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout forecast demo\n  carryout forecast demo --svg day.svg --seed 7")]
pub(super) struct DemoScaling {
    /// The seed of the demand
    #[arg(long, env = "SEED", default_value_t = 6, value_name = "N")]
    seed: u64,
    /// The file to draw the day into
    #[arg(long, default_value = "target/scaling.svg", value_name = "FILE")]
    svg: PathBuf,
}

impl DemoScaling {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let day = demo::play(&Stack::deployed(&Project::find()?)?, terminal, self.seed).await?;
        draw(&self.svg, &day.chart())?;
        print!("{}", day.print());
        println!("\nthe chart is {}", self.svg.display());
        Ok(ExitCode::SUCCESS)
    }
}
