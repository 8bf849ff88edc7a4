//! A market of onboarding, as data: the content of one file.

use carryout_workflow::FormWorkflow;
use serde::{Deserialize, Serialize};

/// A market, and the workflow of its applicants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// ISO 3166-1 alpha-2 code of its country.
    pub country: String,
    /// The kind of applicants: `courier`, `merchant`.
    pub market_type: String,
    /// The name of its workflow: its own, or that of another market.
    pub workflow: String,
    /// The versions of its own workflow that applicants may be in. New applicants begin with the highest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<FormWorkflow>,
}

impl Market {
    /// Country and type, as settings name a market: `US/courier`.
    pub fn key(&self) -> String {
        market_key(&self.country, &self.market_type)
    }
}

/// Country and type, as settings name a market: `US/courier`.
pub fn market_key(country: &str, market_type: &str) -> String {
    format!("{country}/{market_type}")
}

/// Facts about a market that conditions may read, besides collected data.
pub const MARKET_FACTS: &[&str] = &["supply"];
