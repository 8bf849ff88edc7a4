//! What an operator sets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use carryout_forecast::{Account, Event, Function, Margin, Pinned, Price};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Where the settings are in the control table.
pub const SETTINGS_KEY: (&str, &str) = ("scaling", "settings");

/// How long a request keeps an environment busy, in seconds, where nothing was measured yet.
const ASSUMED_DURATION: f64 = 0.2;

/// Whether plans are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Forecast, plan, keep both, and set nothing.
    #[default]
    ForecastOnly,
    /// Set what the plan says.
    Apply,
    /// Do nothing. What is set stays.
    Off,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::ForecastOnly, Self::Apply, Self::Off];

    /// As in JSON: `forecast-only`, `apply`, `off`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForecastOnly => "forecast-only",
            Self::Apply => "apply",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mode = Self::ALL.into_iter().find(|mode| mode.name() == text);
        mode.ok_or_else(|| "the modes are forecast-only, apply and off".to_owned())
    }
}

/// How one function is planned. What is left out is the default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Functions with a higher priority get their environments first.
    pub priority: i32,
    /// Seconds that a request keeps an environment busy. Without it, what was measured in the last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Its memory in GB, which its environments cost by.
    pub memory: f64,
    /// The quantile of demand to provide for. Without it, the one that costs least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// What is added for the ups and downs inside a slot.
    pub margin: Margin,
    /// The fewest environments, whatever is forecast.
    pub min: u32,
    /// The most environments.
    pub max: u32,
    /// The most environments that five minutes may add or remove. Without it, any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            priority: 0,
            duration: None,
            // What the template gives every function.
            memory: 0.25,
            quantile: None,
            margin: Margin::Poisson,
            min: 0,
            max: 100,
            step: None,
        }
    }
}

/// An operator's number for a function, whatever is forecast, until it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The environments; 0 for none.
    pub concurrency: u32,
    /// When the plan counts again.
    pub until: Timestamp,
    /// Why, for whoever looks next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All that an operator sets, as one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether plans are carried out.
    pub mode: Mode,
    /// Whose days and weeks demand follows: a name of the IANA time zone database.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
    /// What holds for all functions together.
    pub account: Account,
    /// How functions are planned, by name.
    pub functions: BTreeMap<String, Tuning>,
    /// Numbers that operators set for some time, by function.
    pub overrides: BTreeMap<String, Override>,
    /// Holidays, promotions, closures.
    pub events: Vec<Event>,
}

impl Default for Settings {
    fn default() -> Self {
        let account = Account {
            limit: 400,
            lead: SignedDuration::from_mins(2),
            hold: SignedDuration::from_mins(10),
            price: Price::default(),
        };
        Self {
            mode: Mode::default(),
            zone: TimeZone::UTC,
            account,
            functions: BTreeMap::new(),
            overrides: BTreeMap::new(),
            events: Vec::new(),
        }
    }
}

impl Settings {
    /// How a function is planned.
    pub fn tuning(&self, function: &str) -> Tuning {
        self.functions.get(function).cloned().unwrap_or_default()
    }

    /// A function's override, while it lasts.
    pub fn override_of(&self, function: &str, at: Timestamp) -> Option<&Override> {
        self.overrides.get(function).filter(|set| at < set.until)
    }

    /// A function to plan, from how it is planned and what was measured: seconds of a request.
    pub(crate) fn function(&self, name: &str, measured: Option<f64>, at: Timestamp) -> Function {
        let Tuning { priority, duration, memory, quantile, margin, min, max, step } = self.tuning(name);
        let pinned = self.override_of(name, at).map(|set| Pinned { concurrency: set.concurrency, until: set.until });
        let duration = duration.or(measured).unwrap_or(ASSUMED_DURATION);
        Function { priority, memory, quantile, margin, min, step, pinned, ..Function::new(name, duration, max) }
    }
}
