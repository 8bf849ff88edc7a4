//! Which checkouts try what is not released yet.
//!
//! Every step function has two aliases: `live`, and `sandbox`, which equals `live` until somebody deploys a version to it.
//! Rules send chosen checkouts through a second state machine of their workflow, whose tasks call the `sandbox` aliases. The
//! track is chosen once, when the order is written, and stays with it: later runs use the same state machine.

use crate::consumer::Consumer;
use carryout_environment::StorageError;
use carryout_predicate::cohort::Cohort;
use serde::{Deserialize, Serialize};
use std::{fmt, future::Future};

/// Which aliases of the step functions handle an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseTrack {
    /// What is released.
    #[default]
    Live,
    /// What is tried in production.
    Canary,
}

impl ReleaseTrack {
    /// Every track.
    pub const ALL: [Self; 2] = [Self::Live, Self::Canary];

    /// As in JSON; also the alias that the track's state machines call.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Canary => "canary",
        }
    }

    /// The name of a workflow's state machine in this track.
    pub fn state_machine(self, workflow: &str) -> String {
        match self {
            Self::Live => workflow.to_owned(),
            Self::Canary => format!("{workflow}-canary"),
        }
    }
}

impl fmt::Display for ReleaseTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whose checkouts take the canary track. Without rules nobody's do.
///
/// ```
/// use carryout_checkout::routing::{ReleaseTrack, RoutingRules};
///
/// let rules: RoutingRules = serde_json::from_str(r#"{ "consumers": ["con_ada"], "percent": 0, "employees": true }"#).unwrap();
/// assert_eq!(rules.release_track("con_ada", false), ReleaseTrack::Canary);
/// assert_eq!(rules.release_track("con_bob", false), ReleaseTrack::Live);
/// assert_eq!(rules.release_track("con_bob", true), ReleaseTrack::Canary);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoutingRules(pub Cohort);

/// Where in the documents of the control table the rules are: partition and sort key.
pub const RULES_KEY: (&str, &str) = ("routing", "checkout");

/// The name under which the cohort is drawn: changing it would change which consumers are in.
const MATTER: &str = "checkout-sandbox";

impl RoutingRules {
    /// The track of a new order of this consumer.
    pub fn release_track_of(&self, consumer: &Consumer) -> ReleaseTrack {
        self.release_track(&consumer.id, consumer.employee)
    }

    /// The track of a consumer by id, and by whether they work here.
    pub fn release_track(&self, consumer_id: &str, employee: bool) -> ReleaseTrack {
        if self.0.has(MATTER, consumer_id, employee) { ReleaseTrack::Canary } else { ReleaseTrack::Live }
    }
}

/// Where the rules come from.
pub trait Routing: Send + Sync {
    /// The rules as they were at most some seconds ago; the default where none are set. MUST answer soon, if only with an
    /// error: a checkout waits for it, and goes live without.
    fn rules(&self) -> impl Future<Output = Result<RoutingRules, StorageError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rules_everybody_is_live() {
        let rules = RoutingRules::default();
        assert_eq!(
            (rules.release_track("con_1", true), rules.release_track("", false)),
            (ReleaseTrack::Live, ReleaseTrack::Live)
        );
    }

    #[test]
    fn each_track_has_its_own_state_machines() {
        assert_eq!(
            ReleaseTrack::ALL.map(|track| track.state_machine("checkout-standard")),
            ["checkout-standard", "checkout-standard-canary"]
        );
    }
}
