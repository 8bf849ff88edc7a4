//! What things cost where, in minor units.

use carryout_market::{MarketId, MarketType, ids};
use fastrand::Rng;

/// How a store prices its menu: its level against the trade's usual one, and the cents that its prices end in.
pub(crate) struct PriceList {
    country: MarketId,
    level_percent: i64,
    endings: &'static [i64],
}

impl PriceList {
    /// The price list of one store, up to 8 % above or below the usual.
    pub(crate) fn of(country: MarketId, market_type: MarketType, rng: &mut Rng) -> Self {
        let styles = endings(country, market_type);
        Self { country, level_percent: rng.i64(92..=108), endings: styles[rng.usize(..styles.len())] }
    }

    /// The price of an article whose usual price in the United States is `cents`: within 12 % of it, in the market's
    /// money, before it is moved to the nearest usual ending.
    pub(crate) fn price(&self, cents: i64, rng: &mut Rng) -> i64 {
        let percent = self.level_percent + rng.i64(-4..=4);
        let exact = in_market(cents, self.country) * percent / 100;
        let whole = exact / 100 * 100;
        [whole - 100, whole, whole + 100]
            .into_iter()
            .flat_map(|base| self.endings.iter().map(move |ending| base + ending))
            .filter(|price| *price > 0)
            .min_by_key(|price| price.abs_diff(exact))
            .unwrap_or(exact)
    }
}

/// An amount of US cents in the market's money and at its price level. Australian and New Zealand amounts contain GST.
pub(crate) const fn in_market(cents: i64, country: MarketId) -> i64 {
    let percent = match country {
        ids::CA => 122,
        ids::AU => 155,
        ids::NZ => 166,
        ids::PR => 92,
        _ => 100,
    };
    cents * percent / 100
}

const fn endings(country: MarketId, market_type: MarketType) -> &'static [&'static [i64]] {
    match (country, market_type) {
        (ids::US | ids::PR, MarketType::Restaurant) => &[&[49, 99], &[0, 50], &[45, 95], &[0, 25, 50, 75]],
        (ids::CA, MarketType::Restaurant) => &[&[49, 99], &[0, 50], &[95]],
        (ids::AU | ids::NZ, MarketType::Restaurant) => &[&[0, 50], &[50, 90]],
        (ids::CA, _) => &[&[49, 99], &[29, 69, 99]],
        (ids::AU | ids::NZ, _) => &[&[0, 50], &[20, 50, 80], &[49, 99]],
        _ => &[&[29, 49, 79, 99], &[49, 99]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_stay_within_twelve_percent_and_end_as_the_market_expects() {
        let mut rng = Rng::with_seed(1);
        for country in crate::MARKETS {
            for market_type in [MarketType::Restaurant, MarketType::Grocery, MarketType::Retail] {
                for cents in [125, 450, 1_595, 6_995] {
                    let list = PriceList::of(country, market_type, &mut rng);
                    let price = list.price(cents, &mut rng);
                    let usual = in_market(cents, country);
                    // The nearest ending is at most half a unit away.
                    assert!(
                        price.abs_diff(usual) as i64 <= usual * 12 / 100 + 51,
                        "{country} {market_type}: {cents} became {price}"
                    );
                    assert!(price > 0);
                    assert!(list.endings.contains(&(price % 100)));
                }
            }
        }
    }
}
