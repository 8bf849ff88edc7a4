//! Legacy readers see every order as it is now, whatever happens to the system that they read.

use crate::harness::{Fixture, Harness, eventually, times_played};
use anyhow::Result;
use carryout_checkout::order::OrderStatus;
use carryout_market::{MarketType, ids};
use carryout_migration::mirror::LegacyOrder;
use serde_json::json;

/// Waits until the legacy system knows the order at the version that it has ended with.
async fn assert_mirrored(fixture: &Fixture<'_>, order_id: &str) -> Result<()> {
    let stored = fixture.harness.stored(order_id).await?;
    assert!(stored.status.is_closed());
    let mirrored = eventually("the legacy system knows the order as it is", async || {
        let books = fixture.books(order_id).await?;
        let held: Option<LegacyOrder> = serde_json::from_value(books.all["legacy_order"].clone())?;
        Ok(held.filter(|held| held.version >= stored.version))
    })
    .await?;
    assert_eq!(mirrored, LegacyOrder::from(&stored));
    Ok(())
}

#[tokio::test]
async fn a_placed_order_and_a_failed_one_reach_the_legacy_system_as_they_ended() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let declined: carryout_checkout::submit::CheckoutAnswer =
        fixture.checkout(&quote, &fixture.declined_card()?).await?.expect(202)?;
    assert_eq!(fixture.end(&declined.order_id).await?.status, OrderStatus::Failed);
    assert_mirrored(&fixture, &declined.order_id).await?;
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    assert_mirrored(&fixture, &id).await
}

#[tokio::test]
async fn a_legacy_system_that_fails_delays_no_checkout_and_misses_no_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    fixture.fault("legacy", "upsert", "fail_before", json!({})).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!(view.run, 1, "{view:?}");
    assert_mirrored(&fixture, &id).await?;
    assert_eq!(times_played(&fixture.books(&id).await?, "fail_before"), 1);
    Ok(())
}
