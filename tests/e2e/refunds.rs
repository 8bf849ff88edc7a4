//! What is given back of placed orders, by the processor's books.

use crate::harness::{Fixture, Harness, assert_problem, eventually};
use anyhow::{Context as _, Result};
use carryout_checkout::ledger::LedgerPhase;
use carryout_checkout::request_refund::{RefundAnswer, RefundBody};
use carryout_checkout::track::OrderView;
use carryout_lambda::ids::new_id;
use carryout_market::{MarketType, ids};
use carryout_pricing::RefundLine;
use serde_json::{Value, json};

fn everything() -> RefundBody {
    RefundBody { everything: Some(true), ..named(None, None) }
}

fn named(lines: Option<Vec<RefundLine>>, amount: Option<i64>) -> RefundBody {
    RefundBody { lines, with_fees: None, everything: None, amount, reason: "cold".to_owned() }
}

async fn placed(fixture: &Fixture<'_>) -> Result<OrderView> {
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await
}

/// Follows a refund to its end by the order's ledger; gives what its books say was given back.
async fn given_back(fixture: &Fixture<'_>, refund: &RefundAnswer) -> Result<i64> {
    let view = eventually("the refund ends", async || {
        let view = fixture.view(&refund.order_id).await?;
        let over = view.balance.is_some_and(|balance| balance.refunded.pending == 0);
        Ok(over.then_some(view))
    })
    .await?;
    let balance = view.balance.context("the ledger has no balance")?;
    let books = fixture.books(&refund.order_id).await?;
    let refunded = books.all["summary"]["refunded"].as_i64().context("the books know no refunds")?;
    assert_eq!(balance.refunded.amount, refunded, "{:?}", view.ledger);
    assert_eq!(balance.charged.amount, view.total.minor - refunded);
    Ok(refunded)
}

/// How often the processor was asked to give something back.
async fn asked(fixture: &Fixture<'_>, order_id: &str) -> Result<usize> {
    let books = fixture.books(order_id).await?;
    let calls = books.all["calls"].as_array().cloned().unwrap_or_default();
    let refunds = |call: &&Value| call["partner"] == "payment" && call["operation"] == "refund";
    Ok(calls.iter().filter(refunds).count())
}

#[tokio::test]
async fn parts_of_an_order_are_given_back_until_nothing_is_left() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let order = placed(&fixture).await?;
    let mut sum = 0;
    let line = named(Some(vec![RefundLine { line: 0, quantity: 1 }]), None);
    for body in [line, named(None, Some(100)), everything()] {
        let reply = harness.client.refund(&order.id, &body, &new_id("key")).await?;
        let refund: RefundAnswer = reply.expect(202)?;
        assert_eq!(reply.headers.get("location"), Some(&format!("/v1/orders/{}", order.id)));
        sum += refund.amount.minor;
        assert_eq!(given_back(&fixture, &refund).await?, sum);
    }
    assert_eq!(sum, order.total.minor);
    let more = harness.client.refund(&order.id, &everything(), &new_id("key")).await?;
    assert_problem(&more, 409, "Refund.Nothing", None);
    let more = harness.client.refund(&order.id, &named(None, Some(1)), &new_id("key")).await?;
    assert_problem(&more, 409, "Refund.TooMuch", Some("amount"));
    Ok(())
}

#[tokio::test]
async fn the_same_key_gives_back_once() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let (order, key) = (placed(&fixture).await?, new_id("key"));
    let everything = everything();
    let send = || harness.client.refund(&order.id, &everything, &key);
    let replies = futures::future::try_join_all((0..5).map(|_| send())).await?;
    let answers: Result<Vec<RefundAnswer>> = replies.iter().map(|reply| reply.expect(202)).collect();
    let answers = answers?;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(given_back(&fixture, &answers[0]).await?, order.total.minor);
    assert_eq!(asked(&fixture, &order.id).await?, 1);
    let other = harness.client.refund(&order.id, &named(None, Some(1)), &key).await?;
    assert_problem(&other, 422, "Idempotency.KeyReused", Some("Idempotency-Key"));
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_of_the_processor_gives_back_once() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let order = placed(&fixture).await?;
    fixture.fault("payment", "refund", "lose_answer", json!({ "milliseconds": 4_500, "times": 1 })).await?;
    let refund: RefundAnswer = harness.client.refund(&order.id, &named(None, Some(250)), &new_id("key")).await?.expect(202)?;
    assert_eq!(given_back(&fixture, &refund).await?, 250);
    assert_eq!(asked(&fixture, &order.id).await?, 1, "it was looked up, not asked for again");
    Ok(())
}

#[tokio::test]
async fn a_refusal_leaves_the_order_as_it_was() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let order = placed(&fixture).await?;
    fixture.fault("payment", "refund", "decline", json!({ "code": "charge_disputed", "times": 1 })).await?;
    let refund: RefundAnswer = harness.client.refund(&order.id, &everything(), &new_id("key")).await?.expect(202)?;
    assert_eq!(given_back(&fixture, &refund).await?, 0);
    let failed = fixture.view(&order.id).await?;
    assert!(failed.ledger.iter().any(|event| event.effect == refund.refund_id && event.phase == LedgerPhase::Failure));
    let again: RefundAnswer = harness.client.refund(&order.id, &everything(), &new_id("key")).await?.expect(202)?;
    assert_eq!(given_back(&fixture, &again).await?, order.total.minor);
    Ok(())
}

#[tokio::test]
async fn only_operators_give_back_and_only_of_placed_orders() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let order = placed(&fixture).await?;
    let path = format!("/v1/orders/{}/refunds", order.id);
    let body = serde_json::to_value(everything())?;
    let reply = harness.client.as_consumer(&fixture.consumer.id, reqwest::Method::POST, &path, Some(&body)).await?;
    assert_problem(&reply, 403, "Token.RoleMissing", None);
    let reply = harness.client.as_operator(reqwest::Method::POST, &path, Some(&body)).await?;
    assert_problem(&reply, 400, "Idempotency.KeyMissing", Some("Idempotency-Key"));
    assert_problem(&harness.client.refund("ord_none", &everything(), &new_id("key")).await?, 404, "Order.Unknown", None);
    let quote = fixture.quote(&fixture.cart()).await?;
    let declined = fixture.checkout(&quote, &fixture.declined_card()?).await?;
    let declined: carryout_checkout::submit::CheckoutAnswer = declined.expect(202)?;
    fixture.end(&declined.order_id).await?;
    let reply = harness.client.refund(&declined.order_id, &everything(), &new_id("key")).await?;
    assert_problem(&reply, 409, "Refund.NotPlaced", None);
    assert_eq!(asked(&fixture, &order.id).await?, 0);
    Ok(())
}
