use carryout_money::{Rounding, allocate_into, share_of_first};
use serde::{Deserialize, Serialize};

/// How amounts are rounded and allocated. Its id is recorded with every price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Stable name: a policy with other rules has another id.
    pub id: String,
    /// How discounts, fees, taxes and weighed amounts are rounded.
    #[serde(default)]
    pub rounding: Rounding,
    /// The amount that a tax is rounded on.
    #[serde(default)]
    pub tax_level: TaxLevel,
    /// How an amount for several lines is allocated to them.
    #[serde(default)]
    pub allocation: Allocation,
}

/// The amount that a tax is rounded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxLevel {
    /// A line's amount.
    #[default]
    Line,
    /// Each unit of a line, as on a till that scans units one by one. A weighed line is one unit.
    Unit,
}

/// How an amount for several lines is allocated to them. With either method the shares add up exactly, have the amount's
/// sign, and are off by less than one minor unit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// Rounded towards zero; the remaining minor units go to the largest remainders, ties to the first line.
    #[default]
    LargestRemainder,
    /// A line's share is the cumulative share up to and including it, rounded half up, less the one before it.
    Cumulative,
}

/// `standard-1`: half up (away from zero), tax per line, largest remainder.
impl Default for Policy {
    fn default() -> Self {
        Self {
            id: "standard-1".to_owned(),
            rounding: Rounding::default(),
            tax_level: TaxLevel::default(),
            allocation: Allocation::default(),
        }
    }
}

impl Policy {
    /// Allocates `total` to `shares` in proportion to `weights`.
    pub(crate) fn spread(&self, total: i64, weights: &[u64], shares: &mut [i64]) {
        let sum = weights.iter().try_fold(0_u64, |sum, weight| sum.checked_add(*weight));
        match (self.allocation, sum) {
            (Allocation::Cumulative, Some(sum)) if sum > 0 => {
                let (mut up_to, mut before) = (0, 0);
                for (share, weight) in shares.iter_mut().zip(weights) {
                    up_to += weight;
                    let all = share_of_first(up_to, sum, total);
                    *share = all - before;
                    before = all;
                }
            }
            _ => allocate_into(total, weights, shares),
        }
    }
}
