//! What quotes' prices depended on, for operators: explains a price, computes it again, and tries another policy on quotes
//! that were given.

use anyhow::{Context as _, Result, bail};
use carryout_aws::DynamoQuotePages;
use carryout_checkout::audit::{QuoteRecord, Replay, Shadow};
use carryout_money::Money;
use carryout_pricing::{Pipeline, Policy};
use reqwest::Method;
use serde::de::DeserializeOwned;
use std::fs;

use crate::client::Client;
use crate::order::refusal;
use crate::stack::Stack;
use local_cloud::Terminal;

/// Quotes that are read at once.
const PAGE: usize = 100;

/// What a quote's price depended on.
pub async fn record(client: &Client, id: &str) -> Result<QuoteRecord> {
    ask(client, Method::GET, &format!("/v1/ops/quotes/{id}")).await
}

/// Lets the stack compute a quote's price again.
pub async fn replay(client: &Client, id: &str) -> Result<Replay> {
    ask(client, Method::POST, &format!("/v1/ops/quotes/{id}/replay")).await
}

async fn ask<T: DeserializeOwned>(client: &Client, method: Method, path: &str) -> Result<T> {
    let reply = client.as_operator(method, path, None).await?;
    if reply.status != 200 {
        bail!("{}", refusal(&reply));
    }
    reply.expect(200)
}

/// Where every cent of our price of a quote came from.
///
/// # Errors
///
/// Where the price was wrong, or this engine does not find it again.
pub fn explanation(record: &QuoteRecord) -> Result<String> {
    let pipeline = Pipeline::standard();
    if let Some(invalid) = &record.invalid {
        bail!("{} was never shown: {invalid}", record.id);
    }
    if let Some(difference) = record.replay(&pipeline).difference {
        let (pointer, stored, found) = (&difference.pointer, &difference.stored, &difference.found);
        bail!("this engine does not find the price of {} again: {pointer} is stored as {stored}, found {found}", record.id);
    }
    let user = record.order_id.as_ref().map_or_else(|| "no order uses it".to_owned(), |order| format!("used by {order}"));
    let table = carryout_pricing::explain(&pipeline, &record.context).context("the stored context has no price")?;
    let total = record.shown.as_ref().map(|price| price.total);
    let shown = total.map_or_else(String::new, |total| format!("; the consumer was shown {total}, another system's price"));
    Ok(format!("{} of {} at {}, {user}{shown}\n\n{table}", record.id, record.consumer_id, record.store_id))
}

/// Reads a policy: JSON, or the name of a file with it.
pub fn policy(text: &str) -> Result<Policy, String> {
    let json = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else {
        fs::read_to_string(text).map_err(|error| format!("cannot read the file {text}: {error}"))?
    };
    let mut input = serde_json::Deserializer::from_str(&json);
    serde_path_to_error::deserialize(&mut input)
        .map_err(|error| format!("{error}; write for example {{\"id\": \"half-even\", \"rounding\": \"half_even\"}}"))
}

/// Prices at most `limit` stored contexts by a candidate policy.
pub async fn shadow(stack: &Stack, terminal: &Terminal, policy: &Policy, limit: usize) -> Result<Shadow> {
    let quotes = DynamoQuotePages::new(&stack.aws().await, stack.output("QuotesTable")?);
    let (pipeline, mut shadow, mut after, mut left) = (Pipeline::standard(), Shadow::default(), None, limit);
    let progress = terminal.progress("pricing stored quotes", limit);
    while left > 0 {
        let size = i32::try_from(left.min(PAGE)).unwrap_or(i32::MAX);
        let (page, last) =
            quotes.page(after.as_deref(), size).await.context("the quotes can't be read; is the stack deployed?")?;
        page.iter().for_each(|record| shadow.look(record, policy, &pipeline));
        progress.advance(page.len());
        left -= page.len().min(left);
        after = last;
        if after.is_none() {
            break;
        }
    }
    progress.done(&format!("priced {} stored quotes by {}", shadow.quotes, policy.id));
    Ok(shadow)
}

