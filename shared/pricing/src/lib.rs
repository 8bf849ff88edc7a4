//! What a cart costs, and the quote that locks it.
//!
//! [`price()`] is the one place that turns a [`Context`] (everything a price depends on, as data) into a [`Price`]. It
//! reads no store, no clock and no configuration, so the same context always gives the same price.

mod price;
mod quote;
mod refund;

pub use price::{Charge, Context, ContextLine, Fee, FeeAmount, Price, PricedLine, PricingError, Shares, TaxRule, price};
pub use quote::{Difference, Quote, QuoteTerms, Seal, differences};
pub use refund::{
    Part, Refund, RefundComponent, RefundError, RefundLine, RefundPart, RefundRequest, Refunded, RefundedLine, left_to_refund,
    refund,
};
