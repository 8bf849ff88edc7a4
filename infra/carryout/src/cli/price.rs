//! `carryout price`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use carryout_pricing::{Context, Pipeline, explain, price};
use clap::Args;

/// Price a context from standard input and explain every cent.
///
/// The same context always gives the same price. The format is in docs/pricing.md and docs/pricing.schema.json.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout price < events/pricing/new-york-delivery.json\n  carryout price --json < events/pricing/plain.json | jq .total"
)]
pub(super) struct PriceCommand {
    /// Print the price as JSON, as a quote locks it
    #[arg(long)]
    json: bool,
}

impl PriceCommand {
    pub(super) fn run(self) -> Result<ExitCode> {
        let text = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
        let mut input = serde_json::Deserializer::from_str(&text);
        let context: Context = serde_path_to_error::deserialize(&mut input)
            .context("standard input is not a pricing context; docs/pricing.md has the format")?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&price(&context)?)?);
        } else {
            print!("{}", explain(&Pipeline::standard(), &context)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}
