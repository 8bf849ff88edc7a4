//! Legacy readers see every order as it is now, whatever happens to the system that they read.

use crate::stage::{Scene, Stage, eventually, times_played};
use anyhow::Result;
use carryout_checkout::legacy::LegacyOrder;
use carryout_checkout::market::{Country, MarketType};
use carryout_checkout::order::OrderStatus;
use serde_json::json;

/// Waits until the legacy system knows the order at the version that it has ended with.
async fn assert_mirrored(scene: &Scene<'_>, order_id: &str) -> Result<()> {
    let stored = scene.stage.stored(order_id).await?;
    assert!(stored.status.is_closed());
    let mirrored = eventually("the legacy system knows the order as it is", async || {
        let books = scene.books(order_id).await?;
        let held: Option<LegacyOrder> = serde_json::from_value(books.all["legacy_order"].clone())?;
        Ok(held.filter(|held| held.version >= stored.version))
    })
    .await?;
    assert_eq!(mirrored, LegacyOrder::from(&stored));
    Ok(())
}

#[tokio::test]
async fn a_placed_order_and_a_failed_one_reach_the_legacy_system_as_they_ended() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    let quote = scene.quote(&scene.cart()).await?;
    let declined: carryout_checkout::submit::CheckoutAnswer =
        scene.checkout(&quote, &scene.declined_card()?).await?.expect(202)?;
    assert_eq!(scene.end(&declined.order_id).await?.status, OrderStatus::Failed);
    assert_mirrored(&scene, &declined.order_id).await?;
    let id = scene.order(&quote).await?;
    scene.assert_placed(&id, &quote).await?;
    assert_mirrored(&scene, &id).await
}

#[tokio::test]
async fn a_legacy_system_that_fails_delays_no_checkout_and_misses_no_order() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    scene.fault("legacy", "upsert", "fail_before", json!({})).await?;
    let quote = scene.quote(&scene.cart()).await?;
    let id = scene.order(&quote).await?;
    let view = scene.assert_placed(&id, &quote).await?;
    assert_eq!(view.run, 1, "{view:?}");
    assert_mirrored(&scene, &id).await?;
    assert_eq!(times_played(&scene.books(&id).await?, "fail_before"), 1);
    Ok(())
}
