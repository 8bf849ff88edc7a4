//! Merchants' signed answers.

use crate::harness::{Fixture, Harness, assert_problem, eventually};
use anyhow::{Context as _, Result, ensure};
use carryout::client::Reply;
use carryout_lambda::clock::SystemClock;
use carryout_lambda::ids::new_id;
use carryout_lambda::signature::{KeyRing, WEBHOOK_TOLERANCE_SECONDS, sign_webhook};
use carryout_market::{MarketType, ids};
use carryout_workflow::StepState;
use reqwest::Method;
use serde_json::{Value, json};

/// Posts a body with a signature, or without.
async fn post(harness: &Harness, body: &Value, signature: Option<&str>) -> Result<Reply> {
    let headers: Vec<(&str, &str)> = signature.map(|signature| ("carryout-signature", signature)).into_iter().collect();
    harness.client.send(Method::POST, "/v1/webhooks/merchants", &headers, Some(body.to_string().into_bytes())).await
}

/// Posts a body as the stack's merchants do.
async fn post_signed(harness: &Harness, body: &Value) -> Result<Reply> {
    let signature = sign_webhook(&harness.keys("WebhookSecret").await?, now_s(), body.to_string().as_bytes());
    post(harness, body, Some(&signature)).await
}

/// The store accepts the order.
pub async fn accept(harness: &Harness, order_id: &str) -> Result<()> {
    let reply = post_signed(harness, &accepted(order_id)).await?;
    ensure!(reply.status == 200, "the answer was not taken: {}", reply.body);
    Ok(())
}

fn now_s() -> i64 {
    SystemClock.now_ms() / 1_000
}

fn accepted(order_id: &str) -> Value {
    json!({ "order_id": order_id, "answer": "accepted" })
}

fn refused(order_id: &str) -> Value {
    json!({ "order_id": order_id, "answer": "refused", "reason": "too late" })
}

/// An order that waits for an answer which its store will never give by itself.
pub async fn waiting(fixture: &Fixture<'_>) -> Result<(String, carryout_pricing::Quote)> {
    fixture.fault("merchant", "notify", "silent", json!({})).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let waits = async || {
        let view = fixture.view(&id).await?;
        let step = view.steps.iter().find(|step| step.step == "await-merchant").context("it never waits")?;
        Ok((step.state == StepState::Waiting).then_some(()))
    };
    eventually("the order waits for its store", waits).await?;
    Ok((id, quote))
}

#[tokio::test]
async fn an_answer_counts_once_and_cannot_be_taken_back() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    let (id, quote) = waiting(&fixture).await?;
    let first = post_signed(&harness, &accepted(&id)).await?;
    assert_eq!((first.status, &first.body), (200, &json!({ "order_id": id, "recorded": true })));
    let repeated = post_signed(&harness, &accepted(&id)).await?;
    assert_eq!((repeated.status, &repeated.body), (200, &json!({ "order_id": id, "recorded": false })));
    assert_problem(&post_signed(&harness, &refused(&id)).await?, 409, "Merchant.AnsweredBefore", None);

    // The sandbox's store was never asked to answer, so its books still say that it merely has the order.
    let view = fixture.assert_placed(&id, &quote).await?;
    for late in [accepted(&id), refused(&id)] {
        let late = post_signed(&harness, &late).await?;
        assert!(matches!(late.status, 200 | 409), "{}", late.body);
    }
    assert_eq!(fixture.view(&id).await?, view, "an answer to a placed order changes nothing");
    Ok(())
}

#[tokio::test]
async fn a_refusal_by_webhook_undoes_the_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::NZ, MarketType::Restaurant).await?;
    let (id, quote) = waiting(&fixture).await?;
    assert_eq!(post_signed(&harness, &refused(&id)).await?.status, 200);
    let view = fixture.assert_undone(&id, &quote, "Merchant.Refused").await?;
    assert!(view.failure.is_some_and(|failure| failure.message.contains("too late")));
    assert_problem(&post_signed(&harness, &accepted(&id)).await?, 409, "Merchant.AnsweredBefore", None);
    Ok(())
}

#[tokio::test]
async fn only_the_stores_own_signature_is_believed() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    let (id, quote) = waiting(&fixture).await?;
    let before = fixture.view(&id).await?;
    let (body, keys) = (accepted(&id), harness.keys("WebhookSecret").await?);
    let bytes = body.to_string().into_bytes();

    assert_problem(&post(&harness, &body, None).await?, 401, "Webhook.SignatureMissing", None);
    let forged = sign_webhook(&KeyRing::new("not the secret", None), now_s(), &bytes);
    assert_problem(&post(&harness, &body, Some(&forged)).await?, 401, "Webhook.SignatureInvalid", None);
    let of_another_body = sign_webhook(&keys, now_s(), refused(&id).to_string().as_bytes());
    assert_problem(&post(&harness, &body, Some(&of_another_body)).await?, 401, "Webhook.SignatureInvalid", None);
    let stale = sign_webhook(&keys, now_s() - WEBHOOK_TOLERANCE_SECONDS - 60, &bytes);
    assert_problem(&post(&harness, &body, Some(&stale)).await?, 401, "Webhook.TooOld", None);
    assert_eq!(fixture.view(&id).await?, before, "what is not believed changes nothing");

    assert_eq!(post_signed(&harness, &body).await?.status, 200);
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_refused() -> Result<()> {
    let harness = Harness::set().await?;
    for nobodys in [new_id("ord"), String::new(), "o".repeat(3_000)] {
        assert_problem(&post_signed(&harness, &accepted(&nobodys)).await?, 404, "Order.Unknown", None);
    }
    assert_problem(
        &post_signed(&harness, &json!({ "answer": "accepted" })).await?,
        400,
        "Request.InvalidField",
        Some("order_id"),
    );
    assert_eq!(post_signed(&harness, &json!({ "order_id": "ord_1", "answer": "perhaps" })).await?.status, 400);

    // In a market whose stores are not asked, there is nothing to answer either.
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.pickup()).await?;
    let id = fixture.order(&quote).await?;
    assert_problem(&post_signed(&harness, &refused(&id)).await?, 404, "Order.Unknown", None);
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}
