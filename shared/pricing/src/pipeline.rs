use crate::{
    Checkout, Component, Context, Price, PriceBreakdown, Renderer, Rule, Violation,
    collectors::{Credits, FeeDiscounts, Fees, LineDiscounts, Subtotal, Tax, Tip},
    validator::violations,
};
use carryout_money::MoneyError;
use std::sync::LazyLock;

/// Which version of the engine computed a price. It is raised with any change that gives some context another price.
pub const ENGINE: u32 = 1;

/// Adds one part of a price, seeing the adjustments of the collectors before it.
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
    fn collect<'a>(&'a self, context: &'a Context, sheet: &mut PriceBreakdown<'a>) -> Result<(), PricingError>;
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
    /// A number of the context is out of range.
    #[error("{field} {wanted}")]
    OutOfRange {
        /// The field, as a path: `lines[2].quantity`.
        field: String,
        /// What it should be.
        wanted: String,
    },
    /// Amounts don't fit together.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The price is wrong: a collector or a rule has an error. Never show it.
    #[error("the price is wrong: {}", .0.iter().map(Violation::to_string).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Violation>),
}

/// The collectors in their order, and the rules that their result must keep.
pub struct Pipeline {
    collectors: Vec<Box<dyn Collector>>,
    rules: Vec<Box<dyn Rule>>,
}

impl Pipeline {
    /// Subtotal, discounts on lines, fees, discounts on fees, tax, tip, credits.
    pub fn standard() -> Self {
        Self {
            collectors: vec![
                Box::new(Subtotal),
                Box::new(LineDiscounts),
                Box::new(Fees),
                Box::new(FeeDiscounts),
                Box::new(Tax),
                Box::new(Tip),
                Box::new(Credits),
            ],
            rules: Vec::new(),
        }
    }

    /// Registers a collector to run before the one with this name; last, where there is none. A fee that is to be taxed
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

    /// Prices a context: every collector in order, and the validator.
    ///
    /// # Errors
    ///
    /// [`PricingError`]; [`PricingError::Wrong`] where the validator found something.
    pub fn sheet<'a>(&'a self, context: &'a Context) -> Result<PriceBreakdown<'a>, PricingError> {
        context.check()?;
        let mut sheet = PriceBreakdown::new(context)?;
        for collector in &self.collectors {
            sheet.begin(collector.name());
            collector.collect(context, &mut sheet)?;
        }
        let violations = violations(context, &sheet, &self.collectors, &self.rules);
        if violations.is_empty() { Ok(sheet) } else { Err(PricingError::Wrong(violations)) }
    }

    /// Prices a context as the checkout shows it.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::sheet`].
    pub fn price(&self, context: &Context) -> Result<Price, PricingError> {
        self.render(context, &Checkout)
    }

    /// Prices a context and renders it.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::sheet`].
    pub fn render<R: Renderer>(&self, context: &Context, renderer: &R) -> Result<R::Output, PricingError> {
        Ok(renderer.render(context, self.sheet(context)?))
    }
}

static STANDARD: LazyLock<Pipeline> = LazyLock::new(Pipeline::standard);

/// Prices a context by the standard pipeline, as the checkout shows it.
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
/// [`PricingError`] for an empty cart, a negative tip, numbers out of range, or a price that breaks a rule.
pub fn price(context: &Context) -> Result<Price, PricingError> {
    STANDARD.price(context)
}
