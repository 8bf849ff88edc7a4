//! Partners that fail in ways that an order must survive: it is placed all the same, once.

use crate::harness::{Harness, times_played};
use anyhow::Result;
use carryout_checkout::steps::check_fraud::DECIDED_BY_RULE;
use carryout_checkout::track::OrderView;
use carryout_market::{MarketId, MarketType, ids};
use serde_json::{Value, json};

/// Longer than a partner is waited for.
const TOO_LATE_MS: u64 = 3_500;

struct Fault {
    partner: &'static str,
    operation: &'static str,
    kind: &'static str,
    more: Value,
    times: usize,
}

fn fault(partner: &'static str, operation: &'static str, kind: &'static str, more: Value) -> Fault {
    Fault { partner, operation, kind, more, times: 1 }
}

/// Orders from somebody to whom the partners do this, and expects the order to be placed.
async fn survives(country: MarketId, market_type: MarketType, fault: Fault) -> Result<OrderView> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(country, market_type).await?;
    let mut more = fault.more;
    more["times"] = fault.times.into();
    fixture.fault(fault.partner, fault.operation, fault.kind, more).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    let books = fixture.books(&id).await?;
    assert_eq!(times_played(&books, fault.kind), fault.times, "the fault was not played: {}", books.all["calls"]);
    Ok(view)
}

fn attempts(view: &OrderView, step: &str) -> u32 {
    view.steps.iter().find(|entry| entry.step == step).map_or(0, |entry| entry.attempts)
}

#[tokio::test]
async fn the_answer_is_lost_after_the_money_is_held() -> Result<()> {
    let fault = fault("payment", "confirm", "lose_answer", json!({ "milliseconds": TOO_LATE_MS }));
    let view = survives(ids::US, MarketType::Restaurant, fault).await?;
    assert!(attempts(&view, "authorize-payment") > 1);
    Ok(())
}

#[tokio::test]
async fn the_answer_is_lost_after_the_money_is_taken() -> Result<()> {
    let fault = fault("payment", "capture", "lose_answer", json!({ "milliseconds": TOO_LATE_MS }));
    let view = survives(ids::CA, MarketType::Restaurant, fault).await?;
    assert!(attempts(&view, "capture-payment") > 1);
    Ok(())
}

#[tokio::test]
async fn the_money_is_held_after_nobody_waits_any_more() -> Result<()> {
    let fault = fault("payment", "confirm", "late_effect", json!({ "milliseconds": 2_000 }));
    survives(ids::US, MarketType::Restaurant, fault).await?;
    Ok(())
}

#[tokio::test]
async fn the_processor_is_down_twice() -> Result<()> {
    let fault = Fault { times: 2, ..fault("payment", "*", "fail_before", json!({})) };
    let view = survives(ids::NZ, MarketType::Restaurant, fault).await?;
    assert!(attempts(&view, "authorize-payment") > 2);
    Ok(())
}

#[tokio::test]
async fn the_courier_service_is_slow() -> Result<()> {
    let fault = fault("logistics", "deliver", "slow", json!({ "milliseconds": TOO_LATE_MS }));
    let view = survives(ids::US, MarketType::Restaurant, fault).await?;
    assert!(attempts(&view, "create-delivery") > 1);
    Ok(())
}

#[tokio::test]
async fn the_courier_is_booked_and_the_answer_is_an_error() -> Result<()> {
    let view = survives(ids::AU, MarketType::Restaurant, fault("logistics", "deliver", "fail_after", json!({}))).await?;
    assert!(attempts(&view, "create-delivery") > 1);
    Ok(())
}

#[tokio::test]
async fn the_courier_service_hangs_and_books_nobody() -> Result<()> {
    let fault = fault("logistics", "deliver", "hang", json!({ "milliseconds": TOO_LATE_MS }));
    let view = survives(ids::PR, MarketType::Restaurant, fault).await?;
    assert!(attempts(&view, "create-delivery") > 1);
    Ok(())
}

#[tokio::test]
async fn the_fraud_service_is_down_and_a_rule_decides() -> Result<()> {
    let fault = Fault { times: 2, ..fault("fraud", "check", "fail_before", json!({})) };
    let view = survives(ids::US, MarketType::Restaurant, fault).await?;
    assert_eq!(view.flags, [DECIDED_BY_RULE]);
    Ok(())
}

#[tokio::test]
async fn the_stores_system_gets_the_order_and_its_answer_is_lost() -> Result<()> {
    let fault = fault("merchant", "notify", "lose_answer", json!({ "milliseconds": TOO_LATE_MS }));
    let view = survives(ids::NZ, MarketType::Grocery, fault).await?;
    assert!(attempts(&view, "notify-merchant") > 1);
    Ok(())
}

#[tokio::test]
async fn the_store_answers_twice() -> Result<()> {
    survives(ids::AU, MarketType::Restaurant, fault("merchant", "notify", "answer_twice", json!({}))).await?;
    Ok(())
}
