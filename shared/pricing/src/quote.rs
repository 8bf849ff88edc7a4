use crate::{
    component::ComponentId,
    context::Context,
    limits::{LimitedAmount, LimitedComponent},
    price::{ChargeKind, Price},
};
use carryout_environment::Signer;
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The terms of a quote: the price, who may use it, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteTerms {
    /// The quote's id.
    pub id: String,
    /// The only consumer who may use it.
    pub consumer_id: String,
    /// The store it is for.
    pub store_id: String,
    /// The store's market: its country, ISO 3166-1, two letters. Empty in quotes that predate markets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub market: String,
    /// Whether it is delivered; a pickup otherwise.
    pub delivery: bool,
    /// The delivery address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_id: Option<String>,
    /// The locked price.
    pub price: Price,
    /// The components of the price that have redemption limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited: Vec<LimitedComponent>,
    /// The order that this quote prices again after its lines changed. No other order can use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprices: Option<String>,
    /// When it expires. Milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// Finds the components of a context's price that have redemption limits.
pub fn limited_components(context: &Context, price: &Price) -> Vec<LimitedComponent> {
    let promotions = context.promotions.iter().map(|one| (ComponentId::charge(ChargeKind::Discount, &*one.id), one.limits));
    let credits = context.credits.iter().map(|one| (ComponentId::charge(ChargeKind::Credit, &*one.id), one.limits));
    let priced = components(price);
    let known = promotions.chain(credits).filter(|(component, limits)| !limits.are_none() && priced.contains_key(component));
    known.map(|(component, limits)| LimitedComponent { component, limits }).collect()
}

/// A locked price: the terms, and the signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The terms.
    #[serde(flatten)]
    pub terms: QuoteTerms,
    /// Made by [`Signer`] over [`QuoteTerms::to_sign`].
    pub signature: String,
}

impl QuoteTerms {
    /// The signed bytes: all terms.
    pub fn to_sign(&self) -> Vec<u8> {
        // Terms are plain data without maps or floats: serializing them can't fail, and always gives the same bytes.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The amounts by which the price redeems its limited components.
    pub fn limited_amounts(&self) -> Vec<LimitedAmount<'_>> {
        let priced = components(&self.price);
        let redeemed = |component| priced.get(component).map_or(0, |(_, amount)| -amount.minor);
        let each = self.limited.iter().map(|LimitedComponent { component, limits }| LimitedAmount {
            component,
            amount: redeemed(component),
            limits,
        });
        each.filter(|limited| limited.amount > 0).collect()
    }

    /// Signs the terms.
    pub fn signed(self, signer: &impl Signer) -> Quote {
        let signature = signer.sign(&self.to_sign());
        Quote { terms: self, signature }
    }
}

impl Quote {
    /// Whether the signature fits the terms.
    pub fn verify(&self, signer: &impl Signer) -> bool {
        signer.verify(&self.terms.to_sign(), &self.signature)
    }
}

/// One component that differs between two prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceDifference {
    /// The component.
    pub component: ComponentId,
    /// The name that the consumer reads.
    pub name: String,
    /// The amount before; none if the component is new.
    pub was: Option<Money>,
    /// The amount now; none if the component is gone.
    pub now: Option<Money>,
}

impl PriceDifference {
    /// The increase. A new component grew from zero, a removed one shrank to zero.
    pub fn by(&self) -> Option<Money> {
        let known = self.now.or(self.was)?;
        let minor = |amount: Option<Money>| amount.map_or(0, |amount| amount.minor);
        Some(Money { minor: minor(self.now) - minor(self.was), ..known })
    }
}

/// For people: `Sales tax 8.875% +1.20 USD`.
impl fmt::Display for PriceDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.by() {
            Some(by) if by.minor > 0 => write!(f, " +{by}"),
            Some(by) => write!(f, " {by}"),
            None => Ok(()),
        }
    }
}

