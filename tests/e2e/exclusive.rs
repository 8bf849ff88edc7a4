//! What touches every order that is under way. `.config/nextest.toml` lets nothing else run meanwhile.

use crate::harness::{Harness, eventually};
use anyhow::{Context as _, Result};
use carryout::client::BooksSummary;
use carryout_checkout::submit::COVERAGE_BY_RADIUS;
use carryout_checkout::track::OrderView;
use carryout_market::{MarketType, ids};
use carryout_workflow::StepState;
use serde_json::json;

/// Nobody names an order when asking whether couriers come, so that the fault hits whoever asks first.
#[tokio::test]
async fn nobody_knows_where_couriers_go_and_the_stores_radius_decides() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    harness.fault(&json!({ "partner": "logistics", "operation": "coverage", "kind": "fail_before" })).await?;
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!(view.flags, [COVERAGE_BY_RADIUS]);
    Ok(())
}

/// A Lambda is killed while its partner acts: whether the partner did is not known to anybody who is left. `acted` tells by
/// the books that the partner has.
async fn is_killed(step: &str, partner: &str, operation: &str, acted: impl Fn(&BooksSummary) -> bool) -> Result<()> {
    let harness = Harness::set().await?;
    if harness.processes_of(step)?.is_none() {
        eprintln!("skipped: the functions do not run as processes of this machine's own local cloud");
        return Ok(());
    }
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    fixture.fault(partner, operation, "slow", json!({ "milliseconds": 2_500 })).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    // The sandbox holds the answer back after it has acted.
    eventually("the partner acts", async || Ok(acted(&fixture.books(&id).await?.summary).then_some(()))).await?;

    let victims = harness.processes_of(step)?.unwrap_or_default();
    anyhow::ensure!(!victims.is_empty(), "no process plays {step}");
    victims.iter().for_each(|process| process.kill());
    let at_the_kill = fixture.view(&id).await?;
    let entry = |view: &OrderView| view.steps.iter().find(|entry| entry.step == step).cloned().context("there is no such step");
    assert_eq!(entry(&at_the_kill)?.state, StepState::Running, "it was killed too late");

    let view = fixture.assert_placed(&id, &quote).await?;
    assert!(entry(&view)?.attempts > 1, "{view:?}");
    Ok(())
}

#[tokio::test]
async fn a_function_is_killed_while_the_money_is_held() -> Result<()> {
    is_killed("authorize-payment", "payment", "confirm", |books| books.authorized > 0).await
}

#[tokio::test]
async fn a_function_is_killed_while_a_courier_is_booked() -> Result<()> {
    is_killed("create-delivery", "logistics", "deliver", |books| books.live_deliveries > 0).await
}

#[tokio::test]
async fn a_function_is_killed_while_the_store_is_told() -> Result<()> {
    is_killed("notify-merchant", "merchant", "notify", |books| books.merchant_status.is_some()).await
}

#[tokio::test]
async fn a_function_is_killed_while_the_money_is_taken() -> Result<()> {
    is_killed("capture-payment", "payment", "capture", |books| books.captured > 0).await
}
