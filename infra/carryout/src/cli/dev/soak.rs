//! `carryout dev soak`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::client::Client;
use crate::stack::Stack;
use crate::{seed, soak};

/// Send many orders with many faults to the deployed stack, and compare orders, ledgers and books to the cent.
///
/// Fails if an order did not end, was lost, charged twice or parked, or if a sum differs.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev soak\n  carryout dev soak --orders 200 --faulty 80 --seed 7\n  carryout dev soak --json | jq .ends"
)]
pub(super) struct Soak {
    /// Orders to send
    #[arg(long, env = "ORDERS", default_value_t = 2_000, value_name = "N")]
    orders: usize,
    /// Orders under way at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    at_once: u16,
    /// The percentage of orders with a fault
    #[arg(long, default_value_t = 40, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    faulty: u8,
    /// The seed of carts, consumers and faults
    #[arg(long, env = "SEED", default_value_t = 1, value_name = "N")]
    seed: u64,
    /// The seed number that the stack was seeded with
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Soak {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        let client = Client::new(&project, &Stack::deployed(&project)?)?;
        let wanted = soak::Wanted { orders: self.orders, at_once: self.at_once.into(), faulty: self.faulty, seed: self.seed };
        let report = soak::run(&client, &seed::marketplace(self.number), terminal, wanted).await?;
        if self.json {
            println!("{:#}", report.json());
        } else {
            print!("{}", report.print());
        }
        Ok(if report.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
