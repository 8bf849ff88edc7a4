use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A currency that Carryout trades in, by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Currency {
    /// Australian dollar.
    AUD,
    /// Canadian dollar.
    CAD,
    /// Japanese yen, which has no minor unit.
    JPY,
    /// Kuwaiti dinar, whose minor unit is a thousandth.
    KWD,
    /// New Zealand dollar.
    NZD,
    /// United States dollar; also Puerto Rico's.
    USD,
}

impl Currency {
    /// Every currency, in the order of their codes.
    pub const ALL: [Self; 6] = [Self::AUD, Self::CAD, Self::JPY, Self::KWD, Self::NZD, Self::USD];

    /// The number of decimals of the minor unit (ISO 4217, table A.1): 2 for USD, 0 for JPY, 3 for KWD.
    pub const fn exponent(self) -> u32 {
        match self {
            Self::JPY => 0,
            Self::KWD => 3,
            Self::AUD | Self::CAD | Self::NZD | Self::USD => 2,
        }
    }

    /// The three-letter code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AUD => "AUD",
            Self::CAD => "CAD",
            Self::JPY => "JPY",
            Self::KWD => "KWD",
            Self::NZD => "NZD",
            Self::USD => "USD",
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// The text is not the code of a currency that Carryout trades in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency {0:?}: use an ISO 4217 code such as USD")]
pub struct UnknownCurrency(pub String);

/// Reads the ISO code in any case: payment processors write it in small letters.
impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|currency| currency.code().eq_ignore_ascii_case(code))
            .ok_or_else(|| UnknownCurrency(code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_codes_in_any_case_and_names_the_unknown_one() {
        assert_eq!("usd".parse(), Ok(Currency::USD));
        assert_eq!("XBT".parse::<Currency>(), Err(UnknownCurrency("XBT".into())));
    }
}
