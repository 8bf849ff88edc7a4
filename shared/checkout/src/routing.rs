//! Which checkouts try what is not released yet.
//!
//! Every step function has two aliases: `live`, and `sandbox`, which equals `live` until somebody deploys a version to it.
//! Rules send chosen checkouts through a second state machine of their workflow, whose tasks call the `sandbox` aliases. The
//! lane is chosen once, when the order is written, and stays with it: later runs use the same state machine.

use crate::consumer::Consumer;
use carryout_workflow::StoreError;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, future::Future};

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

/// Whose checkouts take the sandbox lane: those of whom any rule speaks. Without rules nobody's do.
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
#[serde(default, deny_unknown_fields)]
pub struct RoutingRules {
    /// These consumers, by id.
    pub consumers: BTreeSet<String>,
    /// This share of all consumers, 0 to 100. Who is in stays in while it grows.
    pub percent: Percent,
    /// Whoever works here.
    pub employees: bool,
}

/// A share, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

/// A share of more than 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} percent is more than everybody; give 0 to 100")]
pub struct TooMuch(u8);

impl TryFrom<u8> for Percent {
    type Error = TooMuch;

    fn try_from(share: u8) -> Result<Self, TooMuch> {
        if share <= 100 { Ok(Self(share)) } else { Err(TooMuch(share)) }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// Where in the documents of the control table the rules are: partition and sort key.
pub const RULES_KEY: (&str, &str) = ("routing", "checkout");

/// Consumers are told apart by hundredths of a percent.
const BUCKETS: u64 = 10_000;

impl RoutingRules {
    /// The lane of a new order of this consumer.
    pub fn lane_of(&self, consumer: &Consumer) -> Lane {
        self.lane(&consumer.id, consumer.employee)
    }

    /// The lane of a consumer by id, and by whether they work here.
    pub fn lane(&self, consumer_id: &str, employee: bool) -> Lane {
        let in_cohort = bucket(consumer_id) < u64::from(self.percent.0) * (BUCKETS / 100);
        if self.consumers.contains(consumer_id) || in_cohort || (self.employees && employee) { Lane::Sandbox } else { Lane::Live }
    }
}

/// Where a consumer always is among the buckets.
fn bucket(consumer_id: &str) -> u64 {
    place("checkout-sandbox/", consumer_id, BUCKETS)
}

/// Where an id always is among `places`: FNV-1a with 64 bits over salt and id, mixed as in MurmurHash3's finalizer, since FNV
/// alone hardly spreads the last bytes of ids that count.
pub(crate) fn place(salt: &str, id: &str, places: u64) -> u64 {
    let salted = salt.bytes().chain(id.bytes());
    let mut hash = salted.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    (hash ^ (hash >> 33)) % places
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
    use std::collections::BTreeSet;

    fn cohort(percent: u8) -> BTreeSet<u32> {
        let rules = RoutingRules { percent: Percent(percent), ..RoutingRules::default() };
        (0..10_000).filter(|number| rules.lane(&format!("con_{number}"), false) == Lane::Sandbox).collect()
    }

    #[test]
    fn a_cohort_keeps_its_members_while_it_grows_and_is_as_large_as_it_says() {
        let mut smaller = BTreeSet::new();
        for percent in [0, 1, 10, 20, 50, 99, 100] {
            let larger = cohort(percent);
            assert!(smaller.is_subset(&larger), "{percent} % lost somebody");
            let expected = f64::from(percent) * 100.0;
            // Four standard deviations of a fair draw.
            let tolerance = 4.0 * (expected * (1.0 - f64::from(percent) / 100.0)).sqrt();
            assert!((larger.len() as f64 - expected).abs() <= tolerance, "{percent} %: {}", larger.len());
            smaller = larger;
        }
    }

    #[test]
    fn a_consumers_bucket_never_changes() {
        assert_eq!(["con_1", "con_2", "con_1w2vmf5f"].map(bucket), [915, 6944, 1073]);
    }

    #[test]
    fn without_rules_everybody_is_live() {
        let rules = RoutingRules::default();
        assert_eq!((rules.lane("con_1", true), rules.lane("", false)), (Lane::Live, Lane::Live));
    }

    #[test]
    fn more_than_everybody_is_refused() {
        assert!(serde_json::from_str::<RoutingRules>(r#"{ "percent": 101 }"#).is_err());
        assert!(serde_json::from_str::<RoutingRules>(r#"{ "percentage": 10 }"#).is_err());
    }

    #[test]
    fn each_lane_has_its_own_state_machines() {
        assert_eq!(
            Lane::ALL.map(|lane| lane.state_machine("checkout-standard")),
            ["checkout-standard", "checkout-standard-sandbox"]
        );
    }
}
