//! What an order costs after something about its lines turned out otherwise.

use crate::stage::{Stage, assert_problem};
use anyhow::Result;
use carryout_checkout::audit::QuoteRecord;
use carryout_checkout::market::{Country, MarketType};
use carryout_checkout::reprice::Repriced;
use carryout_money::Money;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_placed_order_is_priced_again_from_what_its_quote_kept() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Grocery).await?;
    let quote = scene.quote(&scene.cart()).await?;
    let id = scene.order(&quote).await?;
    let placed = scene.assert_placed(&id, &quote).await?;

    let path = format!("/v1/orders/{id}/quotes");
    let dearer = json!({ "lines": [{ "line": 0, "quantity": 999 }] });
    let reply: Repriced = stage.client.as_operator(Method::POST, &path, Some(&dearer)).await?.expect(201)?;
    let total = reply.quote.terms.price.total;
    assert_eq!((reply.authorized, reply.quote.terms.price.lines[0].quantity), (quote.terms.price.total, 999));
    assert_eq!(reply.exceeds_authorized, Some(Money { minor: total.minor - quote.terms.price.total.minor, ..total }));
    let last = reply.differences.last().map(|difference| (difference.component.as_str(), difference.was, difference.now));
    assert_eq!(last, Some(("total", Some(quote.terms.price.total), Some(total))));

    let record: QuoteRecord = {
        let path = format!("/v1/ops/quotes/{}", reply.quote.terms.id);
        stage.client.as_operator(Method::GET, &path, None).await?.expect(200)?
    };
    assert_eq!((record.order_id.as_ref(), record.kept_until), (Some(&id), None), "it belongs to the order");
    assert_eq!(scene.view(&id).await?.total, placed.total, "the order is as it was");

    let consumer = stage.client.as_consumer(&quote.terms.consumer_id, Method::POST, &path, Some(&dearer)).await?;
    assert_problem(&consumer, 403, "Token.RoleMissing", None);
    let none = json!({ "lines": [{ "line": 999, "quantity": 1 }] });
    let wrong = stage.client.as_operator(Method::POST, &path, Some(&none)).await?;
    assert_problem(&wrong, 400, "Request.InvalidField", Some("lines[0].line"));
    Ok(())
}
