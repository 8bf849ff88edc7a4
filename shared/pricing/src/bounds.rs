//! The ranges of a context's members, checked before anything is computed.

use crate::{
    context::{Context, ContextLine, FeeAmount},
    error::PricingError,
    limits::{Allowance, Limits},
    promotion::{Benefit, DiscountAmount, Promotion},
};
use carryout_money::Rate;

/// The most lines of a context.
pub const MAX_LINES: usize = 1_000;
/// The most units of a line.
pub const MAX_QUANTITY: u32 = 100_000;
/// The largest amount of a context, in minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000;
/// The most fees, promotions and credits of a context, each.
pub const MAX_RULES: usize = 200;
/// The most tax rates of a context.
pub const MAX_TAXES: usize = 16;

impl Context {
    /// Checks that every member is in its documented range.
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
            check_line(index, line)?;
        }
        for (index, fee) in self.fees.iter().enumerate() {
            check_fee(&fee.amount, || format!("fees[{index}].amount"))?;
        }
        for (index, tax) in self.taxes.rates.iter().enumerate() {
            rate(tax.rate, 10, || format!("taxes.rates[{index}].rate"))?;
        }
        for (index, promotion) in self.promotions.iter().enumerate() {
            if self.promotions[..index].iter().any(|other| other.id == promotion.id) {
                return Err(outside(format!("promotions[{index}].id"), "is different for each promotion"));
            }
            check_promotion(index, promotion)?;
        }
        for (index, credit) in self.credits.iter().enumerate() {
            amount(credit.amount, || format!("credits[{index}].amount"))?;
            check_limits(&credit.limits, || format!("credits[{index}].limits"))?;
        }
        Ok(())
    }
}

fn check_line(index: usize, line: &ContextLine) -> Result<(), PricingError> {
    if !(1..=MAX_QUANTITY).contains(&line.quantity) {
        return Err(outside(format!("lines[{index}].quantity"), format!("is between 1 and {MAX_QUANTITY}")));
    }
    if line.weight.is_some_and(|weight| weight.thousandths() / 1_000 > MAX_QUANTITY) {
        return Err(outside(format!("lines[{index}].weight"), format!("is at most {MAX_QUANTITY}")));
    }
    amount(line.unit_price, || format!("lines[{index}].unit_price"))?;
    amount(line.minimum_unit_price, || format!("lines[{index}].minimum_unit_price"))?;
    amount(line.deposit, || format!("lines[{index}].deposit"))
}

fn check_fee(fee: &FeeAmount, field: impl Fn() -> String) -> Result<(), PricingError> {
    match fee {
        FeeAmount::Fixed(fixed) => amount(*fixed, field),
        FeeAmount::OfSubtotal { rate: share, min, max, .. } => {
            rate(*share, 10, &field)?;
            amount(*min, &field)?;
            amount(*max, field)
        }
        FeeAmount::BelowMinimum { minimum: a, max: b } | FeeAmount::PerUnit { amount: a, max: b } => {
            amount(*a, &field)?;
            amount(*b, field)
        }
        FeeAmount::OfFee { rate: share, .. } => rate(*share, 10, field),
        FeeAmount::ByDistance { per_kilometre, max, .. } => {
            amount(*per_kilometre, &field)?;
            amount(*max, field)
        }
    }
}

fn check_promotion(index: usize, promotion: &Promotion) -> Result<(), PricingError> {
    let field = || format!("promotions[{index}].benefit");
    amount(promotion.minimum_subtotal, || format!("promotions[{index}].minimum_subtotal"))?;
    amount(promotion.cap.unwrap_or_default(), || format!("promotions[{index}].cap"))?;
    check_limits(&promotion.limits, || format!("promotions[{index}].limits"))?;
    match &promotion.benefit {
        Benefit::Percent(share) => rate(*share, 1, field),
        Benefit::Fixed(fixed) => amount(*fixed, field),
        Benefit::BuyXGetY { buy, get, rate: share, .. } => {
            if *get == 0 || buy.checked_add(*get).is_none() {
                return Err(outside(format!("{}.buy_x_get_y", field()), "gets at least one unit"));
            }
            rate(*share, 1, field)
        }
        Benefit::FreeDelivery => Ok(()),
        Benefit::Tiered(tiers) => tiers.iter().try_for_each(|tier| match tier.off {
            DiscountAmount::Percent(share) => rate(share, 1, field),
            DiscountAmount::Fixed(fixed) => amount(fixed, field),
        }),
    }
}

fn check_limits(limits: &Limits, field: impl Fn() -> String) -> Result<(), PricingError> {
    let is_negative = |allowance: &Allowance| allowance.budget.is_some_and(i64::is_negative);
    if [limits.total, limits.per_consumer].iter().any(is_negative) {
        return Err(outside(field(), "has no budget below 0"));
    }
    Ok(())
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

/// Checks a rate of 0 to `most`. Ten decimals at most keep its fraction small.
fn rate(rate: Rate, most: i128, field: impl FnOnce() -> String) -> Result<(), PricingError> {
    let (numerator, denominator) = rate.as_ratio();
    let is_in_range = denominator <= 10_000_000_000 && (0..=denominator * most).contains(&numerator);
    if is_in_range { Ok(()) } else { Err(outside(field(), format!("is a rate of 0 to {most} with at most ten decimals"))) }
}
