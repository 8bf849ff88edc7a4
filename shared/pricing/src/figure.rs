use crate::{Charge, Price, Shares};
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// One of the amounts that sum up what a price is made of. Prices of different systems are compared by them, and what
/// prices do over time is watched by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceMeasure {
    /// Sum of the lines.
    Subtotal,
    /// What is taken off; not above zero.
    Discount,
    /// Fees.
    Fees,
    /// Taxes, also those that other amounts contain.
    Tax,
    /// Deposits.
    Deposits,
    /// The tip.
    Tip,
    /// Credits that pay a part; not above zero.
    Credit,
    /// What the consumer pays.
    Total,
}

impl PriceMeasure {
    /// Every figure, in the order in which a price is made.
    pub const ALL: [Self; 8] =
        [Self::Subtotal, Self::Discount, Self::Fees, Self::Tax, Self::Deposits, Self::Tip, Self::Credit, Self::Total];

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subtotal => "subtotal",
            Self::Discount => "discount",
            Self::Fees => "fees",
            Self::Tax => "tax",
            Self::Deposits => "deposits",
            Self::Tip => "tip",
            Self::Credit => "credit",
            Self::Total => "total",
        }
    }

    /// This figure of a price, in minor units of its currency.
    pub fn of(self, price: &Price) -> i64 {
        match self {
            Self::Subtotal => price.subtotal.minor,
            Self::Discount => sum(&price.discounts),
            Self::Fees => sum(&price.fees),
            Self::Tax => sum(&price.taxes),
            Self::Deposits => sum(&price.deposits),
            Self::Tip => price.tip.minor,
            Self::Credit => sum(&price.credits),
            Self::Total => price.total.minor,
        }
    }

    /// Every figure of a price, in minor units of its currency.
    pub fn all_of(price: &Price) -> BTreeMap<Self, i64> {
        Self::ALL.into_iter().map(|figure| (figure, figure.of(price))).collect()
    }
}

fn added_up(amounts: impl Iterator<Item = Money>) -> i128 {
    amounts.map(|amount| i128::from(amount.minor)).sum()
}

fn sum(charges: &[Charge]) -> i64 {
    charges.iter().fold(0, |sum, charge| sum.saturating_add(charge.amount.minor))
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
        Self::ALL.into_iter().find(|figure| figure.name() == name).ok_or_else(|| format!("write one of {}", names()))
    }
}

impl Price {
    /// What is wrong with a price that another system made for `lines`; `None` where it can be shown, locked and refunded
    /// as one of ours: one currency, the same lines, shares that add up to their charges, charges that add up to the total.
    pub fn contradiction(&self, lines: &[(&str, u32)]) -> Option<String> {
        let currency = self.total.currency;
        let charges = || [&self.fees, &self.discounts, &self.taxes, &self.deposits, &self.credits].into_iter().flatten();
        let amounts = self.lines.iter().flat_map(|line| [line.unit_price, line.amount]);
        let amounts = amounts.chain(charges().map(|charge| charge.amount)).chain([self.subtotal, self.tip]);
        if amounts.into_iter().any(|amount: Money| amount.currency != currency) {
            return Some("it has more than one currency".to_owned());
        }
        if !self.lines.iter().map(|line| (&*line.item_id, line.quantity)).eq(lines.iter().copied()) {
            return Some("its lines are not those that were asked for".to_owned());
        }
        for charge in charges() {
            let Shares { lines, fees, .. } = &charge.shares;
            let fits = |shares: &[i64], parts: usize| shares.is_empty() || shares.len() == parts;
            let complete = charge.shares.is_empty() || charge.shares.sum() == Some(charge.amount.minor);
            if !complete || !fits(lines, self.lines.len()) || !fits(fees, self.fees.len()) {
                return Some(format!("the shares of {} don't add up to it", charge.code));
            }
        }
        if added_up(self.lines.iter().map(|line| line.amount)) != i128::from(self.subtotal.minor) {
            return Some("its lines don't add up to the subtotal".to_owned());
        }
        let added = charges().filter(|charge| !charge.included).map(|charge| charge.amount);
        let total = added_up(added.chain([self.subtotal, self.tip]));
        if total != i128::from(self.total.minor) || self.total.minor < 0 {
            return Some(format!("its components add up to {total} and the total is {}", self.total.minor));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, ContextLine, Fee, FeeAmount, STANDARD_TAX, TaxRate, Taxes, price};
    use carryout_money::{Currency, Rate};

    fn context() -> Context {
        let fee = Fee {
            code: "service".to_owned(),
            name: "Service fee".to_owned(),
            amount: FeeAmount::Fixed(299),
            tax_class: STANDARD_TAX.to_owned(),
        };
        let rate = TaxRate {
            code: "tax".to_owned(),
            name: "Sales tax".to_owned(),
            rate: Rate::from_milli_percent(8_875),
            compound: false,
            classes: vec![STANDARD_TAX.to_owned()],
        };
        Context {
            fees: vec![fee],
            taxes: Taxes { included: false, rates: vec![rate] },
            tip: 150,
            ..Context::new(Currency::USD, vec![ContextLine::new("ramen", "Ramen", 2, 1_450)])
        }
    }

    #[test]
    fn figures_are_the_sums_of_what_they_are_named_for() {
        let price = price(&context()).unwrap();
        let figures = PriceMeasure::all_of(&price);
        // 8.875 % of 2 900 and of 299: 257 and 27.
        let expected = [2_900, 0, 299, 284, 0, 150, 0, 3_633];
        assert_eq!(PriceMeasure::ALL.map(|figure| figures[&figure]), expected);
        for figure in PriceMeasure::ALL {
            assert_eq!(figure.name().parse(), Ok(figure));
            assert_eq!(serde_json::to_value(figure).unwrap(), figure.name());
        }
    }

    #[test]
    fn our_own_price_never_contradicts_itself_and_a_broken_one_does() {
        let good = price(&context()).unwrap();
        let lines = [("ramen", 2)];
        assert_eq!(good.contradiction(&lines), None);
        assert!(good.contradiction(&[("ramen", 1)]).is_some());
        let broken: [fn(&mut Price); 5] = [
            |price| price.total.minor += 1,
            |price| price.subtotal.minor -= 1,
            |price| price.tip.currency = Currency::CAD,
            |price| price.taxes[0].shares.lines[0] += 1,
            |price| price.taxes[0].shares.lines.push(0),
        ];
        for (place, spoil) in broken.into_iter().enumerate() {
            let mut price = good.clone();
            spoil(&mut price);
            assert!(price.contradiction(&lines).is_some(), "{place}");
        }
    }
}
