use crate::{Flag, PricingError};
use carryout_money::{Currency, Rate, Rounding, allocate_into, share_of_first};
use carryout_predicate::{Condition, Groups};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use std::{fmt, str::FromStr, sync::Arc};

/// Lines of a context, at most.
pub const MAX_LINES: usize = 1_000;
/// Units of a line, at most.
pub const MAX_QUANTITY: u32 = 100_000;
/// An amount of a context, at most, in minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000;
/// Fees, promotions and credits of a context, at most; each.
pub const MAX_RULES: usize = 200;
/// Tax rates of a context, at most.
pub const MAX_TAXES: usize = 16;

/// Everything a price depends on. Every amount is in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// How amounts are rounded and spread.
    #[serde(default)]
    pub policy: Policy,
    /// The market's currency.
    pub currency: Currency,
    /// What is bought.
    pub lines: Vec<ContextLine>,
    /// What may be taken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promotions: Vec<Promotion>,
    /// What is charged besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// The taxes on items and fees.
    #[serde(default)]
    pub taxes: Taxes,
    /// What the consumer adds for the courier. Never taxed, never discounted.
    #[serde(default)]
    pub tip: i64,
    /// What the consumer has to pay with besides money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Credit>,
    /// What promotions' conditions are asked about: the consumer, the store, the market, the time. An object.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub attributes: Value,
    /// The saved groups that conditions refer to.
    #[serde(default, skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
    /// What of the above a provider could not tell, and what stood in for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// How amounts are rounded and spread. Its id is recorded with every price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Stable name: another rule gets another id.
    pub id: String,
    /// How discounts, fees, taxes and weighed amounts are rounded.
    #[serde(default)]
    pub rounding: Rounding,
    /// What a tax is rounded on.
    #[serde(default)]
    pub tax_level: TaxLevel,
    /// How an amount for several lines is spread over them.
    #[serde(default)]
    pub allocation: Allocation,
}

/// What a tax is rounded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxLevel {
    /// A line's amount.
    #[default]
    Line,
    /// Each unit of a line, as a till does that scans one after the other. A weighed line is one unit.
    Unit,
}

/// How an amount for several lines is spread over them. Either way the shares add up exactly, have the amount's sign, and
/// are off by less than one minor unit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// Rounded towards zero; what is left goes to the largest remainders, ties to the first line.
    #[default]
    LargestRemainder,
    /// A line's share is what the lines up to it have together, rounded half up, less what those before it have.
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
    /// Spreads `total` over `weights` into `shares`.
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

/// One line of a cart, with the unit price that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextLine {
    /// The item's id.
    pub item_id: Arc<str>,
    /// Its name, for the receipt.
    pub name: Arc<str>,
    /// How many.
    pub quantity: u32,
    /// What all of them weigh together, for an item that is sold by weight. The unit price is then for one unit of weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Price of one.
    pub unit_price: i64,
    /// The least that one may cost after discounts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub minimum_unit_price: i64,
    /// Deposit on one. Neither discounted nor taxed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deposit: i64,
    /// Which tax rates apply: those that name this class.
    #[serde(default = "standard", skip_serializing_if = "is_standard")]
    pub tax_class: String,
    /// What a promotion's `lines` condition is asked about: category, tags. An object.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub attributes: Value,
}

impl ContextLine {
    /// A line of `quantity` units of an item at the standard tax.
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

    /// What all units of the line cost at `price` for one.
    pub(crate) fn times(&self, price: i64, rounding: Rounding) -> Result<i64, PricingError> {
        Ok(match self.weight {
            Some(weight) => rounding.quotient(i128::from(price) * i128::from(weight.thousandths()), 1_000)?,
            None => price.saturating_mul(i64::from(self.quantity)),
        })
    }
}

/// A weight (or volume, or length) in thousandths of the unit that an item is priced by: `1.250`, in JSON as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u32);

impl Weight {
    /// `thousandths` of a unit: grams, for what is priced by the kilogram.
    pub const fn from_thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// The weight in thousandths.
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// The text is no weight.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no weight: write for example 1.250, with three decimals at most")]
pub struct NoWeight(pub String);

impl FromStr for Weight {
    type Err = NoWeight;

