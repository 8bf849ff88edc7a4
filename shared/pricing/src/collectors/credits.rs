use crate::{Adjustment, Collector, Component, Context, PriceBreakdown, PricingError, Shares, Source};

/// What the consumer's credits pay, in the context's order, as far as there is something to pay.
pub(crate) struct Credits;

impl Collector for Credits {
    fn name(&self) -> &'static str {
        "credits"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Credit]
    }

    fn collect<'a>(&'a self, context: &'a Context, sheet: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        for (index, credit) in context.credits.iter().enumerate() {
            let amount = credit.amount.min(sheet.total());
            if amount <= 0 {
                continue;
            }
            let lines = sheet.lines().iter().map(|line| line.net + line.added);
            let fees = sheet.fees().iter().map(|fee| fee.net + fee.added);
            let weights: Vec<u64> = lines.chain(fees).chain([sheet.tip()]).map(i64::unsigned_abs).collect();
            let mut lines = vec![0; weights.len()];
            context.policy.spread(-amount, &weights, &mut lines);
            let tip = lines.pop().unwrap_or_default();
            let fees = lines.split_off(context.lines.len());
            sheet.add(Adjustment {
                component: Component::Credit,
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
