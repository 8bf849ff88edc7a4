//! What is kept of a quote for the time after it, and what can be asked of that: whether the same price is found again, and
//! what another policy would change.

use carryout_money::{Currency, Money};
use carryout_pricing::{
    ComponentId, Context, ENGINE, FirstDifference, Pipeline, Policy, Price, Quote, Record, ReplayError, differences,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long the record of a quote that no order uses is kept after the quote has expired. Seconds.
pub const KEEP_UNUSED_SECONDS: i64 = 24 * 60 * 60;

/// A quote with everything that its price depended on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRecord {
    /// The quote's id.
    pub id: String,
    /// The consumer whom it was for.
    pub consumer_id: String,
    /// The store that it was for.
    pub store_id: String,
    /// Until when it could be used. Milliseconds since the Unix epoch.
    pub expires_at: i64,
    /// The order that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Until when the record is kept; for good while an order uses it. Seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<i64>,
    /// What the price depended on.
    pub context: Context,
    /// Our price; nothing where it was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// The price of another system, where that was shown in place of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Price>,
    /// What was wrong with the price, which was never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
}

/// Whether the price of a quote was found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The quote's id.
    pub id: String,
    /// Whether the same was found, byte for byte.
    pub identical: bool,
    /// The engine that computes prices now.
    pub engine: u32,
    /// The engine that computed the stored price; nothing where that was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_engine: Option<u32>,
    /// The first place in which the two differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<FirstDifference>,
    /// The total that was shown in place of the stored price's: another system's, which is not computed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Money>,
}

impl QuoteRecord {
    /// The record of a quote that nobody uses yet but the order that it prices again.
    pub fn of(quote: &Quote, record: &Record) -> Self {
        let terms = &quote.terms;
        let Record { context, price } = record;
        Self {
            id: terms.id.clone(),
            consumer_id: terms.consumer_id.clone(),
            store_id: terms.store_id.clone(),
            expires_at: terms.expires_at,
            order_id: terms.reprices.clone(),
            kept_until: terms.reprices.is_none().then(|| kept_until(terms.expires_at)),
            context: context.clone(),
            price: Some(price.clone()),
            shown: (*price != terms.price).then(|| terms.price.clone()),
            invalid: None,
        }
    }

    /// Computes our price again from what it depended on, whatever price was shown.
    pub fn replay(&self, pipeline: &Pipeline) -> Replay {
        let differs = |pointer: &str, stored: &str, found: String| FirstDifference {
            pointer: pointer.to_owned(),
            stored: stored.into(),
            found: found.into(),
        };
        let difference = match &self.price {
            Some(price) => match (Record { context: self.context.clone(), price: price.clone() }).replay(pipeline) {
                Ok(()) => None,
                Err(ReplayError::Differs { first, .. }) => Some(first),
                Err(ReplayError::NoPrice(error)) => Some(differs("", "a price", error.to_string())),
            },
            None => {
                let stored = self.invalid.as_deref().unwrap_or_default();
                let found = pipeline.price(&self.context).map_or_else(|error| error.to_string(), |_| "a price".to_owned());
                (stored != found).then(|| differs("", stored, found))
            }
        };
        Replay {
            id: self.id.clone(),
            identical: difference.is_none(),
            engine: ENGINE,
            stored_engine: self.price.as_ref().map(|price| price.engine),
            difference,
            shown: self.shown.as_ref().map(|price| price.total),
        }
    }
}

/// Until when the record of a quote that no order uses is kept. Seconds since the Unix epoch.
///
/// `since`: when the quote expires, or when its order has let it go. Milliseconds since the Unix epoch.
pub const fn kept_until(since: i64) -> i64 {
    since / 1_000 + KEEP_UNUSED_SECONDS
}

/// What a candidate policy would change about quotes that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// Quotes that were looked at.
    pub quotes: u64,
    /// Of those, quotes with the same amounts under the candidate.
    pub same: u64,
    /// Quotes with other amounts.
    pub different: u64,
    /// Quotes without a price, then or under the candidate.
    pub without_price: u64,
    /// What changes in total: by component (`lines` together, `fees.<code>`, `taxes.<code>`, … `total`), and by currency.
    pub components: BTreeMap<String, BTreeMap<Currency, Change>>,
    /// The quote whose total changes most, by that currency's minor unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Most>,
}

/// How a component changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Quotes in which it does.
    pub quotes: u64,
    /// By how much, all of them together. Minor units.
    pub minor: i64,
}

/// A quote and by how much its total changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Most {
    /// The quote's id.
    pub id: String,
    /// By how much.
    pub by: Money,
}

impl Shadow {
    /// Looks at one more quote.
    pub fn look(&mut self, record: &QuoteRecord, policy: &Policy, pipeline: &Pipeline) {
        self.quotes += 1;
        let found = pipeline.price(&Context { policy: policy.clone(), ..record.context.clone() });
        let (Some(stored), Ok(found)) = (&record.price, found) else {
            self.without_price += 1;
            return;
        };
        let changed = differences(stored, &found);
        if changed.is_empty() {
            self.same += 1;
            return;
        }
        self.different += 1;
        for difference in &changed {
            let Some(by) = difference.by() else { continue };
            let component = match &difference.component {
                ComponentId::Line(_) => "lines".to_owned(),
                component => component.to_string(),
            };
            let change = self.components.entry(component).or_default().entry(by.currency).or_default();
            change.quotes += 1;
            change.minor += by.minor;
            let is_most = self.most.as_ref().is_none_or(|most| most.by.minor.abs() < by.minor.abs());
            if difference.component == ComponentId::Total && is_most {
                self.most = Some(Most { id: record.id.clone(), by });
            }
        }
    }
}