    fn from_str(text: &str) -> Result<Self, NoWeight> {
        let no_weight = || NoWeight(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > 3 {
            return Err(no_weight());
        }
        let thousandths: u32 = format!("{decimals:0<3}").parse().map_err(|_| no_weight())?;
        let whole: u32 = whole.parse().map_err(|_| no_weight())?;
        whole.checked_mul(1_000).and_then(|whole| whole.checked_add(thousandths)).map(Self).ok_or_else(no_weight)
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A fee by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Stable name: `delivery`, `service`, `small_order`.
    pub code: String,
    /// What the consumer reads.
    pub name: String,
    /// How much.
    pub amount: FeeAmount,
    /// Which tax rates apply: those that name this class. A class that none names is not taxed.
    #[serde(default = "untaxed")]
    pub tax_class: String,
}

/// How a fee is computed. A fee of nothing is not charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FeeAmount {
    /// Always the same.
    Fixed(i64),
    /// A share of the items' subtotal, between a least and a most.
    OfSubtotal {
        /// The share.
        rate: Rate,
        /// The least that is charged.
        min: i64,
        /// The most that is charged.
        max: i64,
        /// Whether discounts count, so that the share is of what the items cost after them.
        #[serde(default)]
        after_discounts: bool,
    },
    /// What is missing to a minimum subtotal, at most `max`; nothing above the minimum.
    BelowMinimum {
        /// The subtotal from which the fee is nothing.
        minimum: i64,
        /// The most that is charged.
        max: i64,
    },
    /// The same for each unit that is bought.
    PerUnit {
        /// For one.
        amount: i64,
        /// The most that is charged.
        max: i64,
    },
    /// A share of fees before it in the list: a surge on the delivery fee.
    OfFee {
        /// The code of those fees.
        fee: String,
        /// The share.
        rate: Rate,
    },
    /// For a long way: per kilometre begun beyond what is included.
    ByDistance {
        /// The way. Metres.
        metres: u32,
        /// What is included. Metres.
        beyond: u32,
        /// For one kilometre.
        per_kilometre: i64,
        /// The most that is charged.
        max: i64,
    },
}

/// The taxes of a market.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxes {
    /// Whether prices and fees contain them already, as in Australia and New Zealand.
    #[serde(default)]
    pub included: bool,
    /// The rates, compound ones after what they are on.
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
    /// Whether it is on the amount plus the taxes before it. The others are on the amount alone, and rounded together.
    #[serde(default)]
    pub compound: bool,
    /// The tax classes of lines and fees that it applies to.
    #[serde(default = "standard_only")]
    pub classes: Vec<String>,
}

/// Something that may be taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Its id; different for each promotion of a context.
    pub id: String,
    /// What the consumer reads.
    pub name: String,
    /// What it gives.
    pub benefit: Benefit,
    /// What it is given on.
    #[serde(default)]
    pub scope: Scope,
    /// For whom and when, asked about the context's attributes. Without one, for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The items that count. Empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// The lines that count, asked about each line's attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Condition>,
    /// The subtotal from which it is given.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub minimum_subtotal: i64,
    /// The most that it takes off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<i64>,
    /// Higher goes first; among equals, the smaller id. Each is computed on what those before it left.
    #[serde(default)]
    pub priority: i32,
    /// Whether it goes with no other. It is given if nothing was taken off before it, and then nothing is after it.
    #[serde(default)]
    pub exclusive: bool,
    /// What orders get of it at most.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
}

/// What orders get of a promotion or a credit at most. The engine prices one order and does not count: whoever reserves with
/// an order does.
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

/// How often, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Orders that it is given to. Without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// What it takes off, in minor units. Without it, any amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<i64>,
}

impl Limits {
    /// Whether nothing is limited.
    pub const fn are_none(&self) -> bool {
        self.total.is_unlimited() && self.per_consumer.is_unlimited()
    }