/// A comparison for people.
pub fn summary(shadow: &Shadow) -> String {
    let mut text = format!(
        "{} quotes: {} the same, {} different, {} without a price\n",
        shadow.quotes, shadow.same, shadow.different, shadow.without_price
    );
    for (component, changes) in &shadow.components {
        for (currency, change) in changes {
            let by = Money::new(change.minor, *currency);
            let sign = if by.minor > 0 { "+" } else { "" };
            text.push_str(&format!("  {component:<24}{:>8} quotes  {:>16}\n", change.quotes, format!("{sign}{by}")));
        }
    }
    if let Some(most) = &shadow.most {
        text.push_str(&format!("most: {} by {}\n", most.id, most.by));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use carryout_pricing::{QuoteTerms, Record};
    use carryout_testing::{PlainSeal, samples};
    use serde_json::json;

    fn record() -> QuoteRecord {
        let record = Record::of(samples::context()).unwrap();
        let terms = QuoteTerms {
            id: "quo_1".to_owned(),
            consumer_id: "con_1".to_owned(),
            store_id: "sto_1".to_owned(),
            market: "US".to_owned(),
            delivery: false,
            address_id: None,
            price: record.price.clone(),
            limited: Vec::new(),
            reprices: None,
            expires_at: samples::NOON,
        };
        QuoteRecord::of(&terms.signed(&PlainSeal::default()), &record)
    }

    #[test]
    fn every_cent_is_explained_and_a_price_that_is_not_found_again_is_not() {
        let text = explanation(&record()).unwrap();
        assert!(text.starts_with("quo_1 of con_1 at sto_1, no order uses it\n"), "{text}");
        assert!(text.contains("discount ten_off") && text.contains("-1.45"), "{text}");
        let shown = QuoteRecord { shown: record().price, ..record() };
        assert!(explanation(&shown).unwrap().contains("uses it; the consumer was shown 13.05 USD, another"));
        let mut changed = record();
        changed.price.as_mut().unwrap().total.minor += 1;
        let error = explanation(&changed).unwrap_err().to_string();
        assert!(error.contains("/total/minor is stored as 1306, found 1305"), "{error}");
        let invalid = QuoteRecord { price: None, invalid: Some("the total is -1".to_owned()), ..record() };
        assert_eq!(explanation(&invalid).unwrap_err().to_string(), "quo_1 was never shown: the total is -1");
    }

    #[test]
    fn a_policy_is_json_or_a_file_and_mistakes_are_named() {
        assert_eq!(policy(r#"{"id": "x", "rounding": "up"}"#).unwrap().id, "x");
        assert!(policy(r#"{"id": "x", "round": "up"}"#).unwrap_err().contains("round"));
        assert!(policy("/none/such.json").unwrap_err().contains("cannot read the file"));
    }

    #[test]
    fn a_candidate_policy_is_compared_component_by_component() {
        let down: Policy = serde_json::from_value(json!({ "id": "down", "rounding": "down" })).unwrap();
        let mut odd = record();
        odd.context.lines[0].unit_price = 1_455;
        odd.price = carryout_pricing::price(&odd.context).ok();
        let mut shadow = Shadow::default();
        for record in [&record(), &odd, &QuoteRecord { price: None, ..record() }] {
            shadow.look(record, &down, &Pipeline::standard());
        }
        // A tenth of 14.55 is 1.46, and 1.45 rounded down.
        assert_eq!(
            summary(&shadow),
            "3 quotes: 1 the same, 1 different, 1 without a price\n  \
             discounts.ten_off              1 quotes         +0.01 USD\n  \
             total                          1 quotes         +0.01 USD\n\
             most: quo_1 by 0.01 USD\n"
        );
    }
}
