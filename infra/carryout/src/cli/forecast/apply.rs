//! `carryout forecast apply`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use carryout_scaling::{Mode, Override};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use local_cloud::Project;

use super::input::{share, zone};
use crate::cli::duration;
use crate::forecast;
use crate::scaling::{self, Change, TuningChange};
use crate::stack::Stack;

/// Change the scaler's settings. They take effect at the next tick, within five minutes.
///
/// After a deployment the scaler only forecasts. Review its plans (`carryout forecast show`) for some days, then let it apply
/// them: `carryout forecast apply mode apply`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout forecast apply mode apply\n  carryout forecast apply override submit-checkout 20 --for 2h --reason derby\n  carryout forecast apply release submit-checkout\n  carryout forecast apply tune submit-checkout --quantile 0.9 --max 60 --priority 1\n  carryout forecast apply account --limit 300 --tz Pacific/Auckland\n  carryout forecast apply events events.json\n  carryout forecast apply mode off"
)]
pub(super) struct Apply {
    #[command(subcommand)]
    change: Setting,
    /// Print the changed settings as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Setting {
    /// Set the mode: forecast-only, apply or off. No mode resets concurrency that is already provisioned
    Mode {
        /// forecast-only plans without applying, apply provisions the plan, off does neither
        mode: Mode,
    },
    /// Override a function's plan for some time; never below the environments in use
    Override {
        /// The function
        function: String,
        /// The environments; 0 for none
        concurrency: u32,
        /// The duration from now
        #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_unless_present = "until")]
        lasts: Option<SignedDuration>,
        /// The end
        #[arg(long, value_name = "TIME", conflicts_with = "lasts")]
        until: Option<Timestamp>,
        /// The reason, for the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// End a function's override
    Release {
        /// The function
        function: String,
    },
    /// Change the planning of a function; an option that is not given leaves its setting as it is
    Tune {
        /// The function
        function: String,
        /// Functions with a higher priority get their environments first
        #[arg(long, allow_negative_numbers = true)]
        priority: Option<i32>,
        /// The quantile of demand to provision for; 0.40 is the cheapest, more buys latency
        #[arg(long, value_parser = share)]
        quantile: Option<f64>,
        /// The fewest environments
        #[arg(long)]
        min: Option<u32>,
        /// The most environments
        #[arg(long)]
        max: Option<u32>,
        /// The largest change in five minutes
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        step: Option<u32>,
    },
    /// Change the settings of all functions; an option that is not given leaves its setting as it is
    Account {
        /// The account limit: the most environments of all functions together
        #[arg(long, value_name = "N", required_unless_present = "tz")]
        limit: Option<u32>,
        /// The time zone whose days and weeks demand follows
        #[arg(long, value_name = "ZONE", value_parser = zone)]
        tz: Option<TimeZone>,
    },
    /// Replace the calendar of holidays, promotions and closures
    Events {
        /// A JSON array, as docs/scaling.md describes it
        file: PathBuf,
    },
    /// Reset every setting to its state after a deployment
    Clear,
}

impl Apply {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let stack = Stack::deployed(&Project::find()?)?;
        let now = Timestamp::from_second(Timestamp::now().as_second())?;
        let settings = match self.change {
            Setting::Clear => scaling::clear(&stack).await?,
            setting => scaling::change(&stack, setting.changes(now)?, now).await?,
        };
        let text = if self.json { serde_json::to_string_pretty(&settings)? } else { scaling::describe(&settings) };
        println!("{text}");
        Ok(ExitCode::SUCCESS)
    }
}

impl Setting {
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
