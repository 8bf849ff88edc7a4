use crate::{Context, Limits, Price};
use carryout_environment::Signer;
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a quote promises, to whom, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteTerms {
    /// The quote's id.
    pub id: String,
    /// The consumer who may use it.
    pub consumer_id: String,
    /// The store it is for.
    pub store_id: String,
    /// The store's market: its country, ISO 3166-1, two letters. Empty in quotes from before markets were written down.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub market: String,
    /// Whether it is delivered; a pickup otherwise.
    pub delivery: bool,
    /// The consumer's address that it is delivered to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_id: Option<String>,
    /// The locked price.
    pub price: Price,
    /// The components of the price of which orders get a limited amount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited: Vec<Limited>,
    /// The order whose price this is after something about its lines turned out otherwise. No other order can use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprices: Option<String>,
    /// Until when it can be used. Milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// A component of a price of which orders get a limited amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// The component, as in a [`Difference`]: `discounts.<code>` or `credits.<code>`.
    pub component: String,
    /// What orders get of it at most.
    pub limits: Limits,
}

/// What a price takes of something that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken<'a> {
    /// The component: `discounts.<code>` or `credits.<code>`.
    pub component: &'a str,
    /// How much, in minor units; above zero.
    pub amount: i64,
    /// What orders get of it at most.
    pub limits: &'a Limits,
}

/// The components of a context's price of which orders get a limited amount.
pub fn limited(context: &Context, price: &Price) -> Vec<Limited> {
    let promotions = context.promotions.iter().map(|promotion| (format!("discounts.{}", promotion.id), promotion.limits));
    let credits = context.credits.iter().map(|credit| (format!("credits.{}", credit.id), credit.limits));
    let given = components(price);
    let known = promotions.chain(credits).filter(|(component, limits)| !limits.are_none() && given.contains_key(component));
    known.map(|(component, limits)| Limited { component, limits }).collect()
}

/// A locked price: its terms, and the signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What is promised.
    #[serde(flatten)]
    pub terms: QuoteTerms,
    /// Made by [`Signer`] over [`QuoteTerms::to_sign`].
    pub signature: String,
}

impl QuoteTerms {
    /// The bytes that are signed: all terms.
    pub fn to_sign(&self) -> Vec<u8> {
        // Terms are plain data without maps or floats: writing them as JSON can't fail, and gives the same bytes again.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What the price takes of what is limited.
    pub fn taken(&self) -> Vec<Taken<'_>> {
        let given = components(&self.price);
        let taken = |limited: &Limited| given.get(&limited.component).map_or(0, |(_, amount)| -amount.minor);
        let each = self.limited.iter().map(|limited| Taken {
            component: &limited.component,
            amount: taken(limited),
            limits: &limited.limits,
        });
        each.filter(|taken| taken.amount > 0).collect()
    }

    /// A quote on these terms.
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
pub struct Difference {
    /// The component: `lines.<item>`, `fees.<code>`, `deposits.<code>`, `discounts.<code>`, `taxes.<code>`,
    /// `credits.<code>`, `tip`, `total`.
    pub component: String,
    /// Its name for people.
    pub name: String,
    /// What it was; nothing if it is new.
    pub was: Option<Money>,
    /// What it is now; nothing if it is gone.
    pub now: Option<Money>,
}

impl Difference {
    /// By how much it grew. What is new grew from nothing, what is gone shrank to nothing.
    pub fn by(&self) -> Option<Money> {
        let known = self.now.or(self.was)?;
        let minor = |amount: Option<Money>| amount.map_or(0, |amount| amount.minor);
        Some(Money { minor: minor(self.now) - minor(self.was), ..known })
    }
}

/// As people read it: `Sales tax 8.875% +1.20 USD`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.by() {
            Some(by) if by.minor > 0 => write!(f, " +{by}"),
            Some(by) => write!(f, " {by}"),
            None => Ok(()),
        }
    }
}

/// Every component in which `now` differs from `was`, in a stable order, the total last.
pub fn differences(was: &Price, now: &Price) -> Vec<Difference> {
    let (before, after) = (components(was), components(now));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut found: Vec<Difference> = keys
        .into_iter()
        .filter_map(|key| {
            let (was, now) = (before.get(key), after.get(key));
            let amount = |component: Option<&(String, Money)>| component.map(|(_, amount)| *amount);
            (amount(was) != amount(now)).then(|| Difference {
                component: key.clone(),
                name: now.or(was).map(|(name, _)| name.clone()).unwrap_or_default(),
                was: amount(was),
                now: amount(now),
            })
        })
        .collect();
    if was.total != now.total {
        found.push(Difference { component: "total".into(), name: "Total".into(), was: Some(was.total), now: Some(now.total) });
    }
    found
}

fn components(price: &Price) -> BTreeMap<String, (String, Money)> {
    let lines = price.lines.iter().map(|line| (format!("lines.{}", line.item_id), (line.name.to_string(), line.amount)));
    let groups = [
        ("fees", &price.fees),
        ("deposits", &price.deposits),
        ("discounts", &price.discounts),
        ("taxes", &price.taxes),
        ("credits", &price.credits),
    ];
    let charges = groups.into_iter().flat_map(|(group, charges)| {
        charges.iter().map(move |charge| (format!("{group}.{}", charge.code), (charge.name.clone(), charge.amount)))
    });
    lines.chain(charges).chain([("tip".to_owned(), ("Tip".to_owned(), price.tip))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Charge, PricedLine, Shares};
    use carryout_money::Currency;

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
            fees: Vec::new(),
            discounts: Vec::new(),
            taxes: vec![Charge {
                code: "tax".into(),
                name: "Tax".into(),
                amount: usd(tax),
                included: false,
                shares: Shares::default(),
            }],
            tip: usd(0),
            deposits: Vec::new(),
            credits: Vec::new(),
            total: usd(ramen + tax),
            policy: String::new(),
            engine: 0,
            flags: Vec::new(),
        }
    }

    #[test]
    fn names_each_component_that_changed_and_the_total_last() {
        let found = differences(&price(1_450, 120), &price(1_450, 240));
        let components: Vec<&str> = found.iter().map(|difference| difference.component.as_str()).collect();
        assert_eq!(components, ["taxes.tax", "total"]);
        assert!(differences(&price(1, 1), &price(1, 1)).is_empty());
    }

    #[test]
    fn says_of_each_component_by_how_much_it_grew() {
        let charge = |code: &str, name: &str, minor| Charge {
            code: code.into(),
            name: name.into(),
            amount: Money::new(minor, Currency::USD),
            included: false,
            shares: Shares::default(),
        };
        let mut was = price(1_450, 120);
        was.fees.push(charge("delivery", "Delivery fee", 299));
        was.discounts.push(charge("ten_off", "10% off", -145));
        was.deposits.push(charge("bottle", "Bottle deposit", 25));
        let mut now = price(1_450, 240);
        now.fees.push(charge("delivery", "Delivery fee", 199));
        now.discounts.push(charge("bulk", "Bulk", -100));
        now.credits.push(charge("gift", "Gift card", -500));
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
