use crate::{SagaStage, Stage, Workflow};
use serde::{Deserialize, Serialize};

/// A route from one country and market type to one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// ISO 3166-1 alpha-2 code; `None` for any country.
    pub country: Option<String>,
    /// What the market sells (`restaurant`, `grocery`); `None` for any.
    pub market_type: Option<String>,
    /// The workflow's name.
    pub workflow: String,
}

/// Picks a workflow by country and market type, and does nothing else.
///
/// Without a parameter its workflows are sagas.
#[derive(Debug, Clone)]
pub struct Orchestrator<S: Stage = SagaStage> {
    workflows: Vec<Workflow<S>>,
    routes: Vec<Route>,
}

/// No route leads from this market to a workflow: the market is not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no workflow for market type {market_type:?} in {country:?}: add a route for it")]
pub struct NoWorkflow {
    /// The country asked for.
    pub country: String,
    /// The market type asked for.
    pub market_type: String,
}

impl<S: Stage> Orchestrator<S> {
    /// An orchestrator over `workflows`. Its `routes` are tried in their order; the first match decides.
    pub const fn new(workflows: Vec<Workflow<S>>, routes: Vec<Route>) -> Self {
        Self { workflows, routes }
    }

    /// The workflow for a market, at its newest version.
    ///
    /// # Errors
    ///
    /// If no route leads from the market to a workflow.
    pub fn pick(&self, country: &str, market_type: &str) -> Result<&Workflow<S>, NoWorkflow> {
        let fits = |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
        self.routes
            .iter()
            .find(|route| fits(&route.country, country) && fits(&route.market_type, market_type))
            .and_then(|route| self.newest(&route.workflow))
            .ok_or_else(|| NoWorkflow { country: country.to_owned(), market_type: market_type.to_owned() })
    }

    /// The workflow of this name with the highest version.
    pub fn newest(&self, name: &str) -> Option<&Workflow<S>> {
        self.workflows.iter().filter(|workflow| workflow.name == name).max_by_key(|workflow| workflow.version)
    }

    /// One version of a workflow.
    pub fn version(&self, name: &str, version: u32) -> Option<&Workflow<S>> {
        self.workflows.iter().find(|workflow| workflow.name == name && workflow.version == version)
    }

    /// Every workflow.
    pub fn workflows(&self) -> &[Workflow<S>] {
        &self.workflows
    }

    /// Every route, in the order in which they are tried.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}
