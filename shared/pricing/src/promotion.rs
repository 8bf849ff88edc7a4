use crate::limits::Limits;
use carryout_money::Rate;
use carryout_predicate::Condition;
use serde::{Deserialize, Serialize};

/// A discount with the conditions under which it applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Its id; unique within a context.
    pub id: String,
    /// The name that the consumer reads.
    pub name: String,
    /// How the discount is computed.
    pub benefit: Benefit,
    /// The lines or fees that it applies to.
    #[serde(default)]
    pub scope: Scope,
    /// Who is eligible and when, evaluated on the context's attributes. Everyone if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The eligible items. All if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// The eligible lines, evaluated on each line's attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Condition>,
    /// The subtotal from which it applies.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub minimum_subtotal: i64,
    /// The largest discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<i64>,
    /// Higher priorities apply first; equal ones in the order of their ids. Each discount is computed on the amounts that
    /// the previous ones left.
    #[serde(default)]
    pub priority: i32,
    /// Whether it excludes all others: it applies only if no discount precedes it, and none follows it.
    #[serde(default)]
    pub exclusive: bool,
    /// How much of it orders may redeem.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
}

impl Promotion {
    /// Makes an unconditional promotion on all lines together.
    pub fn new(id: impl Into<String>, name: impl Into<String>, benefit: Benefit) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            benefit,
            scope: Scope::AcrossLines,
            condition: None,
            items: Vec::new(),
            lines: None,
            minimum_subtotal: 0,
            cap: None,
            priority: 0,
            exclusive: false,
            limits: Limits::default(),
        }
    }
}

/// How a promotion's discount is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Benefit {
    /// A rate of the amount, 0 to 1.
    Percent(Rate),
    /// A fixed amount.
    Fixed(i64),
    /// Of every `buy + get` units, the `get` cheapest are discounted. Lines that are sold by weight are not eligible.
    BuyXGetY {
        /// Units at full price.
        buy: u32,
        /// Discounted units.
        get: u32,
        /// The rate of the discount on each of those, 0 to 1. They are free if it is absent.
        #[serde(default = "whole")]
        rate: Rate,
        /// How many sets are discounted at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
    /// The fee with the code `delivery` is waived, whatever the scope.
    FreeDelivery,
    /// The highest tier that the eligible lines reach before discounts.
    Tiered(Vec<Tier>),
}

/// A tier of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The amount from which it applies.
    pub from: i64,
    /// Its discount.
    pub off: DiscountAmount,
}

/// A discount as a rate or as an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DiscountAmount {
    /// A rate of the amount, 0 to 1.
    Percent(Rate),
    /// A fixed amount.
    Fixed(i64),
}

/// The lines or fees that a promotion applies to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All eligible lines together; the discount is allocated to them in proportion to their amounts.
    #[default]
    AcrossLines,
    /// Each eligible line on its own.
    EachLine,
    /// The fees with this code.
    Fee(String),
}

fn whole() -> Rate {
    Rate::from_milli_percent(100_000)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}
