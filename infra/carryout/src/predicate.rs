//! Answers conditions from the command line.

use std::io::{self, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use carryout_predicate::Case;
use clap::{Args, Subcommand};
use serde_json::json;

/// Answer conditions: the language of promotions, onboarding and experiments.
#[derive(Debug, Args)]
pub(crate) struct Predicate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Eval(Eval),
}

/// Read {"condition", "attributes", "groups", "expected"} from standard input, and print true or false.
///
/// Exits with 1 where the answer is not the expected one. A part that is wrong counts as false, and is reported.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout predicate eval < events/predicate/first-orders.json\n  echo '{\"condition\": {\"age\": {\"$gte\": 18}}, \"attributes\": {\"age\": 20}}' | carryout predicate eval --json"
)]
struct Eval {
    /// Print {"result", "problems"} as JSON
    #[arg(long)]
    json: bool,
    /// Fail where the condition has a mistake
    #[arg(long)]
    strict: bool,
}

impl Predicate {
    /// Answers what standard input asks.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let Command::Eval(eval) = &self.command;
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        let case: Case = serde_json::from_str(&text).context("standard input is not a case; docs/predicate.md has the format")?;
        let (result, problems) = case.eval();
        if eval.json {
            println!("{:#}", json!({ "result": result, "problems": problems }));
        } else {
            println!("{result}");
            problems.iter().for_each(|problem| eprintln!("{problem}"));
        }
        let is_right = case.expected.is_none_or(|expected| expected == result);
        if !is_right {
            eprintln!("expected {}", !result);
        }
        Ok(if is_right && (problems.is_empty() || !eval.strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
