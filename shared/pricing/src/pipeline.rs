use crate::{
    breakdown::PriceBreakdown,
    collector::Collector,
    collectors,
    context::Context,
    error::PricingError,
    price::Price,
    render::{Checkout, Renderer},
    validator::{Rule, violations},
};
use std::sync::LazyLock;

/// The collectors in their order, and the rules that every price must keep.
pub struct Pipeline {
    collectors: Vec<Box<dyn Collector>>,
    rules: Vec<Box<dyn Rule>>,
}

impl Pipeline {
    /// Subtotal, discounts on lines, fees, discounts on fees, tax, tip, credits.
    pub fn standard() -> Self {
        Self { collectors: collectors::standard(), rules: Vec::new() }
    }

    /// Registers a collector to run before the one with this name, or last if there is none. A fee that is to be taxed
    /// comes before `tax`.
    #[must_use]
    pub fn before(mut self, name: &str, collector: impl Collector + 'static) -> Self {
        let place = self.collectors.iter().position(|other| other.name() == name).unwrap_or(self.collectors.len());
        self.collectors.insert(place, Box::new(collector));
        self
    }

    /// Registers a rule that every price must keep.
    #[must_use]
    pub fn rule(mut self, rule: impl Rule + 'static) -> Self {
        self.rules.push(Box::new(rule));
        self
    }

    /// Prices a context with every collector in order, and validates the result.
    ///
    /// # Errors
    ///
    /// [`PricingError`]; [`PricingError::Wrong`] where the validator finds a violation.
    pub fn breakdown<'a>(&'a self, context: &'a Context) -> Result<PriceBreakdown<'a>, PricingError> {
        context.check()?;
        let mut breakdown = PriceBreakdown::new(context)?;
        for collector in &self.collectors {
            breakdown.begin(collector.name());
            collector.collect(context, &mut breakdown)?;
        }
        let violations = violations(context, &breakdown, &self.collectors, &self.rules);
        if violations.is_empty() { Ok(breakdown) } else { Err(PricingError::Wrong(violations)) }
    }

    /// Prices a context for the checkout.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::breakdown`].
    pub fn price(&self, context: &Context) -> Result<Price, PricingError> {
        self.render(context, &Checkout)
    }

    /// Prices a context and renders it.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::breakdown`].
    pub fn render<R: Renderer>(&self, context: &Context, renderer: &R) -> Result<R::Output, PricingError> {
        Ok(renderer.render(context, self.breakdown(context)?))
    }
}

static STANDARD: LazyLock<Pipeline> = LazyLock::new(Pipeline::standard);

/// Prices a context for the checkout with the standard pipeline.
///
/// ```
/// use carryout_money::Currency;
/// use carryout_pricing::{Context, ContextLine, price};
///
/// let context = Context { tip: 300, ..Context::new(Currency::USD, vec![ContextLine::new("itm_1", "Ramen", 2, 1_450)]) };
/// assert_eq!(price(&context)?.total.to_string(), "32.00 USD");
/// # Ok::<(), carryout_pricing::PricingError>(())
/// ```
///
/// # Errors
///
/// [`PricingError`] for an empty cart, a negative tip, numbers out of range, or a price that breaks an invariant.
pub fn price(context: &Context) -> Result<Price, PricingError> {
    STANDARD.price(context)
}
