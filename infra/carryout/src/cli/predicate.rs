//! `carryout predicate`

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use carryout_predicate::Case;
use clap::{Args, Subcommand};
use serde_json::json;

/// Evaluate conditions: the language of promotions, onboarding and experiments.
#[derive(Debug, Args)]
pub(super) struct PredicateCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Eval(Eval),
}

/// Evaluate {"condition", "attributes", "groups", "expected"} from standard input, and print true or false
///
/// Exits with 1 if the result is not the expected one. An invalid part of the condition evaluates to false and is reported.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout predicate eval < events/predicate/first-orders.json\n  echo '{\"condition\": {\"age\": {\"$gte\": 18}}, \"attributes\": {\"age\": 20}}' | carryout predicate eval --json"
)]
struct Eval {
    /// Print {"result", "problems"} as JSON
    #[arg(long)]
    json: bool,
    /// Fail if the condition is invalid
    #[arg(long)]
    strict: bool,
}

impl PredicateCommand {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Action::Eval(eval) = self.action;
        let text = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
        let case: Case = serde_json::from_str(&text).context("standard input is not a case; docs/predicate.md has the format")?;
        let (result, problems) = case.eval();
        if eval.json {
            println!("{:#}", json!({ "result": result, "problems": problems }));
        } else {
            println!("{result}");
            problems.iter().for_each(|problem| eprintln!("{problem}"));
        }
        let is_expected = case.expected.is_none_or(|expected| expected == result);
        if !is_expected {
            eprintln!("expected {}", !result);
        }
        Ok(if is_expected && (problems.is_empty() || !eval.strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
