//! What a kind of store is: its names, its hours, and what it may sell.

use crate::hours::Hours;
use carryout_market::{MarketId, MarketType, ids};
use carryout_pricing::Weight;

/// A kind of store.
pub(crate) struct Assortment {
    /// In words: `Ramen`, `Organic grocery`.
    pub name: &'static str,
    pub market_type: MarketType,
    /// How common it is in each market, in the order of [`MARKETS`].
    pub share: [u8; 5],
    /// Whether such a store may be open around the clock.
    pub all_night: bool,
    /// Whether it also sells what only its market knows: soft drinks in restaurants, brands in groceries.
    pub local_shelf: bool,
    /// The habits of opening that its stores choose from.
    pub hours: &'static [Hours],
    /// Signs for any market; `{hood}` stands for the neighbourhood.
    pub names: &'static [&'static str],
    /// Signs for one market alone.
    pub local_names: &'static [(MarketId, &'static [&'static str])],
    pub sections: &'static [Section],
}

impl Assortment {
    /// How common it is in `country`.
    pub(crate) fn share_in(&self, country: MarketId) -> u8 {
        crate::MARKETS.iter().zip(self.share).find(|(each, _)| **each == country).map_or(0, |(_, share)| share)
    }

    /// Signs that suit `country`, its own ones first.
    pub(crate) fn names_in(&self, country: MarketId) -> impl Iterator<Item = &'static str> {
        let local = self.local_names.iter().filter(move |(each, _)| *each == country);
        local.flat_map(|(_, names)| names.iter()).chain(self.names).copied()
    }
}

/// A part of a menu.
pub(crate) struct Section {
    pub name: &'static str,
    pub articles: &'static [Article],
}

/// Something that may be on a menu.
pub(crate) struct Article {
    name: &'static str,
    /// Pack size in US customary and in metric units; none for a dish.
    size: Option<(&'static str, &'static str)>,
    /// Usual price in the United States, in cents.
    pub cents: i64,
    pub description: &'static str,
    /// What one weighs, where the price is for a pound or a kilogram.
    pub weight: Option<Weight>,
    /// Deposit on one, in minor units.
    pub deposit: Option<i64>,
}

impl Article {
    /// The article sold by weight; one weighs so many thousandths of a pound or kilogram.
    pub(crate) const fn by_weight(self, thousandths: u32) -> Self {
        Self { weight: Some(Weight::from_thousandths(thousandths)), ..self }
    }

    /// The article with a deposit.
    pub(crate) const fn with_deposit(self, minor: i64) -> Self {
        Self { deposit: Some(minor), ..self }
    }

    /// Its name as sold in `country`, with the pack size in the units that people use there.
    pub(crate) fn name_in(&self, country: MarketId) -> String {
        match (self.size, country) {
            (None, _) => self.name.to_owned(),
            (Some((customary, _)), ids::US | ids::PR) => format!("{}, {customary}", self.name),
            (Some((_, metric)), _) => format!("{}, {metric}", self.name),
        }
    }
}

pub(crate) const fn section(name: &'static str, articles: &'static [Article]) -> Section {
    Section { name, articles }
}

pub(crate) const fn dish(name: &'static str, cents: i64, description: &'static str) -> Article {
    Article { name, size: None, cents, description, weight: None, deposit: None }
}

pub(crate) const fn pack(
    name: &'static str,
    customary: &'static str,
    metric: &'static str,
    cents: i64,
    description: &'static str,
) -> Article {
    Article { name, size: Some((customary, metric)), cents, description, weight: None, deposit: None }
}