    fn check(&self, field: impl Fn() -> String) -> Result<(), PricingError> {
        let is_negative = |allowance: &Allowance| allowance.budget.is_some_and(i64::is_negative);
        if [self.total, self.per_consumer].iter().any(is_negative) {
            return Err(outside(field(), "has no budget below 0"));
        }
        Ok(())
    }
}

impl Allowance {
    /// Whether nothing is limited.
    pub const fn is_unlimited(&self) -> bool {
        self.uses.is_none() && self.budget.is_none()
    }
}

impl Promotion {
    /// A promotion on all lines together, for everybody.
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

/// What a promotion gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Benefit {
    /// A share of the amount, 0 to 1.
    Percent(Rate),
    /// An amount.
    Fixed(i64),
    /// Of every `buy + get` units, the `get` cheapest for less. Lines that are sold by weight don't count.
    BuyXGetY {
        /// Units that are paid for.
        buy: u32,
        /// Units that cost less.
        get: u32,
        /// What is taken off each of those, 0 to 1. Without one, they are free.
        #[serde(default = "whole")]
        rate: Rate,
        /// How many times, at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
    /// The fee with the code `delivery`, whatever the scope.
    FreeDelivery,
    /// More for more: the tier that starts highest at or below what the lines that count cost before discounts.
    Tiered(Vec<Tier>),
}

/// A tier of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The amount from which it is given.
    pub from: i64,
    /// What it gives.
    pub off: DiscountAmount,
}

/// An amount off, by share or as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DiscountAmount {
    /// A share, 0 to 1.
    Percent(Rate),
    /// An amount.
    Fixed(i64),
}

/// What a promotion is given on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All lines that count together; spread over them by what they cost.
    #[default]
    AcrossLines,
    /// Each line that counts, on its own.
    EachLine,
    /// The fees with this code.
    Fee(String),
}

/// What a consumer has to pay with besides money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// Its id.
    pub id: String,
    /// What the consumer reads.
    pub name: String,
    /// How much is there. What the price does not need stays.
    pub amount: i64,
    /// What orders get of it at most: what was there in the beginning.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
}

/// The tax class of what is taxed as usual.
pub const STANDARD_TAX: &str = "standard";
/// A tax class that no rate names.
pub const NO_TAX: &str = "none";
/// The code of the delivery fee.
pub const DELIVERY_FEE: &str = "delivery";

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

