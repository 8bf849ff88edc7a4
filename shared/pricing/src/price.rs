use crate::{Flag, Weight};
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a cart costs, component by component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The lines with their amounts.
    pub lines: Vec<PricedLine>,
    /// Sum of the lines.
    pub subtotal: Money,
    /// Fees that are not zero.
    pub fees: Vec<Charge>,
    /// What is taken off; negative amounts.
    pub discounts: Vec<Charge>,
    /// Taxes. Those that are included in the prices are shown and not added.
    pub taxes: Vec<Charge>,
    /// The courier's tip.
    pub tip: Money,
    /// Deposits, which come back with the empties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposits: Vec<Charge>,
    /// Credits that pay a part; negative amounts.
    pub credits: Vec<Charge>,
    /// What the consumer pays.
    pub total: Money,
    /// The id of the policy by which amounts were rounded and spread.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// The version of the engine that computed it.
    #[serde(default)]
    pub engine: u32,
    /// What a provider could not tell, and what stood in for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// A line of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The item's id.
    pub item_id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// How many.
    pub quantity: u32,
    /// What all of them weigh, where the unit price is for one unit of weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Price of one.
    pub unit_price: Money,
    /// Price of all.
    pub amount: Money,
}

/// A named amount of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Stable name.
    pub code: String,
    /// What the consumer reads.
    pub name: String,
    /// The amount; negative for what is taken off.
    pub amount: Money,
    /// Whether it is part of other amounts already and so not added to the total.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub included: bool,
    /// How it is shared by what is bought, so that a part of it can be given back with a part of the order.
    #[serde(default, skip_serializing_if = "Shares::is_empty")]
    pub shares: Shares,
}

/// How an amount is shared by lines, fees and tip. The shares have its sign and add up to it exactly. Minor units.
///
/// What one unit of a line has of it is never stored: the first `k` of `n` units have
/// [`share_of_first`](carryout_money::share_of_first) of the line's share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// By line, in the price's order. Empty where no line has a share.
    #[serde(default, skip_serializing_if = "is_all_zero")]
    pub lines: Vec<i64>,
    /// By fee, in the price's order. Empty where no fee has a share.
    #[serde(default, skip_serializing_if = "is_all_zero")]
    pub fees: Vec<i64>,
    /// The tip's share.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tip: i64,
}

impl Shares {
    /// Whether nothing has a share.
    pub fn is_empty(&self) -> bool {
        self.tip == 0 && is_all_zero(&self.lines) && is_all_zero(&self.fees)
    }

    /// The same shares as they are read back after they were written: nothing in place of zeros alone.
    #[must_use]
    pub(crate) fn compact(mut self) -> Self {
        for shares in [&mut self.lines, &mut self.fees] {
            if is_all_zero(shares) {
                shares.clear();
            }
        }
        self
    }

    /// All shares together; `None` where they don't fit into an `i64`.
    pub fn sum(&self) -> Option<i64> {
        self.lines.iter().chain(&self.fees).try_fold(self.tip, |sum, share| sum.checked_add(*share))
    }
}

fn is_all_zero(shares: &[i64]) -> bool {
    shares.iter().all(|share| *share == 0)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}
