//! Runs cases under seeds, on several threads, and counts.

use crate::{
    adapters::Guard,
    cases::{Case, Kind, all},
    cloud::{Outcome, Scenario, simulate},
    faults::{PLACES, RandomFaults},
    machines::Machines,
    random::Random,
    verdict::{Broken, judge},
};
use carryout_checkout::order::OrderStatus;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The name of the runs with two faults each.
pub const PAIRS: &str = "pairs";

/// What is run: a case, or a pair of them that the seed chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One case.
    Case(Case),
    /// Two faults at random.
    Pair,
}

impl Subject {
    /// As on the command line.
    pub fn name(self) -> String {
        match self {
            Self::Case(case) => case.to_string(),
            Self::Pair => PAIRS.to_owned(),
        }
    }

    /// The subject of this name.
    pub fn named(name: &str) -> Option<Self> {
        if name == PAIRS { Some(Self::Pair) } else { crate::cases::named(name).map(Self::Case) }
    }
}

/// What came of some runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub runs: u64,
    /// In how many the planned fault, or another, went off.
    pub struck: u64,
    /// How many ended placed.
    pub placed: u64,
    /// How many ended failed or cancelled.
    pub failed: u64,
    /// How many were parked on the way.
    pub parked: u64,
    /// Runs that lost something.
    pub lost: u64,
    /// Runs in which something happened twice.
    pub double: u64,
    /// The first seed that broke a promise, and which.
    pub first_broken: Option<(u64, Vec<String>)>,
}

impl Tally {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        let broken = judge(outcome);
        self.runs += 1;
        self.struck += u64::from(outcome.cloud.faults.fired() > 0);
        match outcome.order.as_ref().map(|order| order.status) {
            Some(OrderStatus::Placed) => self.placed += 1,
            Some(OrderStatus::Failed | OrderStatus::Cancelled) => self.failed += 1,
            _ => {}
        }
        self.parked += u64::from(outcome.parked > 0);
        self.lost += u64::from(broken.iter().any(|broken| matches!(broken, Broken::Lost(_))));
        self.double += u64::from(broken.iter().any(|broken| matches!(broken, Broken::Double(_))));
        if !broken.is_empty() && self.first_broken.is_none() {
            self.first_broken = Some((seed, broken.iter().map(Broken::to_string).collect()));
        }
    }

    fn join(&mut self, other: &Self) {
        self.runs += other.runs;
        self.struck += other.struck;
        self.placed += other.placed;
        self.failed += other.failed;
        self.parked += other.parked;
        self.lost += other.lost;
        self.double += other.double;
    }
}

/// Runs one subject under one seed. The history is kept where `kept`.
pub fn run_one(machines: &Arc<Machines>, subject: Subject, seed: u64, missing: Option<Guard>, kept: bool) -> Outcome {
    let mut random = Random::named(&subject.name(), seed);
    let scenario = match subject {
        Subject::Case(case) => Scenario::of(case, &mut random),
        Subject::Pair => {
            let cases = all();
            let mut one = || cases[random.below(cases.len())];
            let (first, second) = (one(), one());
            Scenario::of_pair(first, second, &mut random)
        }
    };
    simulate(machines, Scenario { missing, ..scenario }, random, kept)
}

/// Runs each subject under its seeds, on `threads` threads. `progress` is told after each chunk how many runs it had.
pub fn run_all(
    machines: &Arc<Machines>,
    work: &[(Subject, u64)],
    missing: Option<Guard>,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> BTreeMap<Subject, Tally> {
    let next = AtomicUsize::new(0);
    let mut tallies = BTreeMap::new();
    thread::scope(|scope| {
        let worker = || {
            let mut mine = Vec::new();
            while let Some((subject, seeds)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut tally = Tally::default();
                for seed in 0..*seeds {
                    tally.add(seed, &run_one(machines, *subject, seed, missing, false));
                }
                progress(*seeds);
                mine.push((*subject, tally));
            }
            mine
        };
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            tallies.extend(worker.join().unwrap_or_default());
        }
    });
    tallies
}

/// Runs orders whose partners fail at random, and counts them.
pub fn run_in_weather(machines: &Arc<Machines>, random_faults: RandomFaults, missing: Option<Guard>, runs: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..runs {
        let mut random = Random::named("random_faults", seed);
        let scenario = Scenario::in_weather(random_faults, missing, &mut random);
        tally.add(seed, &simulate(machines, scenario, random, false));
    }
    tally
}

/// The matrix as a table: runs in each cell, with what was lost (`L`) or happened twice (`D`).
pub fn table(tallies: &BTreeMap<Subject, Tally>) -> String {
    let mut table = format!("{:<24}", "");
    for kind in Kind::ALL {
        let _ = write!(table, "{:>11}", kind.column());
    }
    let _ = writeln!(table, "{:>8}{:>8}{:>7}{:>8}", "cases", "runs", "lost", "double");
    for (place, ..) in PLACES {
        let mut row = Tally::default();
        let mut cases = 0;
        let _ = write!(table, "{place:<24}");
        for kind in Kind::ALL {
            let mut cell = Tally::default();
            for (subject, tally) in tallies {
                if matches!(subject, Subject::Case(case) if case.place == *place && case.kind == kind) {
                    cell.join(tally);
                    cases += 1;
                }
            }
            let _ = write!(table, "{:>11}", shown(&cell));
            row.join(&cell);
        }
        let _ = writeln!(table, "{cases:>8}{:>8}{:>7}{:>8}", row.runs, row.lost, row.double);
    }
    if let Some(pairs) = tallies.get(&Subject::Pair) {
        let blank = 11 * Kind::ALL.len();
        let _ = writeln!(
            table,
            "{:<24}{:<blank$}{:>8}{:>8}{:>7}{:>8}",
            "two faults at random", "", 1, pairs.runs, pairs.lost, pairs.double
        );
    }
    table
}

fn shown(cell: &Tally) -> String {
    match (cell.runs, cell.lost, cell.double) {
        (0, ..) => "·".to_owned(),
        (runs, 0, 0) => runs.to_string(),
        (runs, lost, double) => format!("{runs} L{lost} D{double}"),
    }
}
