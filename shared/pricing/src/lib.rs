//! What a cart costs, the quote that locks it, and what a refund gives back of it.
//!
//! A [`Context`] is everything that a price depends on, as data. [`Providers`] fill it at the same time; a [`Pipeline`] of
//! [`Collector`]s turns it into named, signed [`Adjustment`]s with a share for each line; a validator refuses what does not
//! add up; a [`Renderer`] makes what a client sees. [`price()`] does all but the first: it reads no store, no clock and no
//! configuration, so the same context always gives the same price. `docs/pricing.md` has the rules and the format.

mod audit;
mod collectors;
mod context;
mod figure;
mod pipeline;
mod price;
mod provider;
mod quote;
mod refund;
mod render;
mod sheet;
mod validator;

pub use audit::{Differs, FirstDifference, Record, explain};
pub use context::{
    Allocation, Allowance, Benefit, Context, ContextLine, Credit, DELIVERY_FEE, DiscountAmount, Fee, FeeAmount, Limits,
    MAX_AMOUNT, MAX_LINES, MAX_QUANTITY, MAX_RULES, MAX_TAXES, NO_TAX, NoWeight, Policy, Promotion, STANDARD_TAX, Scope,
    TaxLevel, TaxRate, Taxes, Tier, Weight,
};
pub use figure::PriceMeasure;
pub use pipeline::{Collector, ENGINE, Pipeline, PricingError, price};
pub use price::{Charge, Price, PricedLine, Shares};
pub use provider::{
    CONSUMER, CREDITS, CRITICALITY, Contribution, Criticality, FEES, Fallback, Flag, ITEMS, LastKnown, NoContext, OnFailure,
    PROMOTIONS, Provider, ProviderError, Providers, TAXES,
};
pub use quote::{Difference, Limited, Quote, QuoteTerms, Taken, differences, limited};
pub use refund::{
    Part, Refund, RefundComponent, RefundError, RefundLine, RefundPart, RefundRequest, Refunded, RefundedLine, left_to_refund,
    refund,
};
pub use render::{CartPreview, Checkout, Preview, Receipt, ReceiptLine, Renderer};
pub use sheet::{Adjustment, Component, FeeAmounts, LineAmounts, PriceBreakdown, Source};
pub use validator::{Rule, Violation};
