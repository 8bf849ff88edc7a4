//! What environments cost.

use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The processor that a function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// `x86_64`.
    X86,
    /// `arm64`.
    Arm,
}

/// The day on which the prices that [`Price::of`] knows were those of <https://aws.amazon.com/lambda/pricing/>.
pub const PRICES_OF: Date = date(2025, 1, 1);

const X86: (f64, f64, f64) = (0.000_004_166_7, 0.000_009_722_2, 0.000_016_666_7);
const ARM: (f64, f64, f64) = (0.000_003_333_4, 0.000_007_777_8, 0.000_013_333_4);

/// Prices by region and processor: a GB-second provisioned, one used of it, and one on demand.
const PRICES: [(&str, Architecture, (f64, f64, f64)); 2] =
    [("us-east-1", Architecture::X86, X86), ("us-east-1", Architecture::Arm, ARM)];

/// Prices in USD for a GB-second, without the fee for each request, which is the same either way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of provisioned concurrency, used or not.
    pub provisioned: f64,
    /// Of running on it, besides.
    pub used: f64,
    /// Of running without it.
    pub on_demand: f64,
}

/// Why there is no price.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PriceError {
    /// The table doesn't have the region.
    #[error("the price table of {PRICES_OF} does not have {region}; it has us-east-1. Give the region's own prices")]
    Region {
        /// The region.
        region: String,
    },
    /// Prices under which provisioning never or always pays.
    #[error("`{field}` is no price: prices are above 0, and on demand costs more than running on provisioned concurrency")]
    Value {
        /// The price that is wrong.
        field: &'static str,
    },
}

impl Default for Price {
    /// That of us-east-1, x86.
    fn default() -> Self {
        let (provisioned, used, on_demand) = X86;
        Self { provisioned, used, on_demand }
    }
}

impl Price {
    /// The price of a region, from the table of [`PRICES_OF`].
    pub fn of(region: &str, architecture: Architecture) -> Result<Self, PriceError> {
        let row = PRICES.iter().find(|(name, of, _)| *name == region && *of == architecture);
        let (_, _, (provisioned, used, on_demand)) = row.ok_or_else(|| PriceError::Region { region: region.to_owned() })?;
        Ok(Self { provisioned: *provisioned, used: *used, on_demand: *on_demand })
    }

    /// Prices of one's own.
    pub fn new(provisioned: f64, used: f64, on_demand: f64) -> Result<Self, PriceError> {
        let is_price = |price: f64| price.is_finite() && price > 0.0;
        match () {
            () if !is_price(provisioned) => Err(PriceError::Value { field: "provisioned" }),
            () if !is_price(used) => Err(PriceError::Value { field: "used" }),
            () if !is_price(on_demand) || on_demand <= used => Err(PriceError::Value { field: "on_demand" }),
            () => Ok(Self { provisioned, used, on_demand }),
        }
    }

    /// The use from which a provisioned environment costs less than running on demand: 0.60 at the table's prices.
    pub fn break_even(&self) -> f64 {
        self.provisioned / (self.on_demand - self.used)
    }

    /// The quantile of demand at which the expected cost is least: 1 − [`Price::break_even`], at least 0. An environment more
    /// is used with a probability of 1 − quantile, and pays while that is at least the break-even use (the newsvendor's rule).
    pub fn quantile(&self) -> f64 {
        (1.0 - self.break_even()).max(0.0)
    }

    /// The cost of a demand in environments under a capacity, for each GB and second in USD.
    pub fn cost(&self, demand: f64, capacity: f64) -> f64 {
        capacity * self.provisioned + demand.min(capacity) * self.used + (demand - capacity).max(0.0) * self.on_demand
    }

    /// The cost of demands under their capacities ÷ the cost of running all of it on demand; 1 where there is no demand and no
    /// capacity.
    pub fn ratio(&self, slots: impl IntoIterator<Item = (f64, f64)>) -> f64 {
        let add = |(cost, demand): (f64, f64), (load, capacity): (f64, f64)| (cost + self.cost(load, capacity), demand + load);
        let (cost, demand) = slots.into_iter().fold((0.0, 0.0), add);
        match demand > 0.0 {
            true => cost / (demand * self.on_demand),
            false if cost > 0.0 => f64::INFINITY,
            false => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provisioned_concurrency_pays_from_sixty_percent_use() {
        for architecture in [Architecture::X86, Architecture::Arm] {
            let price = Price::of("us-east-1", architecture).unwrap();
            assert!((price.break_even() - 0.6).abs() < 1e-4);
            assert!((price.quantile() - 0.4).abs() < 1e-4);
            let at_break_even = price.cost(0.6, 1.0) / price.cost(0.6, 0.0);
            assert!((at_break_even - 1.0).abs() < 1e-4, "{at_break_even}");
        }
    }

    #[test]
    fn an_oracle_pays_five_sixths() {
        let price = Price::of("us-east-1", Architecture::X86).unwrap();
        assert!((price.ratio([(80.0, 80.0), (120.0, 120.0)]) - 0.8333).abs() < 1e-4);
        assert_eq!(price.ratio([(80.0, 0.0)]), 1.0);
    }

    #[test]
    fn a_region_that_is_not_in_the_table_is_named() {
        let error = Price::of("eu-nowhere-1", Architecture::Arm).unwrap_err();
        assert!(error.to_string().contains("eu-nowhere-1"), "{error}");
        assert_eq!(Price::new(1.0, 2.0, 2.0), Err(PriceError::Value { field: "on_demand" }));
        assert_eq!(Price::new(f64::NAN, 2.0, 2.0), Err(PriceError::Value { field: "provisioned" }));
    }
}
