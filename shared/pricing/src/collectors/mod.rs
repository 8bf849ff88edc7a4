//! The standard collectors.

mod credits;
mod discounts;
mod fees;
mod subtotal;
mod tax;
mod tip;

use crate::collector::Collector;

/// Every standard collector, in the order in which they run.
pub(crate) fn standard() -> Vec<Box<dyn Collector>> {
    vec![
        Box::new(subtotal::Subtotal),
        Box::new(discounts::LineDiscounts),
        Box::new(fees::Fees),
        Box::new(discounts::FeeDiscounts),
        Box::new(tax::Tax),
        Box::new(tip::Tip),
        Box::new(credits::Credits),
    ]
}
