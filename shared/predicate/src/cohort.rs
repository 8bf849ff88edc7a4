//! Cohorts of a gradual rollout: named consumers, a share of all, employees.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A set of consumers matched by id, percentage or employment. The default is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cohort {
    /// Consumers by id.
    pub consumers: BTreeSet<String>,
    /// The share of all consumers. Members stay members while it grows.
    pub percent: Percent,
    /// Whether employees are included.
    pub employees: bool,
}

impl Cohort {
    /// Whether a consumer is a member, by id and employment. `matter` names the rollout: the same share of another matter has other
    /// members.
    pub fn has(&self, matter: &str, consumer_id: &str, employee: bool) -> bool {
        self.consumers.contains(consumer_id) || self.percent.has(matter, consumer_id) || (self.employees && employee)
    }
}

/// A share in percent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

/// A share of more than 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} percent is out of range; give 0 to 100")]
pub struct TooMuch(u8);

impl Percent {
    /// Whether an id is in the share: always the same for one matter. Members stay members while the share grows.
    pub fn has(self, matter: &str, id: &str) -> bool {
        place(matter, id, BUCKETS) < u64::from(self.0) * (BUCKETS / 100)
    }
}

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

/// The number of buckets: shares are exact to a hundredth of a percent.
const BUCKETS: u64 = 10_000;

/// The place of an id among `places` of a matter, which never changes: FNV-1a with 64 bits over both, mixed as in MurmurHash3's
/// finalizer, since FNV alone hardly spreads the last bytes of sequential ids.
pub fn place(matter: &str, id: &str, places: u64) -> u64 {
    let salted = matter.as_bytes().iter().chain(b"/").chain(id.as_bytes());
    let mut hash = salted.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    (hash ^ (hash >> 33)) % places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(matter: &str, percent: u8) -> BTreeSet<u32> {
        (0..10_000).filter(|number| Percent(percent).has(matter, &format!("con_{number}"))).collect()
    }

    #[test]
    fn a_growing_share_keeps_its_members_and_has_its_size() {
        let mut smaller = BTreeSet::new();
        for percent in [0, 1, 10, 20, 50, 99, 100] {
            let larger = members("checkout-sandbox", percent);
            assert!(smaller.is_subset(&larger), "{percent} % lost a member");
            let expected = f64::from(percent) * 100.0;
            // Four standard deviations of a fair draw.
            let tolerance = 4.0 * (expected * (1.0 - f64::from(percent) / 100.0)).sqrt();
            assert!((larger.len() as f64 - expected).abs() <= tolerance, "{percent} %: {}", larger.len());
            smaller = larger;
        }
    }

    #[test]
    fn shares_of_two_matters_are_independent() {
        let both = members("a", 50).intersection(&members("b", 50)).count();
        assert!((2_200..2_800).contains(&both), "{both} of 10000 are in both halves");
    }

    #[test]
    fn a_consumers_bucket_never_changes() {
        let bucket = |id| place("checkout-sandbox", id, BUCKETS);
        assert_eq!(["con_1", "con_2", "con_1w2vmf5f"].map(bucket), [915, 6944, 1073]);
    }

    #[test]
    fn a_share_above_one_hundred_percent_is_refused() {
        assert!(serde_json::from_str::<Cohort>(r#"{ "percent": 101 }"#).is_err());
        assert!(serde_json::from_str::<Cohort>(r#"{ "percentage": 10 }"#).is_err());
    }
}
