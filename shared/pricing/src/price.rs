use carryout_money::{Currency, Money, MoneyError, Rate, round_half_up};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Everything a price depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The market's currency; every amount below is in it.
    pub currency: Currency,
    /// What is bought.
    pub lines: Vec<ContextLine>,
    /// What is charged besides.
    pub fees: Vec<Fee>,
    /// The tax on items and taxable fees.
    pub tax: TaxRule,
    /// What the consumer adds for the courier. Never taxed.
    pub tip: Money,
}

/// One line of a cart, with the unit price that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextLine {
    /// The item's id.
    pub item_id: String,
    /// Its name, for the receipt.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: Money,
}

/// A fee by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// Stable name: `delivery`, `service`, `small_order`.
    pub code: String,
    /// What the consumer reads.
    pub name: String,
    /// How much.
    pub amount: FeeAmount,
    /// Whether the market's tax applies to it.
    pub taxable: bool,
}

/// How a fee is computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeAmount {
    /// Always the same.
    Fixed(Money),
    /// A share of the items' subtotal, between a least and a most.
    OfSubtotal {
        /// The share.
        rate: Rate,
        /// The least that is charged.
        min: Money,
        /// The most that is charged.
        max: Money,
    },
    /// What is missing to a minimum subtotal, at most `max`; nothing above the minimum.
    BelowMinimum {
        /// The subtotal from which the fee is nothing.
        minimum: Money,
        /// The most that is charged.
        max: Money,
    },
}

/// A tax on items and taxable fees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRule {
    /// Its name on the receipt: `Sales tax`, `GST`.
    pub name: String,
    /// The rate.
    pub rate: Rate,
    /// Whether menu prices contain it already, as in Australia and New Zealand.
    pub included: bool,
}

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
}

/// A line of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The item's id.
    pub item_id: String,
    /// Its name.
    pub name: String,
    /// How many.
    pub quantity: u32,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<i64>,
    /// By fee, in the price's order. Empty where no fee has a share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<i64>,
    /// The tip's share.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tip: i64,
}

impl Shares {
    /// Whether nothing has a share.
    pub fn is_empty(&self) -> bool {
        self.tip == 0 && self.lines.iter().chain(&self.fees).all(|share| *share == 0)
    }

