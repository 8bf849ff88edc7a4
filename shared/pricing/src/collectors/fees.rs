use crate::{
    breakdown::{PriceBreakdown, Source, sum},
    collector::Collector,
    component::Component,
    context::{Context, Fee, FeeAmount},
    error::PricingError,
    price::ChargeKind,
};

/// Fees, in the context's order.
pub(crate) struct Fees;

impl Collector for Fees {
    fn name(&self) -> &'static str {
        "fees"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Fee)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        for (index, fee) in context.fees.iter().enumerate() {
            let amount = amount(fee, context, breakdown)?;
            if amount > 0 {
                breakdown.add_fee(Source::Fee(index), fee.code.as_str(), fee.name.as_str(), amount, fee.tax_class.as_str())?;
            }
        }
        Ok(())
    }
}

fn amount(fee: &Fee, context: &Context, breakdown: &PriceBreakdown<'_>) -> Result<i64, PricingError> {
    let rounding = context.policy.rounding;
    Ok(match &fee.amount {
        FeeAmount::Fixed(amount) => *amount,
        FeeAmount::OfSubtotal { rate, min, max, after_discounts } => {
            let base = if *after_discounts {
                breakdown.lines().iter().try_fold(0, |all, line| sum(all, line.net))?
            } else {
                breakdown.subtotal()
            };
            // The minimum wins over a smaller maximum.
            rounding.share(base, *rate)?.min(*max).max(*min)
        }
        FeeAmount::BelowMinimum { minimum, max } => minimum.saturating_sub(breakdown.subtotal()).clamp(0, *max),
        FeeAmount::PerUnit { amount, max } => {
            let units: i64 = context.lines.iter().map(|line| i64::from(line.quantity)).sum();
            amount.saturating_mul(units).min(*max)
        }
        FeeAmount::OfFee { fee, rate } => {
            let base = breakdown.fees().iter().filter(|charged| charged.code == fee.as_str());
            rounding.share(base.map(|charged| charged.net).try_fold(0, sum)?, *rate)?
        }
        FeeAmount::ByDistance { metres, beyond, per_kilometre, max } => {
            let kilometres = metres.saturating_sub(*beyond).div_ceil(1_000);
            per_kilometre.saturating_mul(i64::from(kilometres)).min(*max)
        }
    })
}
