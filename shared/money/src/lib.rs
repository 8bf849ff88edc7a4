//! Money in integer minor units.
//!
//! An amount is an `i64` count of its ISO 4217 currency's minor unit: cents for USD, yen for JPY, fils for KWD. Rates are
//! exact decimals. Amounts are rounded half up ([`round_half_up`]) unless the pricing policy names another [`Rounding`], and
//! are split by [`allocate`]. Floating point never touches an amount.

mod allocation;
mod currency;
mod rate;
mod rounding;

pub use allocation::{allocate, allocate_into, share_of_first};
pub use currency::{Currency, UnknownCurrency};
pub use rate::{Rate, round_half_up};
pub use rounding::Rounding;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an arithmetic operation on money has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are in different currencies. Convert explicitly, or refuse the input.
    #[error("cannot combine {0} and {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit into an `i64` of minor units. No real order comes near that: refuse the input.
    #[error("the amount is too large")]
    Overflow,
}

/// An amount of money: minor units and currency.
///
/// ```
/// use carryout_money::{Currency, Money};
/// let burger = Money::new(1_299, Currency::USD);
/// assert_eq!(burger.times(2)?.to_string(), "25.98 USD");
/// # Ok::<(), carryout_money::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Count of the currency's minor unit; negative for amounts owed to the consumer.
    pub minor: i64,
    /// ISO 4217 currency.
    pub currency: Currency,
}

impl Money {
    /// An amount of `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Zero, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The difference of two amounts of one currency; may be negative.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The price of `quantity` units at this unit price.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// This amount at `rate`, rounded half up (away from zero) to a minor unit.
    pub fn at(self, rate: Rate) -> Result<Self, MoneyError> {
        Ok(Self { minor: rate.of(self.minor)?, ..self })
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch(self.currency, other.currency)) }
    }
}

/// `12.99 USD`, `1299 JPY`, `1.299 KWD`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let sign = if self.minor < 0 { "-" } else { "" };
        let units = 10_u64.pow(exponent);
        let magnitude = self.minor.unsigned_abs();
        let text = if exponent == 0 {
            format!("{sign}{magnitude} {}", self.currency)
        } else {
            let (whole, rest) = (magnitude / units, magnitude % units);
            format!("{sign}{whole}.{rest:0width$} {}", self.currency, width = exponent as usize)
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_printed_amount_is_the_amount_in_the_currencys_decimals(minor: i64) {
            for currency in Currency::all().iter().copied() {
                let text = Money::new(minor, currency).to_string();
                let (number, code) = text.split_once(' ').unwrap();
                let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                prop_assert_eq!((code, decimals), (currency.code(), currency.exponent() as usize));
                prop_assert_eq!(number.replace('.', "").parse::<i64>(), Ok(minor));
            }
        }
    }

    #[test]
    fn prints_each_currency_with_its_own_decimals() {
        assert_eq!(Money::new(1_299, Currency::USD).to_string(), "12.99 USD");
        assert_eq!(Money::new(-5, Currency::USD).to_string(), "-0.05 USD");
        assert_eq!(Money::new(1_299, Currency::JPY).to_string(), "1299 JPY");
        assert_eq!(Money::new(1_299, Currency::KWD).to_string(), "1.299 KWD");
        assert_eq!(Money::new(i64::MIN, Currency::JPY).to_string(), "-9223372036854775808 JPY");
    }

    #[test]
    fn refuses_to_mix_currencies_and_to_overflow() {
        let (usd, aud) = (Money::new(1, Currency::USD), Money::new(1, Currency::AUD));
        assert_eq!(usd.plus(aud), Err(MoneyError::CurrencyMismatch(Currency::USD, Currency::AUD)));
        assert_eq!(Money::new(i64::MAX, Currency::USD).plus(usd), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MAX, Currency::USD).times(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn reads_and_writes_minor_units() {
        let json = serde_json::to_string(&Money::new(1_299, Currency::CAD)).unwrap();
        assert_eq!(json, r#"{"minor":1299,"currency":"CAD"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"minor":12.5,"currency":"CAD"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"minor":1,"currency":"DOGE"}"#).is_err());
    }
}