fn whole() -> Rate {
    Rate::from_milli_percent(100_000)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

impl Context {
    /// An order of `lines` without anything else.
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

    /// Whether every number is in the range that its documentation says.
    pub(crate) fn check(&self) -> Result<(), PricingError> {
        if self.lines.is_empty() {
            return Err(PricingError::Empty);
        }
        if self.tip < 0 {
            return Err(PricingError::NegativeTip);
        }
        at_most(self.lines.len(), MAX_LINES, "lines")?;
        at_most(self.fees.len(), MAX_RULES, "fees")?;
        at_most(self.promotions.len(), MAX_RULES, "promotions")?;
        at_most(self.credits.len(), MAX_RULES, "credits")?;
        at_most(self.taxes.rates.len(), MAX_TAXES, "taxes.rates")?;
        amount(self.tip, || "tip".to_owned())?;
        for (index, line) in self.lines.iter().enumerate() {
            if !(1..=MAX_QUANTITY).contains(&line.quantity) {
                return Err(outside(format!("lines[{index}].quantity"), format!("is between 1 and {MAX_QUANTITY}")));
            }
            if line.weight.is_some_and(|weight| weight.thousandths() / 1_000 > MAX_QUANTITY) {
                return Err(outside(format!("lines[{index}].weight"), format!("is at most {MAX_QUANTITY}")));
            }
            amount(line.unit_price, || format!("lines[{index}].unit_price"))?;
            amount(line.minimum_unit_price, || format!("lines[{index}].minimum_unit_price"))?;
            amount(line.deposit, || format!("lines[{index}].deposit"))?;
        }
        for (index, fee) in self.fees.iter().enumerate() {
            let field = || format!("fees[{index}].amount");
            match &fee.amount {
                FeeAmount::Fixed(fixed) => amount(*fixed, field)?,
                FeeAmount::OfSubtotal { rate, min, max, .. } => {
                    share(*rate, 10, field)?;
                    amount(*min, field)?;
                    amount(*max, field)?;
                }
                FeeAmount::BelowMinimum { minimum: a, max: b } | FeeAmount::PerUnit { amount: a, max: b } => {
                    amount(*a, field)?;
                    amount(*b, field)?;
                }
                FeeAmount::OfFee { rate, .. } => share(*rate, 10, field)?,
                FeeAmount::ByDistance { per_kilometre, max, .. } => {
                    amount(*per_kilometre, field)?;
                    amount(*max, field)?;
                }
            }
        }
        for (index, tax) in self.taxes.rates.iter().enumerate() {
            share(tax.rate, 10, || format!("taxes.rates[{index}].rate"))?;
        }
        for (index, promotion) in self.promotions.iter().enumerate() {
            self.check_promotion(index, promotion)?;
        }
        for (index, credit) in self.credits.iter().enumerate() {
            amount(credit.amount, || format!("credits[{index}].amount"))?;
            credit.limits.check(|| format!("credits[{index}].limits"))?;
        }
        Ok(())
    }

    fn check_promotion(&self, index: usize, promotion: &Promotion) -> Result<(), PricingError> {
        let field = || format!("promotions[{index}].benefit");
        if self.promotions[..index].iter().any(|other| other.id == promotion.id) {
            return Err(outside(format!("promotions[{index}].id"), "is different for each promotion"));
        }
        amount(promotion.minimum_subtotal, || format!("promotions[{index}].minimum_subtotal"))?;
        amount(promotion.cap.unwrap_or_default(), || format!("promotions[{index}].cap"))?;
        promotion.limits.check(|| format!("promotions[{index}].limits"))?;
        match &promotion.benefit {
            Benefit::Percent(rate) => share(*rate, 1, field),
            Benefit::Fixed(fixed) => amount(*fixed, field),
            Benefit::BuyXGetY { buy, get, rate, .. } => {
                if *get == 0 || buy.checked_add(*get).is_none() {
                    return Err(outside(format!("{}.buy_x_get_y", field()), "gets at least one unit"));
                }
                share(*rate, 1, field)
            }
            Benefit::FreeDelivery => Ok(()),
            Benefit::Tiered(tiers) => tiers.iter().try_for_each(|tier| match tier.off {
                DiscountAmount::Percent(rate) => share(rate, 1, field),
                DiscountAmount::Fixed(fixed) => amount(fixed, field),
            }),
        }
    }
}

fn outside(field: String, wanted: impl Into<String>) -> PricingError {
    PricingError::OutOfRange { field, wanted: wanted.into() }
}

fn at_most(count: usize, most: usize, field: &str) -> Result<(), PricingError> {
    if count <= most { Ok(()) } else { Err(outside(field.to_owned(), format!("has at most {most} entries"))) }
}

fn amount(amount: i64, field: impl FnOnce() -> String) -> Result<(), PricingError> {
    let is_in_range = (0..=MAX_AMOUNT).contains(&amount);
    if is_in_range { Ok(()) } else { Err(outside(field(), format!("is between 0 and {MAX_AMOUNT} minor units"))) }
}

/// A rate of 0 to `most`, with ten decimals at most, so that its fraction is small.
fn share(rate: Rate, most: i128, field: impl FnOnce() -> String) -> Result<(), PricingError> {
    let (numerator, denominator) = rate.as_ratio();
    let is_in_range = denominator <= 10_000_000_000 && (0..=denominator * most).contains(&numerator);
    if is_in_range { Ok(()) } else { Err(outside(field(), format!("is a rate of 0 to {most} with at most ten decimals"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_three_decimals_at_most() {
        for (text, thousandths) in [("1.25", 1_250), ("0.005", 5), ("12", 12_000)] {
            assert_eq!(text.parse(), Ok(Weight::from_thousandths(thousandths)));
        }
        assert_eq!(Weight::from_thousandths(1_005).to_string(), "1.005");
        for text in ["", ".5", "1.", "-1", "1.0000", "5000000", "1e3"] {
            assert!(text.parse::<Weight>().is_err(), "{text}");
        }
    }
}
