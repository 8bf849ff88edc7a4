use crate::{
    breakdown::{Adjustment, PriceBreakdown, Source, sum},
    collector::Collector,
    component::Component,
    context::Context,
    error::PricingError,
    price::{ChargeKind, Shares},
};

/// The items, and the deposits on them.
pub(crate) struct Subtotal;

impl Collector for Subtotal {
    fn name(&self) -> &'static str {
        "subtotal"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Items, Component::Charge(ChargeKind::Deposit)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        let rounding = context.policy.rounding;
        let mut items = Vec::with_capacity(context.lines.len());
        for line in &context.lines {
            items.push(line.times(line.unit_price, rounding)?);
        }
        breakdown.add(of_lines(Component::Items, "items", "Items", items)?)?;
        if context.lines.iter().any(|line| line.deposit > 0) {
            let deposits = context.lines.iter().map(|line| line.deposit.saturating_mul(i64::from(line.quantity))).collect();
            breakdown.add(of_lines(Component::Charge(ChargeKind::Deposit), "deposit", "Deposit", deposits)?)?;
        }
        Ok(())
    }
}

fn of_lines(
    component: Component,
    code: &'static str,
    name: &'static str,
    lines: Vec<i64>,
) -> Result<Adjustment<'static>, PricingError> {
    let amount = lines.iter().try_fold(0, |all, line| sum(all, *line))?;
    let shares = Shares { lines, ..Shares::default() };
    Ok(Adjustment { component, source: Source::Lines, code: code.into(), name: name.into(), amount, included: false, shares })
}
