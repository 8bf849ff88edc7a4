//! Redemption limits of promotions and credits. The engine prices one order and does not count redemptions: the caller
//! reserves them together with the order.

use crate::component::ComponentId;
use serde::{Deserialize, Serialize};

/// How much of a promotion or a credit orders may redeem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// All orders together.
    #[serde(default, skip_serializing_if = "Allowance::is_unlimited")]
    pub total: Allowance,
    /// The orders of one consumer.
    #[serde(default, skip_serializing_if = "Allowance::is_unlimited")]
    pub per_consumer: Allowance,
}

/// A number of redemptions, and an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Orders that may redeem it. Unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// The amount that they may redeem together, in minor units. Unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<i64>,
}

/// A component of a price that has redemption limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedComponent {
    /// The discount or credit: `discounts.<code>` or `credits.<code>`.
    pub component: ComponentId,
    /// Its limits.
    pub limits: Limits,
}

/// The amount by which a price redeems a limited component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedAmount<'a> {
    /// The discount or credit.
    pub component: &'a ComponentId,
    /// The amount, in minor units; above zero.
    pub amount: i64,
    /// The component's limits.
    pub limits: &'a Limits,
}

impl Limits {
    /// Whether redemption is unlimited.
    pub const fn are_none(&self) -> bool {
        self.total.is_unlimited() && self.per_consumer.is_unlimited()
    }
}

impl Allowance {
    /// Whether uses and budget are unlimited.
    pub const fn is_unlimited(&self) -> bool {
        self.uses.is_none() && self.budget.is_none()
    }
}
