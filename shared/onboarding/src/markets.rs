//! The markets, one data file each, and what operators set about them.

use crate::{
    applicant::Applicant,
    lint::{self, Finding},
};
use carryout_predicate::cohort::Cohort;
use carryout_workflow::{Orchestrator, Route, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A market: who onboards how. The content of one file in `markets/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// ISO 3166-1 alpha-2 code of its country.
    pub country: String,
    /// What people want to be there: `courier`, `merchant`.
    pub market_type: String,
    /// The name of its workflow: its own, or that of another market.
    pub workflow: String,
    /// The versions of its own workflow that somebody may be in. New applicants begin with the highest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<Workflow>,
}

/// The embedded files, by name.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/markets.rs"));

/// What operators set about markets: the document of the control table under [`SETTINGS_KEY`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Markets in place of the embedded ones of their country and type, or new ones.
    pub markets: Vec<Market>,
    /// Who begins here, by `country/market_type`; a market that is not named has moved for everybody.
    pub rollout: BTreeMap<String, Cohort>,
    /// What is known of each market, by `country/market_type`: what conditions may read, such as `supply`.
    pub facts: BTreeMap<String, Map<String, Value>>,
    /// Whether progress is mirrored from and to the system before this one.
    pub mirror: bool,
}

/// Where the settings are in the control table.
pub const SETTINGS_KEY: (&str, &str) = ("onboarding", "settings");

/// What conditions may read of a market besides what is collected.
pub const MARKET_FACTS: &[&str] = &["supply"];

impl Settings {
    /// Whether a market has moved over for this applicant.
    pub fn has_moved(&self, country: &str, market_type: &str, owner: &str) -> bool {
        let market = key(country, market_type);
        self.rollout.get(&market).is_none_or(|cohort| cohort.has(&format!("onboarding/{market}"), owner, false))
    }

    /// What is known of a market.
    pub fn facts(&self, country: &str, market_type: &str) -> Map<String, Value> {
        self.facts.get(&key(country, market_type)).cloned().unwrap_or_default()
    }
}

fn key(country: &str, market_type: &str) -> String {
    format!("{country}/{market_type}")
}

/// Every market there is, checked.
#[derive(Debug, Clone)]
pub struct Markets {
    orchestrator: Orchestrator,
    settings: Settings,
}

/// An applicant's workflow is gone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("workflow {name} has no version {version} any more; put it back until nobody is in it")]
pub struct NoDefinition {
    /// The workflow.
    pub name: String,
    /// The version.
    pub version: u32,
}

/// Why markets can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMarkets {
    /// A file is no market.
    #[error("{file}: {problem}")]
    NotAMarket {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// The lint found something.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Lint(Vec<Finding>),
}

impl Markets {
    /// The embedded markets.
    ///
    /// # Errors
    ///
    /// Where one can't be used: a test holds that none is.
    pub fn embedded() -> Result<Self, InvalidMarkets> {
        Self::with(Settings::default())
    }

    /// The embedded markets with what operators set in place of them.
    ///
    /// # Errors
    ///
    /// Where one of them can't be used.
    pub fn with(settings: Settings) -> Result<Self, InvalidMarkets> {
        let mut markets = embedded_files()?;
        for market in &settings.markets {
            markets.retain(|other| (&other.country, &other.market_type) != (&market.country, &market.market_type));
        }
        markets.extend(settings.markets.iter().cloned());
        Self::only(markets, settings)
    }

    /// These markets and no others.
    ///
    /// # Errors
    ///
    /// Where one of them can't be used.
    pub fn only(markets: Vec<Market>, settings: Settings) -> Result<Self, InvalidMarkets> {
        let findings = lint::lint(&markets);
        if !findings.is_empty() {
            return Err(InvalidMarkets::Lint(findings));
        }
        let routes = markets.iter().map(|market| Route {
            country: Some(market.country.clone()),
            market_type: Some(market.market_type.clone()),
            workflow: market.workflow.clone(),
        });
        let routes = routes.collect();
        let workflows = markets.into_iter().flat_map(|market| market.definitions).collect();
        Ok(Self { orchestrator: Orchestrator::new(workflows, routes), settings })
    }

    /// Picks a workflow by country and market type.
    pub const fn orchestrator(&self) -> &Orchestrator {
        &self.orchestrator
    }

    /// What operators set.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The workflow that an applicant is in.
    ///
    /// # Errors
    ///
    /// Where it is gone.
    pub fn of(&self, applicant: &Applicant) -> Result<&Workflow, NoDefinition> {
        let (name, version) = (&applicant.workflow, applicant.workflow_version);
        self.orchestrator.version(name, version).ok_or_else(|| NoDefinition { name: name.clone(), version })
    }
}

/// The markets that are embedded.
///
/// # Errors
///
/// Where a file is no market.
pub fn embedded_files() -> Result<Vec<Market>, InvalidMarkets> {
    EMBEDDED.iter().map(|(file, text)| parse(file, text)).collect()
}

/// The market in a file.
///
/// # Errors
///
/// Where it is none; names line and column.
pub fn parse(file: &str, text: &str) -> Result<Market, InvalidMarkets> {
    serde_json::from_str(text).map_err(|error| InvalidMarkets::NotAMarket { file: file.to_owned(), problem: error.to_string() })
}
