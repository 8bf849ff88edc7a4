//! Explains where every cent of a price comes from, and replays stored prices.

use crate::{
    breakdown::PriceBreakdown,
    component::Component,
    context::Context,
    error::PricingError,
    pipeline::{Pipeline, price},
    policy::Policy,
    price::{ChargeKind, ENGINE, Price, Shares},
};
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The record of a quote: enough to compute its price again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Everything that the price depended on, including its policy.
    pub context: Context,
    /// The price.
    pub price: Price,
}

/// Why a replay did not reproduce the stored price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The stored context no longer has a price.
    #[error("the stored context has no price: {0}")]
    NoPrice(#[from] PricingError),
    /// The context now has another price.
    #[error("the context has another price: engine {then} computed the stored one, engine {ENGINE} this one")]
    Differs {
        /// The engine of the stored price.
        then: u32,
        /// The first difference.
        first: FirstDifference,
    },
}

/// The first difference between two documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstDifference {
    /// JSON pointer to it: `/taxes/0/amount/minor`. Empty for the whole document.
    pub pointer: String,
    /// The stored value; null if absent.
    pub stored: Value,
    /// The value found now; null if absent.
    pub found: Value,
}

impl FirstDifference {
    fn whole(stored: &Value, found: &Value) -> Self {
        Self { pointer: String::new(), stored: stored.clone(), found: found.clone() }
    }
}

/// Finds the first difference between two documents, in the order of their members; `None` if they are equal.
fn first_difference(stored: &Value, found: &Value) -> Option<FirstDifference> {
    let inner = match (stored, found) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            let of = |object: &Map<String, Value>, name: &str| object.get(name).cloned().unwrap_or_default();
            names.into_iter().find_map(|name| within(name, &of(one, name), &of(other, name)))
        }
        (Value::Array(one), Value::Array(other)) => {
            let of = |array: &[Value], place: usize| array.get(place).cloned().unwrap_or_default();
            (0..one.len().max(other.len())).find_map(|place| within(&place.to_string(), &of(one, place), &of(other, place)))
        }
        _ => None,
    };
    inner.or_else(|| (stored != found).then(|| FirstDifference::whole(stored, found)))
}

/// Finds the first difference between two members of this name.
fn within(name: &str, stored: &Value, found: &Value) -> Option<FirstDifference> {
    let difference = first_difference(stored, found)?;
    let name = name.replace('~', "~0").replace('/', "~1");
    Some(FirstDifference { pointer: format!("/{name}{}", difference.pointer), ..difference })
}

impl Record {
    /// Prices a context and records both.
    ///
    /// # Errors
    ///
    /// [`PricingError`] where it has no price.
    pub fn of(context: Context) -> Result<Self, PricingError> {
        let price = price(&context)?;
        Ok(Self { context, price })
    }

    /// Computes the price again, which must reproduce the stored one byte for byte.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] where it does not.
    pub fn replay(&self, pipeline: &Pipeline) -> Result<(), ReplayError> {
        let now = pipeline.price(&self.context)?;
        // Prices are plain data without maps or floats: serializing them can't fail.
        let written = |price: &Price| serde_json::to_string(price).unwrap_or_default();
        let (stored, found) = (written(&self.price), written(&now));
        if stored == found {
            return Ok(());
        }
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let (stored, found) = (read(&stored), read(&found));
        let first = first_difference(&stored, &found).unwrap_or_else(|| FirstDifference::whole(&stored, &found));
        Err(ReplayError::Differs { then: self.price.engine, first })
    }

    /// Prices the context under another policy.
    ///
    /// # Errors
    ///
    /// [`PricingError`] where it has no price then.
    pub fn under(&self, policy: Policy, pipeline: &Pipeline) -> Result<Price, PricingError> {
        pipeline.price(&Context { policy, ..self.context.clone() })
    }
}

/// Explains where every cent of a context's price comes from, as a table: each adjustment with its source and its share of
/// each line, fee and tip.
///
/// # Errors
///
/// [`PricingError`] where the context has no price.
pub fn explain(pipeline: &Pipeline, context: &Context) -> Result<String, PricingError> {
    let breakdown = pipeline.breakdown(context)?;
    let mut rows: Vec<[String; 4]> = vec![["component", "source", context.currency.code(), "shares"].map(str::to_owned)];
    let amount = |minor| {
        let text = Money::new(minor, context.currency).to_string();
        text.split(' ').next().unwrap_or_default().to_owned()
    };
    for adjustment in breakdown.adjustments() {
        let component = match adjustment.component {
            Component::Items => "items".to_owned(),
            Component::Charge(ChargeKind::Deposit) => ChargeKind::Deposit.name().to_owned(),
            Component::Charge(kind) => format!("{} {}", kind.name(), adjustment.code),
            Component::Tip => "tip".to_owned(),
        };
        let included = if adjustment.included { "included " } else { "" };
        rows.push([
            component,
            adjustment.source.describe(context),
            format!("{included}{}", amount(adjustment.amount)),
            shares(context, &breakdown, &adjustment.shares, amount),
        ]);
    }
    rows.push(["total".to_owned(), format!("policy {}", context.policy.id), amount(breakdown.total()), String::new()]);
    let mut widths = [0; 3];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let mut table = String::new();
    for [component, source, amount, shares] in &rows {
        let [first, second, third] = widths;
        let line = format!("{component:first$}  {source:second$}  {amount:>third$}  {shares}");
        // Writing to a string can't fail.
        let _ = writeln!(table, "{}", line.trim_end());
    }
    for flag in &context.flags {
        let _ = writeln!(table, "without {}: {}", flag.provider, flag.reason);
    }
    Ok(table)
}

fn shares(context: &Context, breakdown: &PriceBreakdown<'_>, shares: &Shares, amount: impl Fn(i64) -> String) -> String {
    let lines = context.lines.iter().map(|line| &*line.item_id).zip(&shares.lines);
    let fees = breakdown.fees().iter().map(|fee| fee.code.as_ref()).zip(&shares.fees);
    lines
        .chain(fees)
        .chain([("tip", &shares.tip)])
        .filter(|(_, share)| **share != 0)
        .map(|(name, share)| format!("{name} {}", amount(*share)))
        .collect::<Vec<_>>()
        .join(", ")
}
