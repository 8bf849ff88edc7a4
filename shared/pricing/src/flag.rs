use serde::{Deserialize, Serialize};

/// A provider that did not answer, and the fallback that the price was computed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The provider that did not answer.
    pub provider: String,
    /// The fallback.
    pub used: Fallback,
    /// Why the provider did not answer.
    pub reason: String,
}

/// A substitute for a provider's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The provider's last known answer.
    LastKnown,
    /// The declared default.
    Default,
}
