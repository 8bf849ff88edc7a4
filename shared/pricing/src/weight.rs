use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A weight (or volume, or length) in thousandths of the unit that an item is priced by: `1.250`, in JSON as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u32);

impl Weight {
    /// Makes a weight of `thousandths` of a unit: grams, for an item that is priced by the kilogram.
    pub const fn from_thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// The weight in thousandths.
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// The text is not a weight.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a weight: write for example 1.250, with at most three decimals")]
pub struct WeightError(pub String);

impl FromStr for Weight {
    type Err = WeightError;

    fn from_str(text: &str) -> Result<Self, WeightError> {
        let invalid = || WeightError(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > 3 {
            return Err(invalid());
        }
        let thousandths: u32 = format!("{decimals:0<3}").parse().map_err(|_| invalid())?;
        let whole: u32 = whole.parse().map_err(|_| invalid())?;
        whole.checked_mul(1_000).and_then(|whole| whole.checked_add(thousandths)).map(Self).ok_or_else(invalid)
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_at_most_three_decimals() {
        for (text, thousandths) in [("1.25", 1_250), ("0.005", 5), ("12", 12_000)] {
            assert_eq!(text.parse(), Ok(Weight::from_thousandths(thousandths)));
        }
        assert_eq!(Weight::from_thousandths(1_005).to_string(), "1.005");
        for text in ["", ".5", "1.", "-1", "1.0000", "5000000", "1e3"] {
            assert!(text.parse::<Weight>().is_err(), "{text}");
        }
    }
}
