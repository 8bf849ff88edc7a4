//! `make sim`: runs the fault matrix and prints it, or replays one seed with its whole history.

use anyhow::{Context as _, Result};
use clap::{Parser, builder::PossibleValuesParser};
use indicatif::{ProgressBar, ProgressStyle};
use sim::{
    adapters::Guard,
    cases,
    faults::RandomFaults,
    machines::Machines,
    matrix::{Subject, run_all, run_in_weather, run_one, table},
    verdict::judge,
};
use std::{process::ExitCode, sync::Arc, thread};

/// Runs whole checkouts in virtual time with everything that can go wrong going wrong, and reads the books.
#[derive(Parser)]
struct Arguments {
    /// Seeds per case.
    #[arg(long, env = "SEEDS", default_value_t = 200)]
    seeds: u64,
    /// Runs with two faults at random; 40 for each seed where nothing is said.
    #[arg(long, env = "PAIRS")]
    pairs: Option<u64>,
    /// Only the cases whose name contains this; with a seed, the case of this name.
    #[arg(long, env = "CASE")]
    case: Option<String>,
    /// Replays this seed of the case and prints its whole history.
    #[arg(long, env = "SEED", requires = "case")]
    seed: Option<u64>,
    /// Takes a guard of the checkout away, to see which cases it is there for.
    #[arg(long, env = "WITHOUT", value_parser = PossibleValuesParser::new(Guard::ALL.map(Guard::name)))]
    without: Option<String>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let machines = Arc::new(Machines::checked_in()?);
    let missing = arguments.without.as_deref().and_then(Guard::named);
    if let (Some(seed), Some(name)) = (arguments.seed, &arguments.case) {
        let subject = Subject::named(name).with_context(|| format!("there is no case {name}"))?;
        return Ok(exit(replay(&machines, subject, seed, missing)));
    }
    let only = arguments.case.as_deref().unwrap_or_default();
    let mut work: Vec<(Subject, u64)> = cases::all().into_iter().map(|case| (Subject::Case(case), arguments.seeds)).collect();
    work.push((Subject::Pair, arguments.pairs.unwrap_or(arguments.seeds * 40)));
    work.retain(|(subject, _)| subject.name().contains(only));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let bar = ProgressBar::new(work.iter().map(|(_, seeds)| seeds).sum());
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} runs  {elapsed}")?);
    let tallies = run_all(&machines, &work, missing, threads, &|runs| bar.inc(runs));
    bar.finish_and_clear();
    println!("{}", table(&tallies));

    let (runs, lost, double) =
        tallies.values().fold((0, 0, 0), |sum, tally| (sum.0 + tally.runs, sum.1 + tally.lost, sum.2 + tally.double));
    let broken: Vec<_> = tallies.iter().filter_map(|(subject, tally)| Some((subject, tally.first_broken.as_ref()?))).collect();
    for (subject, (seed, what)) in &broken {
        println!("{} seed {seed}: {}", subject.name(), what.join("; "));
    }
    if let Some((subject, (seed, _))) = broken.first() {
        println!();
        replay(&machines, **subject, *seed, missing);
        println!("replay it: make sim CASE={} SEED={seed}\n", subject.name());
    }
    let random_faults = RandomFaults { fail: 20, lose_answer: 5 };
    let with = run_in_weather(&machines, random_faults, None, 2_000);
    let without = run_in_weather(&machines, random_faults, Some(Guard::Retries), 2_000);
    for (seed, what) in [&with, &without].into_iter().filter_map(|tally| tally.first_broken.as_ref()) {
        println!("random_faults seed {seed}: {}", what.join("; "));
    }
    let percent = |placed: u64, runs: u64| placed as f64 * 100.0 / runs.max(1) as f64;
    println!(
        "with 20 % of partner calls failing at random and 5 % losing their answer: {:.2} % of payable orders PLACED; without \
         retries {:.2} %",
        percent(with.placed, with.runs),
        percent(without.placed, without.runs),
    );
    let lost = lost + with.lost + without.lost;
    let double = double + with.double + without.double;
    let runs = runs + with.runs + without.runs;
    let enough = percent(with.placed, with.runs) >= 99.0;
    println!("sim: {runs} runs, {lost} lost, {double} double");
    Ok(exit(lost == 0 && double == 0 && enough))
}

fn exit(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one seed again and prints what happened. Returns whether every promise was kept.
fn replay(machines: &Arc<Machines>, subject: Subject, seed: u64, missing: Option<Guard>) -> bool {
    let outcome = run_one(machines, subject, seed, missing, true);
    let broken = judge(&outcome);
    println!("{} seed {seed}: {}", subject.name(), outcome.cloud.described());
    for line in outcome.cloud.faults.history.lines() {
        println!("{line}");
    }
    println!("{}", outcome.books());
    for broken in &broken {
        println!("{broken}");
    }
    broken.is_empty()
}