/// Finds every component in which `now` differs from `was`, in a stable order, the total last.
pub fn differences(was: &Price, now: &Price) -> Vec<PriceDifference> {
    let (before, after) = (components(was), components(now));
    let ids: BTreeSet<&ComponentId> = before.keys().chain(after.keys()).collect();
    let mut found: Vec<PriceDifference> = ids
        .into_iter()
        .filter_map(|id| {
            let (was, now) = (before.get(id), after.get(id));
            let amount = |component: Option<&(&str, Money)>| component.map(|(_, amount)| *amount);
            (amount(was) != amount(now)).then(|| PriceDifference {
                component: id.clone(),
                name: now.or(was).map(|(name, _)| (*name).to_owned()).unwrap_or_default(),
                was: amount(was),
                now: amount(now),
            })
        })
        .collect();
    if was.total != now.total {
        found.push(PriceDifference {
            component: ComponentId::Total,
            name: "Total".into(),
            was: Some(was.total),
            now: Some(now.total),
        });
    }
    found
}

/// The name and amount of every component of a price but the total.
fn components(price: &Price) -> BTreeMap<ComponentId, (&str, Money)> {
    let lines = price.lines.iter().map(|line| (ComponentId::Line(line.item_id.clone()), (&*line.name, line.amount)));
    let charges = price.charges.iter().map(|(kind, charge)| {
        let id = ComponentId::charge(kind, charge.code.as_str());
        (id, (charge.name.as_str(), charge.amount))
    });
    lines.chain(charges).chain([(ComponentId::Tip, ("Tip", price.tip))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::{Charge, Charges, PricedLine, Shares};
    use carryout_money::Currency;

    fn charge(code: &str, name: &str, minor: i64) -> Charge {
        let amount = Money::new(minor, Currency::USD);
        Charge { code: code.into(), name: name.into(), amount, included: false, shares: Shares::default() }
    }

    fn price(ramen: i64, tax: i64) -> Price {
        let usd = |minor| Money::new(minor, Currency::USD);
        Price {
            lines: vec![PricedLine {
                item_id: "ramen".into(),
                name: "Ramen".into(),
                quantity: 1,
                weight: None,
                unit_price: usd(ramen),
                amount: usd(ramen),
            }],
            subtotal: usd(ramen),
            charges: Charges::from_iter([(ChargeKind::Tax, charge("tax", "Tax", tax))]),
            tip: usd(0),
            total: usd(ramen + tax),
            policy: String::new(),
            engine: 0,
            flags: Vec::new(),
        }
    }

    #[test]
    fn names_each_component_that_changed_and_the_total_last() {
        let found = differences(&price(1_450, 120), &price(1_450, 240));
        let components: Vec<String> = found.iter().map(|difference| difference.component.to_string()).collect();
        assert_eq!(components, ["taxes.tax", "total"]);
        assert!(differences(&price(1, 1), &price(1, 1)).is_empty());
    }

    #[test]
    fn each_difference_states_its_increase() {
        let mut was = price(1_450, 120);
        was.charges[ChargeKind::Fee].push(charge("delivery", "Delivery fee", 299));
        was.charges[ChargeKind::Discount].push(charge("ten_off", "10% off", -145));
        was.charges[ChargeKind::Deposit].push(charge("bottle", "Bottle deposit", 25));
        let mut now = price(1_450, 240);
        now.charges[ChargeKind::Fee].push(charge("delivery", "Delivery fee", 199));
        now.charges[ChargeKind::Discount].push(charge("bulk", "Bulk", -100));
        now.charges[ChargeKind::Credit].push(charge("gift", "Gift card", -500));
        now.tip.minor = 200;
        now.total.minor = 1_289;
        let said: Vec<String> =
            differences(&was, &now).iter().map(|difference| format!("{}: {difference}", difference.component)).collect();
        assert_eq!(
            said,
            [
                "credits.gift: Gift card -5.00 USD",
                "deposits.bottle: Bottle deposit -0.25 USD",
                "discounts.bulk: Bulk -1.00 USD",
                "discounts.ten_off: 10% off +1.45 USD",
                "fees.delivery: Delivery fee -1.00 USD",
                "taxes.tax: Tax +1.20 USD",
                "tip: Tip +2.00 USD",
                "total: Total -2.81 USD",
            ]
        );
    }
}
