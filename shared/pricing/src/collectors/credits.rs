use crate::{
    breakdown::{Adjustment, PriceBreakdown, Source},
    collector::Collector,
    component::Component,
    context::Context,
    error::PricingError,
    price::{ChargeKind, Shares},
};

/// Redeems the consumer's credits, in the context's order, up to the amount to be paid.
pub(crate) struct Credits;

impl Collector for Credits {
    fn name(&self) -> &'static str {
        "credits"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Credit)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        for (index, credit) in context.credits.iter().enumerate() {
            let amount = credit.amount.min(breakdown.total());
            if amount <= 0 {
                continue;
            }
            let lines = breakdown.lines().iter().map(|line| line.net + line.added);
            let fees = breakdown.fees().iter().map(|fee| fee.net + fee.added);
            let weights: Vec<u64> = lines.chain(fees).chain([breakdown.tip()]).map(i64::unsigned_abs).collect();
            let mut lines = vec![0; weights.len()];
            context.policy.spread(-amount, &weights, &mut lines);
            let tip = lines.pop().unwrap_or_default();
            let fees = lines.split_off(context.lines.len());
            breakdown.add(Adjustment {
                component: Component::Charge(ChargeKind::Credit),
                source: Source::Credit(index),
                code: credit.id.as_str().into(),
                name: credit.name.as_str().into(),
                amount: -amount,
                included: false,
                shares: Shares { lines, fees, tip },
            })?;
        }
        Ok(())
    }
}
