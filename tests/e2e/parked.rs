//! Orders whose undo could not be finished: an operator sees what remains, and lets them go on.

use crate::harness::{Harness, assert_problem};
use anyhow::{Context as _, Result};
use carryout_checkout::order::OrderStatus;
use carryout_checkout::redrive::ParkedList;
use carryout_market::{MarketType, ids};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_parked_order_is_listed_redriven_and_ends_clean() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    // The store refuses the order, and the courier, who is on the way, can't be called off.
    fixture.fault("merchant", "notify", "refuse", json!({ "reason": "no more rice" })).await?;
    fixture.fault("logistics", "cancel", "decline", json!({ "code": "courier_arrived", "times": 1 })).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let parked = fixture.end(&id).await?;
    assert_eq!(parked.status, OrderStatus::Parked, "{:?}", parked.failure);
    assert_eq!(parked.failure.map(|failure| failure.code).as_deref(), Some("Merchant.Refused"));

    let listed: ParkedList = harness.client.as_operator(Method::GET, "/v1/ops/orders/parked", None).await?.expect(200)?;
    let listed = listed.orders.iter().find(|order| order.order_id == id).context("it is not listed")?;
    let remaining: Vec<&str> = listed.remaining.iter().map(|effect| effect.step.as_str()).collect();
    assert_eq!(remaining, ["authorize-payment", "create-delivery", "reserve-items"]);
    let books = fixture.books(&id).await?;
    assert_eq!((books.summary.authorized, books.summary.live_deliveries), (quote.terms.price.total.minor, 1), "as listed");

    let redrive = format!("/v1/ops/orders/{id}/redrive");
    let stranger = harness.client.as_consumer(&fixture.consumer.id, Method::POST, &redrive, None).await?;
    assert_problem(&stranger, 403, "Token.RoleMissing", None);
    assert_eq!(harness.client.as_operator(Method::POST, &redrive, None).await?.status, 202);
    let ended = fixture.assert_undone(&id, &quote, "Merchant.Refused").await?;
    assert_eq!(ended.run, 2);
    assert_problem(&harness.client.as_operator(Method::POST, &redrive, None).await?, 409, "Order.NotParked", None);
    Ok(())
}
