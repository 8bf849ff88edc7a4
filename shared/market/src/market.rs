use crate::{CountryCode, MarketId, MarketType, Text};
use carryout_money::{Currency, Rate};
use carryout_predicate::cohort::Cohort;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A market: the content of one file in `markets/`, or of an override in the control table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// The id; the file is named after it.
    pub id: MarketId,
    /// Counts the changes. Of an embedded file and an override, the higher version is in force.
    pub version: u32,
    /// The name in English, for operators.
    pub name: String,
    /// The country.
    pub country: CountryCode,
    /// The parts of the country that it covers, by the second half of their ISO 3166-2 codes (`NY`). Empty for all of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<String>,
    /// Whether consumers can order.
    pub opening: Opening,
    /// The currency of every price and fee.
    pub currency: Currency,
    /// The languages of its texts as BCP 47 tags, the default first.
    pub locales: Vec<String>,
    /// The IANA time zones that its stores are in.
    pub time_zones: Vec<String>,
    /// The taxes on items and fees.
    pub tax: TaxRegime,
    /// The fees of an order, in the order in which receipts list them.
    pub fees: Vec<FeeRule>,
    /// The limits of an order.
    pub limits: Limits,
    /// The workflows of orders and refunds.
    pub checkout: CheckoutWorkflows,
}

impl Market {
    /// The locale of texts where the reader's is not known. [`lint`](crate::lint()) refuses a market without one.
    pub fn default_locale(&self) -> &str {
        self.locales.first().map_or("en", String::as_str)
    }

    /// Whether `class` is taxed, or is the class of untaxed items.
    pub fn knows_tax_class(&self, class: &str) -> bool {
        class == UNTAXED || self.tax.rates.iter().any(|rate| rate.classes.contains(class))
    }
}

/// The tax class of items and fees that no tax applies to.
pub const UNTAXED: &str = "none";

/// Whether consumers can order in a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The state.
    pub state: OpeningState,
    /// The consumers who can order while the market is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Cohort>,
}

/// The opening state of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpeningState {
    /// Not open yet: partners can apply, and the consumers of the rollout can order.
    Planned,
    /// Every consumer can order.
    Open,
    /// No one can order or apply. Orders in flight and refunds continue.
    Closed,
}

impl Opening {
    /// Whether a consumer can order in the market.
    pub(crate) fn admits(&self, market: MarketId, consumer_id: &str, employee: bool) -> bool {
        match self.state {
            OpeningState::Open => true,
            OpeningState::Planned => {
                self.rollout.as_ref().is_some_and(|cohort| cohort.has(&format!("market/{market}"), consumer_id, employee))
            }
            OpeningState::Closed => false,
        }
    }
}

/// The taxes of a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRegime {
    /// Whether prices and fees contain the tax already.
    pub included: bool,
    /// The taxes, compound ones after those that they are on.
    pub rates: Vec<TaxRule>,
}

/// One tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// Stable name: `tax`, `vat_reduced`.
    pub code: String,
    /// The name on the receipt, where the rate follows it: `GST`.
    pub name: Text,
    /// The rate; the store's own where the market sets none, since sales taxes differ by place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Whether it is on the amount plus the taxes before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compound: bool,
    /// The tax classes of items and fees that it applies to.
    pub classes: BTreeSet<String>,
}

/// One fee of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeRule {
    /// Stable name: `delivery`, `service`.
    pub code: String,
    /// The name on the receipt.
    pub name: Text,
    /// The tax class.
    pub tax_class: String,
    /// How much.
    pub amount: FeeSource,
}

/// Where the amount of a fee comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FeeSource {
    /// The store's delivery fee, on deliveries only.
    StoreDelivery,
    /// The store's service fee: a share of the subtotal within limits.
    StoreService,
    /// The store's small order fee: the difference to its minimum.
    StoreSmallOrder,
    /// A fixed amount in minor units, on every order.
    Fixed(i64),
}

/// The limits of an order. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The highest tip.
    pub tip: i64,
}

/// The workflows of a market's orders, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckoutWorkflows {
    /// The workflow of each market type that is sold in the market.
    pub orders: BTreeMap<MarketType, String>,
    /// The workflow of refunds.
    pub refunds: String,
}
