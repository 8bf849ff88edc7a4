//! The markets, one data file each, and the settings of operators.

use crate::{
    applicant::Applicant,
    definition::{Market, market_key},
    lint::{self, LintFinding},
};
use carryout_environment::StorageError;
use carryout_predicate::cohort::Cohort;
use carryout_workflow::{FormStage, FormWorkflow, Orchestrator, Route};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, future::Future, sync::Arc};

/// The embedded files, by name.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/markets.rs"));

/// Settings of operators: the document of the control table under [`SETTINGS_KEY`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Markets in place of the embedded ones of their country and type, or new ones.
    pub markets: Vec<Market>,
    /// The applicants who begin here, by `country/market_type`; a market without an entry is rolled out to all.
    pub rollout: BTreeMap<String, Cohort>,
    /// Facts about markets that conditions may read, such as `supply`, by `country/market_type`.
    pub facts: BTreeMap<String, Map<String, Value>>,
    /// Whether progress is mirrored from and to the older system.
    pub mirror: bool,
}

/// The key of the settings in the control table.
pub const SETTINGS_KEY: (&str, &str) = ("onboarding", "settings");

impl Settings {
    /// Whether this applicant begins here rather than in the older system.
    pub fn has_moved(&self, country: &str, market_type: &str, owner: &str) -> bool {
        let market = market_key(country, market_type);
        self.rollout.get(&market).is_none_or(|cohort| cohort.has(&format!("onboarding/{market}"), owner, false))
    }

    /// The facts about a market.
    pub fn facts(&self, country: &str, market_type: &str) -> Map<String, Value> {
        self.facts.get(&market_key(country, market_type)).cloned().unwrap_or_default()
    }
}

/// All markets, checked by the lint.
#[derive(Debug, Clone)]
pub struct Markets {
    orchestrator: Orchestrator<FormStage>,
    settings: Settings,
}

/// The markets, with the settings of operators.
pub trait MarketSource: Send + Sync {
    /// The markets as they are now; may be some seconds old. Settings that the lint refuses are ignored: the ones before stay in
    /// force.
    fn markets(&self) -> impl Future<Output = Result<Arc<Markets>, StorageError>> + Send;
}

/// Markets that never change.
impl MarketSource for Arc<Markets> {
    async fn markets(&self) -> Result<Self, StorageError> {
        Ok(Self::clone(self))
    }
}

/// An applicant is in a version of a workflow that is not defined any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("workflow {name} has no version {version} any more; restore it until no applicant uses it")]
pub struct NoDefinition {
    /// The workflow.
    pub name: String,
    /// The version.
    pub version: u32,
}

impl From<NoDefinition> for StorageError {
    fn from(missing: NoDefinition) -> Self {
        Self::Corrupt(missing.to_string())
    }
}

/// Why markets can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMarkets {
    /// A file is not a market.
    #[error("{file}: {problem}")]
    NotAMarket {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// The lint reported findings.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Lint(Vec<LintFinding>),
}

impl Markets {
    /// The embedded markets.
    ///
    /// # Errors
    ///
    /// If one can't be used: a test proves that all can.
    pub fn embedded() -> Result<Self, InvalidMarkets> {
        Self::with(Settings::default())
    }

    /// The embedded markets, overridden by those of the settings.
    ///
    /// # Errors
    ///
    /// If one of them can't be used.
    pub fn with(settings: Settings) -> Result<Self, InvalidMarkets> {
        let mut markets = embedded_files()?;
        for market in &settings.markets {
            markets.retain(|other| other.key() != market.key());
        }
        markets.extend(settings.markets.iter().cloned());
        Self::only(markets, settings)
    }

    /// These markets and no others.
    ///
    /// # Errors
    ///
    /// If one of them can't be used.
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

    /// The orchestrator, which picks a workflow by country and market type.
    pub const fn orchestrator(&self) -> &Orchestrator<FormStage> {
        &self.orchestrator
    }

    /// The settings of operators.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The workflow that an applicant is in.
    ///
    /// # Errors
    ///
    /// If it is not defined any more.
    pub fn of(&self, applicant: &Applicant) -> Result<&FormWorkflow, NoDefinition> {
        let (name, version) = (&applicant.workflow, applicant.workflow_version);
        self.orchestrator.version(name, version).ok_or_else(|| NoDefinition { name: name.clone(), version })
    }
}

/// The embedded markets, unchecked.
///
/// # Errors
///
/// If a file is not a market.
pub fn embedded_files() -> Result<Vec<Market>, InvalidMarkets> {
    EMBEDDED.iter().map(|(file, text)| parse(file, text)).collect()
}

/// The market in a file.
///
/// # Errors
///
/// If the text is not a market; names line and column.
pub fn parse(file: &str, text: &str) -> Result<Market, InvalidMarkets> {
    serde_json::from_str(text).map_err(|error| InvalidMarkets::NotAMarket { file: file.to_owned(), problem: error.to_string() })
}
