use crate::{error::PricingError, flag::Flag, limits::Limits, policy::Policy, promotion::Promotion, weight::Weight};
use carryout_money::{Currency, Rate, Rounding};
use carryout_predicate::Groups;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// The tax class of ordinary items.
pub const STANDARD_TAX: &str = "standard";
/// A tax class that no rate names.
pub const NO_TAX: &str = "none";
/// The code of the delivery fee.
pub const DELIVERY_FEE: &str = "delivery";

/// Everything that a price depends on. Every amount is in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// How amounts are rounded and allocated.
    #[serde(default)]
    pub policy: Policy,
    /// The market's currency.
    pub currency: Currency,
    /// The cart.
    pub lines: Vec<ContextLine>,
    /// The candidate discounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promotions: Vec<Promotion>,
    /// The fees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// The taxes on items and fees.
    #[serde(default)]
    pub taxes: Taxes,
    /// The courier's tip. Never taxed, never discounted.
    #[serde(default)]
    pub tip: i64,
    /// The consumer's credits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Credit>,
    /// The attributes that promotions' conditions are evaluated on: the consumer, the store, the market, the time. An object.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub attributes: Value,
    /// The saved groups that conditions refer to.
    #[serde(default, skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
    /// The providers that did not answer, and the fallbacks used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

impl Context {
    /// Makes a context of `lines` alone.
    pub fn new(currency: Currency, lines: Vec<ContextLine>) -> Self {
        Self {
            policy: Policy::default(),
            currency,
            lines,
            promotions: Vec::new(),
            fees: Vec::new(),
            taxes: Taxes::default(),
            tip: 0,
            credits: Vec::new(),
            attributes: Value::Null,
            groups: Groups::new(),
            flags: Vec::new(),
        }
    }
}

/// One line of a cart, with its current unit price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextLine {
    /// The item's id.
    pub item_id: Arc<str>,
    /// Its name, for the receipt.
    pub name: Arc<str>,
    /// The number of units.
    pub quantity: u32,
    /// The weight of all units together, for an item that is sold by weight. The unit price is then per unit of weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// The price of one unit.
    pub unit_price: i64,
    /// The least that one unit may cost after discounts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub minimum_unit_price: i64,
    /// The deposit on one unit. Neither discounted nor taxed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deposit: i64,
    /// The tax class: the rates that name it apply.
    #[serde(default = "standard", skip_serializing_if = "is_standard")]
    pub tax_class: String,
    /// The attributes that a promotion's `lines` condition is evaluated on: category, tags. An object.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub attributes: Value,
}

impl ContextLine {
    /// Makes a line of `quantity` units of an item at the standard tax.
    pub fn new(item_id: impl Into<Arc<str>>, name: impl Into<Arc<str>>, quantity: u32, unit_price: i64) -> Self {
        Self {
            item_id: item_id.into(),
            name: name.into(),
            quantity,
            weight: None,
            unit_price,
            minimum_unit_price: 0,
            deposit: 0,
            tax_class: standard(),
            attributes: Value::Null,
        }
    }

    /// The amount of all units of the line at `price` for one.
    pub(crate) fn times(&self, price: i64, rounding: Rounding) -> Result<i64, PricingError> {
        Ok(match self.weight {
            Some(weight) => rounding.quotient(i128::from(price) * i128::from(weight.thousandths()), 1_000)?,
            None => price.saturating_mul(i64::from(self.quantity)),
        })
    }
}

/// A fee, and how it is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Stable name: `delivery`, `service`, `small_order`.
    pub code: String,
    /// The name that the consumer reads.
    pub name: String,
    /// How it is computed.
    pub amount: FeeAmount,
    /// The tax class: the rates that name it apply. A class that no rate names is not taxed.
    #[serde(default = "untaxed")]
    pub tax_class: String,
}

/// How a fee is computed. A fee of zero is not charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FeeAmount {
    /// A fixed amount.
    Fixed(i64),
    /// A rate of the items' subtotal, within a range.
    OfSubtotal {
        /// The rate.
        rate: Rate,
        /// The smallest fee.
        min: i64,
        /// The largest fee.
        max: i64,
        /// Whether the rate applies to the subtotal after discounts.
        #[serde(default)]
        after_discounts: bool,
    },
    /// The amount by which the subtotal falls short of a minimum, at most `max`; zero from the minimum on.
    BelowMinimum {
        /// The subtotal from which the fee is zero.
        minimum: i64,
        /// The largest fee.
        max: i64,
    },
    /// An amount per unit in the cart.
    PerUnit {
        /// The fee for one unit.
        amount: i64,
        /// The largest fee.
        max: i64,
    },
    /// A rate of fees before it in the list: a surge on the delivery fee.
    OfFee {
        /// The code of those fees.
        fee: String,
        /// The rate.
        rate: Rate,
    },
    /// An amount per started kilometre beyond the included distance.
    ByDistance {
        /// The distance to the consumer. Metres.
        metres: u32,
        /// The included distance. Metres.
        beyond: u32,
        /// The fee for one kilometre.
        per_kilometre: i64,
        /// The largest fee.
        max: i64,
    },
}

/// The taxes of a market.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxes {
    /// Whether prices and fees include the taxes, as in Australia and New Zealand.
    #[serde(default)]
    pub included: bool,
    /// The rates. A compound rate follows the rates that it compounds.
    #[serde(default)]
    pub rates: Vec<TaxRate>,
}

/// One tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    /// Stable name: `tax`, `gst`, `pst`.
    pub code: String,
    /// Its name on the receipt: `Sales tax 8.875%`.
    pub name: String,
    /// The rate.
    pub rate: Rate,
    /// Whether it applies to the amount plus the taxes before it. The other rates apply to the amount alone, and are rounded
    /// together.
    #[serde(default)]
    pub compound: bool,
    /// The tax classes of lines and fees that it applies to.
    #[serde(default = "standard_only")]
    pub classes: Vec<String>,
}

/// A balance of the consumer that pays a part of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// Its id.
    pub id: String,
    /// The name that the consumer reads.
    pub name: String,
    /// The balance. The price redeems at most the amount to be paid.
    pub amount: i64,
    /// How much of it orders may redeem: the initial balance.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
}

fn standard() -> String {
    STANDARD_TAX.to_owned()
}

fn is_standard(class: &str) -> bool {
    class == STANDARD_TAX
}

fn untaxed() -> String {
    NO_TAX.to_owned()
}

fn standard_only() -> Vec<String> {
    vec![standard()]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}
