//! What an order costs after something about its lines turned out otherwise.

use crate::harness::{Harness, assert_problem};
use anyhow::Result;
use carryout_checkout::audit::QuoteRecord;
use carryout_checkout::reprice::Repriced;
use carryout_market::{MarketType, ids};
use carryout_money::Money;
use carryout_pricing::ComponentId;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_placed_order_is_priced_again_from_what_its_quote_kept() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Grocery).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let placed = fixture.assert_placed(&id, &quote).await?;

    let path = format!("/v1/orders/{id}/quotes");
    let dearer = json!({ "lines": [{ "line": 0, "quantity": 999 }] });
    let reply: Repriced = harness.client.as_operator(Method::POST, &path, Some(&dearer)).await?.expect(201)?;
    let total = reply.quote.terms.price.total;
    assert_eq!((reply.authorized, reply.quote.terms.price.lines[0].quantity), (quote.terms.price.total, 999));
    assert_eq!(reply.exceeds_authorized, Some(Money { minor: total.minor - quote.terms.price.total.minor, ..total }));
    let last = reply.differences.last().map(|difference| (&difference.component, difference.was, difference.now));
    assert_eq!(last, Some((&ComponentId::Total, Some(quote.terms.price.total), Some(total))));

    let record: QuoteRecord = {
        let path = format!("/v1/ops/quotes/{}", reply.quote.terms.id);
        harness.client.as_operator(Method::GET, &path, None).await?.expect(200)?
    };
    assert_eq!((record.order_id.as_ref(), record.kept_until), (Some(&id), None), "it belongs to the order");
    assert_eq!(fixture.view(&id).await?.total, placed.total, "the order is as it was");

    let consumer = harness.client.as_consumer(&quote.terms.consumer_id, Method::POST, &path, Some(&dearer)).await?;
    assert_problem(&consumer, 403, "Token.RoleMissing", None);
    let none = json!({ "lines": [{ "line": 999, "quantity": 1 }] });
    let wrong = harness.client.as_operator(Method::POST, &path, Some(&none)).await?;
    assert_problem(&wrong, 400, "Request.InvalidField", Some("lines[0].line"));
    Ok(())
}
