//! Orders that their consumers take back.

use crate::harness::{Harness, assert_problem};
use crate::webhooks::{accept, waiting};
use anyhow::Result;
use carryout::client::Reply;
use carryout_checkout::track::OrderView;
use carryout_market::{MarketType, ids};
use reqwest::Method;

async fn cancel(harness: &Harness, consumer: &str, order_id: &str) -> Result<Reply> {
    harness.client.as_consumer(consumer, Method::POST, &format!("/v1/orders/{order_id}/cancellation"), None).await
}

#[tokio::test]
async fn an_order_that_waits_for_its_store_is_cancelled_at_once_and_nothing_is_left() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    let (id, quote) = waiting(&fixture).await?;
    let reply = cancel(&harness, &fixture.consumer.id, &id).await?;
    let view: OrderView = reply.expect(202)?;
    assert!(view.cancel_requested_at.is_some());
    assert_eq!(reply.headers.get("location"), Some(&format!("/v1/orders/{id}")));
    let ended = fixture.assert_undone(&id, &quote, "Order.CancelRequested").await?;
    // The store had five minutes to answer; nobody waited for them.
    assert!(ended.updated_at - ended.created_at < 120_000, "{ended:?}");
    assert_eq!(cancel(&harness, &fixture.consumer.id, &id).await?.status, 202, "again changes nothing");
    Ok(())
}

#[tokio::test]
async fn an_order_that_its_store_has_accepted_is_not_cancelled() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::NZ, MarketType::Restaurant).await?;
    let (id, quote) = waiting(&fixture).await?;
    accept(&harness, &id).await?;
    assert_problem(&cancel(&harness, &fixture.consumer.id, &id).await?, 409, "Order.CancelTooLate", None);
    fixture.assert_placed(&id, &quote).await?;
    assert_problem(&cancel(&harness, &fixture.consumer.id, &id).await?, 409, "Order.CancelTooLate", None);
    Ok(())
}

#[tokio::test]
async fn nobody_cancels_somebody_elses_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    let (id, quote) = waiting(&fixture).await?;
    assert_problem(&cancel(&harness, "con_eve", &id).await?, 404, "Order.Unknown", None);
    assert_problem(&cancel(&harness, &fixture.consumer.id, "ord_none").await?, 404, "Order.Unknown", None);
    accept(&harness, &id).await?;
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}
