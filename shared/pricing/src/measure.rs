use crate::price::{ChargeKind, Price};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// One of the sums that summarize a price. Prices of different systems are compared, and price trends are monitored by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriceMeasure {
    /// Sum of the lines.
    Subtotal,
    /// Sum of the charges of a kind. Taxes include those that other amounts contain; discounts and credits are not above zero.
    Charges(ChargeKind),
    /// The tip.
    Tip,
    /// The amount that the consumer pays.
    Total,
}

impl PriceMeasure {
    /// Every measure, in the order in which they are shown: the tip before the payments.
    pub const ALL: [Self; ChargeKind::ALL.len() + 3] = {
        let mut all = [Self::Total; ChargeKind::ALL.len() + 3];
        all[0] = Self::Subtotal;
        let (mut place, mut kind) = (1, 0);
        while kind < ChargeKind::ALL.len() {
            if ChargeKind::ALL[kind].is_payment() && !matches!(all[place - 1], Self::Tip) {
                all[place] = Self::Tip;
                place += 1;
            }
            all[place] = Self::Charges(ChargeKind::ALL[kind]);
            (place, kind) = (place + 1, kind + 1);
        }
        all
    };

    /// Its name, in JSON too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subtotal => "subtotal",
            Self::Charges(kind) => kind.measure(),
            Self::Tip => "tip",
            Self::Total => "total",
        }
    }

    /// This measure of a price, in minor units of its currency.
    pub fn of(self, price: &Price) -> i64 {
        match self {
            Self::Subtotal => price.subtotal.minor,
            Self::Charges(kind) => price.charges[kind].iter().fold(0, |sum: i64, charge| sum.saturating_add(charge.amount.minor)),
            Self::Tip => price.tip.minor,
            Self::Total => price.total.minor,
        }
    }

    /// Every measure of a price, in minor units of its currency.
    pub fn all_of(price: &Price) -> BTreeMap<Self, i64> {
        Self::ALL.into_iter().map(|measure| (measure, measure.of(price))).collect()
    }
}

impl fmt::Display for PriceMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PriceMeasure {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|measure| measure.name() == name).ok_or_else(|| format!("write one of {}", names()))
    }
}

impl Serialize for PriceMeasure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for PriceMeasure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pipeline::price, samples};

    #[test]
    fn measures_are_the_sums_that_they_are_named_for() {
        let price = price(&samples::taxed_order()).unwrap();
        let measures = PriceMeasure::all_of(&price);
        let names = ["subtotal", "discount", "fees", "tax", "deposits", "tip", "credit", "total"];
        assert_eq!(PriceMeasure::ALL.map(PriceMeasure::name), names);
        // 8.875 % of 2 900 and of 299: 257 and 27.
        let expected = [2_900, 0, 299, 284, 0, 150, 0, 3_633];
        assert_eq!(PriceMeasure::ALL.map(|measure| measures[&measure]), expected);
        for measure in PriceMeasure::ALL {
            assert_eq!(measure.name().parse(), Ok(measure));
            assert_eq!(serde_json::to_value(measure).unwrap(), measure.name());
        }
    }
}
