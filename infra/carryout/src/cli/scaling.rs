//! The deployed scaler: what it knows, and what operators tell it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use carryout_scaling::{Mode, Override};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::duration;
use super::forecast::{draw, share, zone};
use crate::forecast;
use crate::project::Project;
use crate::scaling::{self, Change, TuningChange, demo};
use crate::stack::Stack;
use crate::terminal::Terminal;

/// Show what the scaler knows: its mode, and for each function the plan, what Lambda reports, and the last decision.
///
/// Exits with 1 where a decision has a problem.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast show\n  carryout forecast show --function submit-checkout --svg plan.svg\n  carryout forecast show --json | jq '.functions[] | {function, reported}'"
)]
pub(super) struct Show {
    /// One function only
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// Draw the function's plan
    #[arg(long, value_name = "FILE", requires = "function")]
    svg: Option<PathBuf>,
    /// Print everything as JSON, plans included
    #[arg(long)]
    json: bool,
}

/// Tell the scaler what to do. It counts from the next tick on, within five minutes.
///
/// After a deployment the scaler only forecasts. Look at what it would set (`carryout forecast show`) for some days, then let it:
/// `carryout forecast apply mode apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast apply mode apply\n  carryout forecast apply override submit-checkout 20 --for 2h --reason derby\n  carryout forecast apply release submit-checkout\n  carryout forecast apply tune submit-checkout --quantile 0.9 --max 60 --priority 1\n  carryout forecast apply account --limit 300 --tz Pacific/Auckland\n  carryout forecast apply events events.json\n  carryout forecast apply mode off"
)]
pub(super) struct Apply {
    #[command(subcommand)]
    change: Told,
    /// Print the settings as they then are, as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Told {
    /// Whether plans are carried out: forecast-only, apply or off. In every mode what is set stays until it is changed
    Mode {
        /// forecast-only plans and sets nothing, apply sets what is planned, off does nothing at all
        mode: Mode,
    },
    /// Set a function's environments for some time, whatever is forecast; never below what is in use
    Override {
        /// The function
        function: String,
        /// The environments; 0 for none
        concurrency: u32,
        /// For how long from now
        #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_unless_present = "until")]
        lasts: Option<SignedDuration>,
        /// Until when
        #[arg(long, value_name = "TIME", conflicts_with = "lasts")]
        until: Option<Timestamp>,
        /// Why, for whoever looks next
        #[arg(long)]
        reason: Option<String>,
    },
    /// End a function's override
    Release {
        /// The function
        function: String,
    },
    /// Change how a function is planned; what is not given stays
    Tune {
        /// The function
        function: String,
        /// Functions with a higher priority get their environments first
        #[arg(long, allow_negative_numbers = true)]
        priority: Option<i32>,
        /// The quantile of demand to provide for; 0.40 costs least, more buys latency
        #[arg(long, value_parser = share)]
        quantile: Option<f64>,
        /// The fewest environments
        #[arg(long)]
        min: Option<u32>,
        /// The most environments
        #[arg(long)]
        max: Option<u32>,
        /// The most environments that five minutes may add or remove
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        step: Option<u32>,
    },
    /// Change what holds for all functions; what is not given stays
    Account {
        /// The most environments that all functions may have together
        #[arg(long, value_name = "N", required_unless_present = "tz")]
        limit: Option<u32>,
        /// Whose days and weeks demand follows
        #[arg(long, value_name = "ZONE", value_parser = zone)]
        tz: Option<TimeZone>,
    },
    /// Replace the calendar of holidays, promotions and closures
    Events {
        /// A JSON array, as docs/scaling.md describes it
        file: PathBuf,
    },
    /// Take back everything, as after a deployment
    Clear,
}

/// Seed three weeks of demand and play a day in fast motion, on a local cloud.
///
/// Runs the scaler's own code on the stack's tables and Lambda, with made-up demand and the clock of the day, beside what the
/// deployed scaler does. Ends with the chart and the bill.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout forecast demo\n  carryout forecast demo --svg day.svg --seed 7")]
pub(super) struct DemoScaling {
    /// Chooses the demand
    #[arg(long, env = "SEED", default_value_t = 6, value_name = "N")]
    seed: u64,
    /// Where to draw the day
    #[arg(long, default_value = "target/scaling.svg", value_name = "FILE")]
    svg: PathBuf,
}

impl Show {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let shown = scaling::show(&stack, self.function.as_deref()).await?;
        if let (Some(path), Some(function)) = (&self.svg, shown.functions.first()) {
            ensure!(function.plan.is_some(), "{} has no plan yet; the next tick makes one", function.function);
            draw(path, &scaling::plan_chart(function, &shown.settings.zone))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&shown)?);
        } else {
            print!("{}", shown.table(Timestamp::now()));
        }
        let problems =
            shown.functions.iter().filter_map(|one| one.decision.as_ref()).any(|decision| !decision.problems.is_empty());
        Ok(if problems { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Apply {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let now = Timestamp::from_second(Timestamp::now().as_second())?;
        let settings = match self.change {
            Told::Clear => scaling::clear(&stack).await?,
            told => scaling::change(&stack, told.changes(now)?, now).await?,
        };
        let text = if self.json { serde_json::to_string_pretty(&settings)? } else { scaling::describe(&settings) };
        println!("{text}");
        Ok(ExitCode::SUCCESS)
    }
}

impl Told {
    fn changes(self, now: Timestamp) -> Result<Vec<Change>> {
        Ok(match self {
            Self::Mode { mode } => vec![Change::Mode(mode)],
            Self::Override { function, concurrency, lasts, until, reason } => {
                let until = until.or(lasts.map(|lasts| now + lasts)).unwrap_or(now);
                vec![Change::Override(function, Override { concurrency, until, reason })]
            }
            Self::Release { function } => vec![Change::Release(function)],
            Self::Tune { function, priority, quantile, min, max, step } => {
                vec![Change::Tune(function, TuningChange { priority, quantile, min, max, step })]
            }
            Self::Account { limit, tz } => limit.map(Change::Limit).into_iter().chain(tz.map(Change::Zone)).collect(),
            Self::Events { file } => vec![Change::Events(forecast::calendar(Some(&file))?.events().to_vec())],
            Self::Clear => Vec::new(),
        })
    }
}

impl DemoScaling {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let day = demo::play(&Stack::deployed(project)?, terminal, self.seed).await?;
        draw(&self.svg, &day.chart())?;
        print!("{}", day.print());
        println!("\nthe chart is {}", self.svg.display());
        Ok(ExitCode::SUCCESS)
    }
}
