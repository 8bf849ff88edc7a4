use crate::MoneyError;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A share of an amount as an exact decimal: 0.08875 is New York City's sales tax, 0.15 a service fee of 15 %.
///
/// Written as a string in JSON, so that no reader turns it into a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(#[serde(with = "rust_decimal::serde::str")] Decimal);

impl Rate {
    /// Zero.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// `thousandths` of a percent: `Rate::from_milli_percent(8_875)` is 8.875 %.
    pub fn from_milli_percent(thousandths: i64) -> Self {
        Self(Decimal::new(thousandths, 5))
    }

    /// The rate as a decimal.
    pub const fn as_decimal(self) -> Decimal {
        self.0
    }

    /// The rate as an exact fraction: numerator, and denominator above zero.
    pub fn as_ratio(self) -> (i128, i128) {
        // A decimal's mantissa has 96 bits and its scale is at most 28, so the power fits.
        (self.0.mantissa(), 10_i128.pow(self.0.scale()))
    }

    /// This share of `minor` units, rounded half up to a unit.
    pub(crate) fn of(self, minor: i64) -> Result<i64, MoneyError> {
        let exact = Decimal::from(minor).checked_mul(self.0).ok_or(MoneyError::Overflow)?;
        round_half_up(exact).ok_or(MoneyError::Overflow)
    }
}

/// `8.875%`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}%", (self.0 * Decimal::ONE_HUNDRED).normalize()))
    }
}

/// Rounds to whole minor units, halves away from zero: 0.5 → 1, −0.5 → −1. `None` if the result does not fit.
///
/// Away from zero, so that a refund rounds exactly as the charge that it reverses.
pub fn round_half_up(exact: Decimal) -> Option<i64> {
    exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_halves_away_from_zero() {
        let half = Rate(Decimal::new(5, 1));
        assert_eq!(half.of(1), Ok(1));
        assert_eq!(half.of(-1), Ok(-1));
        assert_eq!(half.of(3), Ok(2));
        assert_eq!(Rate::from_milli_percent(8_875).of(1_000), Ok(89));
        assert_eq!(Rate::from_milli_percent(8_875).to_string(), "8.875%");
    }

    #[test]
    fn refuses_an_amount_that_does_not_fit() {
        assert_eq!(Rate::from_milli_percent(300_000).of(i64::MAX), Err(MoneyError::Overflow));
    }
}
