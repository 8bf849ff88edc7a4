//! Which checkouts try what is not released yet.
//!
//! Every step function has two aliases: `live`, and `sandbox`, which equals `live` until somebody deploys a version to it.
//! Rules send chosen checkouts through a second state machine of their workflow, whose tasks call the `sandbox` aliases. The
//! lane is chosen once, when the order is written, and stays with it: later runs use the same state machine.

use crate::consumer::Consumer;
use carryout_workflow::{StoreError, cohort::Cohort};
use serde::{Deserialize, Serialize};
use std::{fmt, future::Future};

/// Which aliases of the step functions handle an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What is released.
    #[default]
    Live,
    /// What is tried in production.
    Sandbox,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 2] = [Self::Live, Self::Sandbox];

    /// As in JSON; also the alias that the lane's state machines call.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
        }
    }

    /// The name of a workflow's state machine in this lane.
    pub fn state_machine(self, workflow: &str) -> String {
        match self {
            Self::Live => workflow.to_owned(),
            Self::Sandbox => format!("{workflow}-sandbox"),
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whose checkouts take the sandbox lane. Without rules nobody's do.
///
/// ```
/// use carryout_checkout::routing::{Lane, RoutingRules};
///
/// let rules: RoutingRules = serde_json::from_str(r#"{ "consumers": ["con_ada"], "percent": 0, "employees": true }"#).unwrap();
/// assert_eq!(rules.lane("con_ada", false), Lane::Sandbox);
/// assert_eq!(rules.lane("con_bob", false), Lane::Live);
/// assert_eq!(rules.lane("con_bob", true), Lane::Sandbox);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoutingRules(pub Cohort);

/// Where in the documents of the control table the rules are: partition and sort key.
pub const RULES_KEY: (&str, &str) = ("routing", "checkout");

/// What the cohort is drawn for.
const MATTER: &str = "checkout-sandbox";

impl RoutingRules {
    /// The lane of a new order of this consumer.
    pub fn lane_of(&self, consumer: &Consumer) -> Lane {
        self.lane(&consumer.id, consumer.employee)
    }

    /// The lane of a consumer by id, and by whether they work here.
    pub fn lane(&self, consumer_id: &str, employee: bool) -> Lane {
        if self.0.has(MATTER, consumer_id, employee) { Lane::Sandbox } else { Lane::Live }
    }
}

/// Where the rules come from.
pub trait Routing: Send + Sync {
    /// The rules as they were at most some seconds ago; the default where none are set. MUST answer soon, if only with an
    /// error: a checkout waits for it, and goes live without.
    fn rules(&self) -> impl Future<Output = Result<RoutingRules, StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rules_everybody_is_live() {
        let rules = RoutingRules::default();
        assert_eq!((rules.lane("con_1", true), rules.lane("", false)), (Lane::Live, Lane::Live));
    }

    #[test]
    fn each_lane_has_its_own_state_machines() {
        assert_eq!(
            Lane::ALL.map(|lane| lane.state_machine("checkout-standard")),
            ["checkout-standard", "checkout-standard-sandbox"]
        );
    }
}
