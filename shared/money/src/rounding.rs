use crate::{MoneyError, Rate};
use serde::{Deserialize, Serialize};

/// A rule that turns an exact amount into whole minor units. Every rule is sign-symmetric, so that a refund rounds exactly
/// as the charge that it reverses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest, halves away from zero: 0.5 → 1, −0.5 → −1.
    #[default]
    HalfUp,
    /// To the nearest, halves towards zero: 0.5 → 0, 1.5 → 1.
    HalfDown,
    /// To the nearest, halves to the even neighbour: 0.5 → 0, 1.5 → 2.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl Rounding {
    /// `numerator / denominator`, rounded.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Overflow`] if the quotient does not fit into an `i64` or the denominator is zero.
    pub fn quotient(self, numerator: i128, denominator: i128) -> Result<i64, MoneyError> {
        let (whole, rest) = divided(numerator, denominator).ok_or(MoneyError::Overflow)?;
        let rest = rest.unsigned_abs();
        let half = rest.cmp(&(denominator.unsigned_abs() - rest));
        let away = match self {
            Self::HalfUp => half.is_ge(),
            Self::HalfDown => half.is_gt(),
            Self::HalfEven => half.is_gt() || half.is_eq() && whole % 2 != 0,
            Self::Up => rest > 0,
            Self::Down => false,
        };
        let sign = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
        let whole = if away { whole + sign } else { whole };
        i64::try_from(whole).map_err(|_| MoneyError::Overflow)
    }

    /// A share of `minor` units: `minor × rate`, rounded.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Overflow`] if it does not fit into an `i64`.
    pub fn share(self, minor: i64, rate: Rate) -> Result<i64, MoneyError> {
        let (numerator, denominator) = rate.as_ratio();
        self.quotient(i128::from(minor).checked_mul(numerator).ok_or(MoneyError::Overflow)?, denominator)
    }
}

/// Quotient and remainder; `None` if the divisor is zero or the quotient does not fit.
#[inline]
fn divided(dividend: i128, divisor: i128) -> Option<(i128, i128)> {
    // Nearly every amount fits into a register, where division is several times faster.
    if let (Ok(dividend), Ok(divisor)) = (i64::try_from(dividend), i64::try_from(divisor))
        && let (Some(whole), Some(rest)) = (dividend.checked_div(divisor), dividend.checked_rem(divisor))
    {
        return Some((whole.into(), rest.into()));
    }
    Some((dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round_half_up;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    #[test]
    fn each_rule_rounds_halves_its_own_way() {
        use Rounding::{Down, HalfDown, HalfEven, HalfUp, Up};
        for (rounding, wanted) in
            [(HalfUp, [1, 2, 3, 1]), (HalfDown, [0, 1, 2, 1]), (HalfEven, [0, 2, 2, 1]), (Up, [1, 2, 3, 1]), (Down, [0, 1, 2, 0])]
        {
            let rounded = [(1, 2), (3, 2), (5, 2), (2, 3)].map(|(n, d)| rounding.quotient(n, d).unwrap());
            assert_eq!(rounded, wanted, "{rounding:?}");
        }
        assert_eq!(HalfUp.quotient(1, 0), Err(MoneyError::Overflow));
        assert_eq!(HalfUp.quotient(i128::MIN, -1), Err(MoneyError::Overflow));
        assert_eq!(HalfUp.quotient(i128::from(i64::MAX) * 2 + 1, 2), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn every_rule_is_off_by_less_than_one_and_symmetric(numerator in -1_000_000_i128..1_000_000, denominator in 1_i128..1_000) {
            for rounding in [Rounding::HalfUp, Rounding::HalfDown, Rounding::HalfEven, Rounding::Up, Rounding::Down] {
                let rounded = rounding.quotient(numerator, denominator).unwrap();
                prop_assert!((i128::from(rounded) * denominator - numerator).abs() < denominator);
                prop_assert_eq!(rounding.quotient(-numerator, denominator).unwrap(), -rounded);
                prop_assert_eq!(rounding.quotient(numerator, -denominator).unwrap(), -rounded);
            }
        }

        #[test]
        fn an_unreduced_fraction_rounds_the_same(numerator in -1_000_000_i128..1_000_000, denominator in 1_i128..1_000) {
            for rounding in [Rounding::HalfUp, Rounding::HalfDown, Rounding::HalfEven, Rounding::Up, Rounding::Down] {
                let large = rounding.quotient(numerator << 64, denominator << 64);
                prop_assert_eq!(large, rounding.quotient(numerator, denominator));
            }
        }

        #[test]
        fn a_share_equals_the_exact_decimal_rounded(minor in -1_000_000_000_i64..1_000_000_000, thousandths in 0_i64..200_000) {
            let rate = Rate::from_milli_percent(thousandths);
            let exact = Decimal::from(minor) * rate.as_decimal();
            prop_assert_eq!(Rounding::HalfUp.share(minor, rate).ok(), round_half_up(exact));
        }
    }
}
