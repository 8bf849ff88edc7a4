//! What a quote's price depended on: kept, explained, and found again.

use crate::harness::{Fixture, Harness, assert_problem};
use anyhow::Result;
use carryout_checkout::audit::{KEEP_UNUSED_SECONDS, QuoteRecord, Replay};
use carryout_market::{MarketType, ids};
use carryout_pricing::{Pipeline, explain};
use reqwest::Method;

async fn record(fixture: &Fixture<'_>, quote_id: &str) -> Result<QuoteRecord> {
    fixture.harness.client.as_operator(Method::GET, &format!("/v1/ops/quotes/{quote_id}"), None).await?.expect(200)
}

#[tokio::test]
async fn the_price_of_an_order_is_explained_and_found_again() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::CA, MarketType::Grocery).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let unused = record(&fixture, &quote.terms.id).await?;
    assert_eq!(unused.kept_until, Some(quote.terms.expires_at / 1_000 + KEEP_UNUSED_SECONDS));
    assert_eq!(unused.price.as_ref(), Some(&quote.terms.price));
    assert!(!unused.context.promotions.is_empty(), "the market has promotions");

    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    let used = record(&fixture, &quote.terms.id).await?;
    assert_eq!((used.order_id.as_ref(), used.kept_until), (Some(&id), None), "kept for good");
    assert_eq!(used.context, unused.context);

    let path = format!("/v1/ops/quotes/{}/replay", quote.terms.id);
    let replay: Replay = harness.client.as_operator(Method::POST, &path, None).await?.expect(200)?;
    assert!(replay.identical && replay.difference.is_none(), "{replay:?}");
    let table = explain(&Pipeline::standard(), &used.context)?;
    let total = quote.terms.price.total.to_string();
    let amount = total.split(' ').next().unwrap_or_default();
    assert!(table.lines().any(|line| line.starts_with("total") && line.ends_with(amount)), "{table}");
    Ok(())
}

#[tokio::test]
async fn an_order_that_fails_gives_its_quotes_record_back_to_its_term() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let reply = fixture.checkout(&quote, &fixture.declined_card()?).await?;
    let order_id = reply.body["order_id"].as_str().unwrap_or_default();
    fixture.assert_nothing_left(order_id, "Payment.Declined").await?;
    let released = record(&fixture, &quote.terms.id).await?;
    assert_eq!(released.order_id, None);
    assert!(released.kept_until.is_some());
    Ok(())
}

#[tokio::test]
async fn records_are_for_operators_alone() -> Result<()> {
    let harness = Harness::set().await?;
    for (method, path) in [(Method::GET, "/v1/ops/quotes/quo_none"), (Method::POST, "/v1/ops/quotes/quo_none/replay")] {
        let unknown = harness.client.as_operator(method.clone(), path, None).await?;
        assert_problem(&unknown, 404, "Quote.Unknown", None);
        let consumer = harness.client.as_consumer("con_anybody", method, path, None).await?;
        assert_problem(&consumer, 403, "Token.RoleMissing", None);
    }
    Ok(())
}
