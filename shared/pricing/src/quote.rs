use crate::Price;
use carryout_money::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Until when it can be used. Milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// A locked price: its terms, and the signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What is promised.
    #[serde(flatten)]
    pub terms: QuoteTerms,
    /// Made by [`Seal`] over [`QuoteTerms::to_sign`].
    pub signature: String,
}

/// Signs with a secret key and verifies, also under the key before the current one.
pub trait Seal: Send + Sync {
    /// A signature over `message`, safe in a URL.
    fn seal(&self, message: &[u8]) -> String;

    /// Whether `signature` was made over `message` by the current key or the one before. Takes the same time for every
    /// wrong signature.
    fn verify(&self, message: &[u8], signature: &str) -> bool;
}

impl QuoteTerms {
    /// The bytes that are signed: all terms.
    pub fn to_sign(&self) -> Vec<u8> {
        // Terms are plain data without maps or floats: writing them as JSON can't fail, and gives the same bytes again.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// A quote on these terms.
    pub fn sealed(self, seal: &impl Seal) -> Quote {
        let signature = seal.seal(&self.to_sign());
        Quote { terms: self, signature }
    }
}

impl Quote {
    /// Whether the signature fits the terms.
    pub fn is_genuine(&self, seal: &impl Seal) -> bool {
        seal.verify(&self.terms.to_sign(), &self.signature)
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
    let lines = price.lines.iter().map(|line| (format!("lines.{}", line.item_id), (line.name.clone(), line.amount)));
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
}
