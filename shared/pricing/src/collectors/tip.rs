use crate::{
    breakdown::{Adjustment, PriceBreakdown, Source},
    collector::Collector,
    component::Component,
    context::Context,
    error::PricingError,
    price::Shares,
};

/// The courier's tip.
pub(crate) struct Tip;

impl Collector for Tip {
    fn name(&self) -> &'static str {
        "tip"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Tip]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        if context.tip == 0 {
            return Ok(());
        }
        breakdown.add(Adjustment {
            component: Component::Tip,
            source: Source::Tip,
            code: "tip".into(),
            name: "Tip".into(),
            amount: context.tip,
            included: false,
            shares: Shares::default(),
        })
    }
}
