use crate::{breakdown::PriceBreakdown, component::Component, context::Context, error::PricingError};

/// Adds one part of a price, given the adjustments of the collectors before it.
pub trait Collector: Send + Sync {
    /// A stable name: `tax`.
    fn name(&self) -> &'static str;

    /// The kinds of adjustments that it adds. The validator refuses others.
    fn adds(&self) -> &'static [Component];

    /// Adds its adjustments. It MUST depend on its arguments alone, so that a price can be computed again.
    ///
    /// # Errors
    ///
    /// [`PricingError`] where the context has no price.
    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError>;
}