    /// All shares together; `None` where they don't fit into an `i64`.
    pub fn sum(&self) -> Option<i64> {
        self.lines.iter().chain(&self.fees).try_fold(self.tip, |sum, share| sum.checked_add(*share))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

/// Why a context has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The cart is empty.
    #[error("the cart is empty: add an item")]
    Empty,
    /// The tip is negative.
    #[error("a tip can't be negative")]
    NegativeTip,
    /// Amounts don't fit together.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Prices a context: lines, fees on their subtotal, tax per line and taxable fee, tip, total.
///
/// Tax is rounded half up per line and fee. Where prices include it, it is `gross × r / (1 + r)` and not added.
///
/// # Errors
///
/// [`PricingError`] for an empty cart, a negative tip, mixed currencies, or amounts that don't fit.
pub fn price(context: &Context) -> Result<Price, PricingError> {
    if context.lines.is_empty() {
        return Err(PricingError::Empty);
    }
    if context.tip.minor < 0 {
        return Err(PricingError::NegativeTip);
    }
    let zero = Money::zero(context.currency);
    let mut lines = Vec::with_capacity(context.lines.len());
    let mut subtotal = zero;
    let mut tax = zero;
    let mut shares = Shares::default();
    for line in &context.lines {
        let amount = line.unit_price.times(line.quantity)?;
        subtotal = subtotal.plus(amount)?;
        let share = tax_on(amount, &context.tax)?;
        tax = tax.plus(share)?;
        shares.lines.push(share.minor);
        lines.push(PricedLine {
            item_id: line.item_id.clone(),
            name: line.name.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            amount,
        });
    }
    let mut fees = Vec::new();
    let mut total = subtotal;
    for fee in &context.fees {
        let amount = fee_amount(&fee.amount, subtotal)?;
        if amount.minor == 0 {
            continue;
        }
        let share = if fee.taxable { tax_on(amount, &context.tax)? } else { zero };
        tax = tax.plus(share)?;
        shares.fees.push(share.minor);
        total = total.plus(amount)?;
        fees.push(Charge { code: fee.code.clone(), name: fee.name.clone(), amount, included: false, shares: Shares::default() });
    }
    if !context.tax.included {
        total = total.plus(tax)?;
    }
    let total = total.plus(context.tip)?;
    let tax_name = format!("{} {}", context.tax.name, context.tax.rate);
    let taxes = vec![Charge { code: "tax".to_owned(), name: tax_name, amount: tax, included: context.tax.included, shares }];
    Ok(Price {
        lines,
        subtotal,
        fees,
        discounts: Vec::new(),
        taxes,
        tip: context.tip,
        deposits: Vec::new(),
        credits: Vec::new(),
        total,
    })
}

fn fee_amount(rule: &FeeAmount, subtotal: Money) -> Result<Money, MoneyError> {
    match rule {
        FeeAmount::Fixed(amount) => Ok(*amount),
        FeeAmount::OfSubtotal { rate, min, max } => {
            let share = subtotal.at(*rate)?;
            Ok(Money { minor: share.minor.min(max.minor).max(min.minor), ..share })
        }
        FeeAmount::BelowMinimum { minimum, max } => {
            let missing = minimum.minus(subtotal)?;
            Ok(Money { minor: missing.minor.clamp(0, max.minor.max(0)), ..missing })
        }
    }
}

fn tax_on(amount: Money, tax: &TaxRule) -> Result<Money, MoneyError> {
    if !tax.included {
        return amount.at(tax.rate);
    }
    let rate = tax.rate.as_decimal();
    let exact = Decimal::from(amount.minor)
        .checked_mul(rate)
        .and_then(|part| part.checked_div(Decimal::ONE + rate))
        .ok_or(MoneyError::Overflow)?;
    let minor = round_half_up(exact).ok_or(MoneyError::Overflow)?;
    Ok(Money { minor, ..amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    fn context(tax: TaxRule) -> Context {
        let line =
            |id: &str, quantity, unit| ContextLine { item_id: id.into(), name: id.into(), quantity, unit_price: usd(unit) };
        Context {
            currency: Currency::USD,
            lines: vec![line("ramen", 2, 1_450), line("gyoza", 1, 725)],
            fees: vec![
                Fee { code: "delivery".into(), name: "Delivery".into(), amount: FeeAmount::Fixed(usd(299)), taxable: false },
                Fee {
                    code: "service".into(),
                    name: "Service".into(),
                    amount: FeeAmount::OfSubtotal { rate: Rate::from_milli_percent(15_000), min: usd(300), max: usd(500) },
                    taxable: true,
                },
                Fee {
                    code: "small_order".into(),
                    name: "Small order".into(),
                    amount: FeeAmount::BelowMinimum { minimum: usd(1_000), max: usd(250) },
                    taxable: false,
                },
            ],
            tax,
            tip: usd(400),
        }
    }

    #[test]
    fn adds_sales_tax_on_lines_and_taxable_fees() {
        let tax = TaxRule { name: "Sales tax".into(), rate: Rate::from_milli_percent(8_875), included: false };
        let price = price(&context(tax)).unwrap();
        // 3 625 subtotal; service 15 % = 544 capped at 500; tax 257 + 64 + 44; tip 400; delivery 299.
        assert_eq!(price.subtotal, usd(3_625));
        assert_eq!(price.taxes[0].amount, usd(257 + 64 + 44));
        assert_eq!(price.total, usd(3_625 + 299 + 500 + 365 + 400));
        assert_eq!(price.fees.len(), 2, "a fee of nothing is not shown");
    }

    #[test]
    fn shows_included_tax_and_does_not_add_it() {
        let tax = TaxRule { name: "GST".into(), rate: Rate::from_milli_percent(10_000), included: true };
        let price = price(&context(tax)).unwrap();
        // 2 900 / 11 = 263.6, 725 / 11 = 65.9, 500 / 11 = 45.5
        assert_eq!(price.taxes[0].amount, usd(264 + 66 + 45));
        assert!(price.taxes[0].included);
        assert_eq!(price.total, usd(3_625 + 299 + 500 + 400));
    }

    #[test]
    fn refuses_an_empty_cart_and_a_negative_tip() {
        let tax = TaxRule { name: "GST".into(), rate: Rate::ZERO, included: false };
        let mut empty = context(tax.clone());
        empty.lines.clear();
        assert_eq!(price(&empty), Err(PricingError::Empty));
        let negative = Context { tip: usd(-1), ..context(tax) };
        assert_eq!(price(&negative), Err(PricingError::NegativeTip));
    }
}
