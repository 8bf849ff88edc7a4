//! Prices carts, locks prices in quotes, and computes refunds of locked prices.
//!
//! A [`Context`] holds everything that a price depends on, as data. [`Providers`] fill it concurrently; a [`Pipeline`] of
//! [`Collector`]s turns it into named, signed [`Adjustment`]s with a share for each line; a validator refuses a price that
//! does not add up; a [`Renderer`] makes the client's view. [`price()`] does all but the first: it reads no storage, no clock
//! and no configuration, so the same context always gives the same price. `docs/pricing.md` has the rules and the format.

mod audit;
mod bounds;
mod breakdown;
mod collector;
mod collectors;
mod component;
mod context;
mod error;
mod flag;
mod limits;
mod measure;
mod pipeline;
mod policy;
mod price;
mod promotion;
mod provider;
mod quote;
mod refund;
mod render;
#[cfg(test)]
mod samples;
mod validator;
mod weight;

pub use audit::{FirstDifference, Record, ReplayError, explain};
pub use bounds::{MAX_AMOUNT, MAX_LINES, MAX_QUANTITY, MAX_RULES, MAX_TAXES};
pub use breakdown::{Adjustment, FeeAmounts, LineAmounts, PriceBreakdown, Source};
pub use collector::Collector;
pub use component::{Component, ComponentId, ComponentIdError};
pub use context::{Context, ContextLine, Credit, DELIVERY_FEE, Fee, FeeAmount, NO_TAX, STANDARD_TAX, TaxRate, Taxes};
pub use error::{PricingError, Violation};
pub use flag::{Fallback, Flag};
pub use limits::{Allowance, LimitedAmount, LimitedComponent, Limits};
pub use measure::PriceMeasure;
pub use pipeline::{Pipeline, price};
pub use policy::{Allocation, Policy, TaxLevel};
pub use price::{Charge, ChargeKind, Charges, ENGINE, Price, PricedLine, Shares};
pub use promotion::{Benefit, DiscountAmount, Promotion, Scope, Tier};
pub use provider::{
    CONSUMER, CREDITS, CRITICALITY, ContextError, Contribution, Criticality, FEES, ITEMS, LastKnown, OnFailure, PROMOTIONS,
    Provider, ProviderError, Providers, TAXES,
};
pub use quote::{PriceDifference, Quote, QuoteTerms, differences, limited_components};
pub use refund::{
    PricePart, PricedRefund, RefundComponent, RefundError, RefundLine, RefundPart, RefundRequest, Refunded, RefundedLine,
    left_to_refund, refund,
};
pub use render::{CartPreview, Checkout, Preview, Receipt, ReceiptLine, Renderer};
pub use validator::Rule;
pub use weight::{Weight, WeightError};
