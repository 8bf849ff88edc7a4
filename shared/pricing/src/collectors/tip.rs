use crate::{Adjustment, Collector, Component, Context, PriceBreakdown, PricingError, Shares, Source};

/// What the consumer adds for the courier.
pub(crate) struct Tip;

impl Collector for Tip {
    fn name(&self) -> &'static str {
        "tip"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Tip]
    }

    fn collect<'a>(&'a self, context: &'a Context, sheet: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        if context.tip == 0 {
            return Ok(());
        }
        sheet.add(Adjustment {
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
