//! Prices a context without a stack.

use std::io::{self, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use carryout_pricing::{Context, Pipeline, explain, price};
use clap::Args;

/// Read a pricing context from standard input, and print where every cent of its price comes from.
///
/// The same context always gives the same price. The format is in docs/pricing.md and docs/pricing.schema.json.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout price < events/pricing/new-york-delivery.json\n  carryout price --json < events/pricing/plain.json | jq .total"
)]
pub(crate) struct PriceContext {
    /// Print the price as JSON, as a quote locks it
    #[arg(long)]
    json: bool,
}

impl PriceContext {
    /// Prices what standard input says.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
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
