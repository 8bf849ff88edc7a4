//! A believable marketplace from one seed number.
//!
//! [`Marketplace::generate`] is a pure function: no I/O, no clock, no operating system's random numbers. Each store and
//! each consumer draws from a random stream of its own, so a longer menu of one store leaves the others as they were.
//!
//! What every marketplace has, whatever the seed, is written down in this crate's `tests/guarantees.rs`.

mod assortment;
mod cities;
mod consumers;
mod groceries;
mod hours;
mod ids;
mod menus;
mod people;
mod places;
mod prices;
mod promotions;
mod shops;
mod stores;

use carryout_checkout::{consumer::Consumer, store::StoreWithMenu};
use carryout_market::{MarketId, ids as markets};
use carryout_money::Currency;
use carryout_pricing::Promotion;
use std::collections::BTreeMap;

/// The markets that are generated.
pub(crate) const MARKETS: [MarketId; 5] = [markets::US, markets::CA, markets::AU, markets::NZ, markets::PR];

/// The currency of a market.
pub(crate) const fn currency(market: MarketId) -> Currency {
    match market {
        markets::CA => Currency::CAD,
        markets::AU => Currency::AUD,
        markets::NZ => Currency::NZD,
        _ => Currency::USD,
    }
}

/// The stores and the consumers of all markets.
#[derive(Debug, Clone, PartialEq)]
pub struct Marketplace {
    /// The stores with their menus, market by market in the order of `MARKETS`.
    pub stores: Vec<StoreWithMenu>,
    /// The consumers, market by market in the same order. The first of each market is unremarkable: not blocked, with
    /// an account of more than a year and at least ten orders, a card that works, and a second one that is declined.
    pub consumers: Vec<Consumer>,
    /// The promotions of each market, the same for every seed.
    pub promotions: BTreeMap<MarketId, Vec<Promotion>>,
}

impl Marketplace {
    /// The marketplace of `seed`, seen at `now_ms` (milliseconds since the Unix epoch), from which only the consumers'
    /// `created_at` is counted back.
    ///
    /// ```
    /// use carryout_marketplace::Marketplace;
    ///
    /// let now = 1_767_225_600_000; // 2026-01-01T00:00:00Z
    /// let marketplace = Marketplace::generate(7, now);
    /// assert_eq!(marketplace, Marketplace::generate(7, now));
    /// assert!(marketplace.stores.len() >= 320);
    /// assert_eq!(marketplace.consumers.len(), 1_000);
    /// ```
    pub fn generate(seed: u64, now_ms: i64) -> Self {
        let sited = stores::generate(seed);
        let consumers = consumers::generate(seed, now_ms, &sited);
        Self {
            stores: sited.into_iter().map(|sited| sited.store).collect(),
            consumers,
            promotions: MARKETS.into_iter().map(|country| (country, promotions::of(country))).collect(),
        }
    }
}
