//! Files of load, prices, and charts, which several commands read and write.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use carryout_forecast::{Architecture, Calendar, Gaps, Margin, Price, Series, Slot};
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use crate::forecast::{self, Chart};

/// A file of load.
#[derive(Debug, Args)]
pub(super) struct Input {
    /// Rows of `timestamp,value`
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
}

/// How load is read.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// The time zone of local timestamps, days and weeks
    #[arg(long, default_value = "UTC", value_name = "ZONE", value_parser = zone)]
    pub(super) tz: TimeZone,
    /// Sum rows into longer slots: 1, 5, 15, 30 or 60 minutes [default: as the rows are]
    #[arg(long, value_name = "MINUTES", value_parser = slot)]
    slot: Option<Slot>,
    /// Accept missing rows, as unknown load
    #[arg(long)]
    allow_gaps: bool,
    /// An event calendar: a JSON array
    #[arg(long, value_name = "FILE")]
    pub(super) events: Option<PathBuf>,
}

/// The price of environments.
#[derive(Debug, Args)]
pub(super) struct Prices {
    /// The region of the prices
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The processor of the prices
    #[arg(long, default_value = "x86")]
    architecture: Processor,
    /// Your own prices instead, in USD for a GB-second: provisioned, used, on demand
    #[arg(long, value_name = "USD,USD,USD", value_delimiter = ',', num_args = 3)]
    prices: Option<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Processor {
    X86,
    Arm,
}

impl Input {
    pub(super) fn read(&self) -> Result<Series> {
        self.reading.read(&self.file)
    }

    pub(super) fn calendar(&self) -> Result<Calendar> {
        self.reading.calendar()
    }
}

impl Reading {
    pub(super) fn read(&self, file: &Path) -> Result<Series> {
        let gaps = if self.allow_gaps { Gaps::Allowed } else { Gaps::Refused };
        forecast::read(file, self.tz.clone(), self.slot, gaps)
    }

    pub(super) fn calendar(&self) -> Result<Calendar> {
        forecast::calendar(self.events.as_deref())
    }
}

impl Prices {
    pub(super) fn price(&self) -> Result<Price> {
        let architecture = match self.architecture {
            Processor::X86 => Architecture::X86,
            Processor::Arm => Architecture::Arm,
        };
        match self.prices.as_deref() {
            Some([provisioned, used, on_demand]) => Ok(Price::new(*provisioned, *used, *on_demand)?),
            _ => Price::of(&self.region, architecture).context("give the prices by --prices"),
        }
    }
}

pub(super) fn draw(path: &Path, chart: &Chart) -> Result<()> {
    fs::write(path, chart.svg()).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|error| format!("{error}; write for example America/New_York"))
}

pub(super) fn slot(text: &str) -> Result<Slot, String> {
    let minutes: u16 = text.parse().map_err(|_| format!("{text:?} is not a number of minutes"))?;
    Slot::try_from(minutes).map_err(|error| error.to_string())
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
    seconds.ok_or_else(|| format!("{text:?} is not a number above 0"))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| format!("{text:?} is not a number above 0 and below 1"))
}

pub(super) fn margin(text: &str) -> Result<Margin, String> {
    match text {
        "none" => Ok(Margin::None),
        "poisson" => Ok(Margin::Poisson),
        overflow => Ok(Margin::Erlang { overflow: share(overflow)? }),
    }
}
