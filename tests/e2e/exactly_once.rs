//! Whatever is repeated has its effect once.

use crate::harness::{Fixture, Harness, assert_problem};
use anyhow::Result;
use carryout::client::Reply;
use carryout_aws::{SfnExecutions, SqsQueue};
use carryout_checkout::{
    order::{OrderSubmitted, execution_name},
    ports::{ExecutionState, Executions as _, OrderQueue as _},
    submit::CheckoutAnswer,
    track::OrderView,
};
use carryout_lambda::ids::new_id;
use carryout_market::{MarketType, ids};
use futures::future::try_join_all;
use serde_json::json;
use std::collections::BTreeSet;

/// The order's one run created its payment intent, asked for its courier and told its store, each as often as its step
/// tried, which is once unless the emulator was too slow to answer.
async fn assert_called_by_one_run(fixture: &Fixture<'_>, view: &OrderView) -> Result<()> {
    assert_eq!(view.run, 1, "{view:?}");
    let books = fixture.books(&view.id).await?;
    let calls = books.all["calls"].as_array().cloned().unwrap_or_default();
    for (partner, operation, step) in [
        ("payment", "create", "authorize-payment"),
        ("logistics", "deliver", "create-delivery"),
        ("merchant", "notify", "notify-merchant"),
    ] {
        let called = calls.iter().filter(|call| call["partner"] == partner && call["operation"] == operation).count();
        let tried = view.steps.iter().find(|entry| entry.step == step).map_or(0, |entry| entry.attempts as usize);
        assert!((1..=tried).contains(&called), "{operation} was called {called} times by {tried} attempts: {view:?}");
    }
    Ok(())
}

async fn state_of(harness: &Harness, view: &OrderView, run: u32) -> Result<ExecutionState> {
    let executions = SfnExecutions::new(&harness.aws, harness.output("StateMachinePrefix")?);
    Ok(executions.state(&view.workflow, &execution_name(&view.id, run)).await?)
}

#[tokio::test]
async fn the_same_key_five_times_at_once_is_one_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let (card, key) = (fixture.working_card()?, new_id("key"));
    let send = || harness.client.checkout(&fixture.consumer.id, &quote, &card.id, &key);
    let replies: Vec<Reply> = try_join_all((0..5).map(|_| send())).await?;
    let mut answers = BTreeSet::new();
    for reply in &replies {
        let answer: CheckoutAnswer = reply.expect(202)?;
        answers.insert(answer.order_id);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let id = answers.pop_first().unwrap_or_default();
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_called_by_one_run(&fixture, &view).await?;
    assert_eq!(state_of(&harness, &view, 2).await?, ExecutionState::NotFound);
    if harness.emulator.is_some() {
        assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 1);
    }

    // Later, the same request gets the same answer, word for word.
    let again = send().await?;
    assert_eq!((again.status, &again.body), (202, &replies[0].body));
    assert_eq!(again.headers.get("location"), replies[0].headers.get("location"));

    // Under the same key, another request gets none.
    let other = fixture.quote(&fixture.cart()).await?;
    let refused = harness.client.checkout(&fixture.consumer.id, &other, &card.id, &key).await?;
    assert_problem(&refused, 422, "Idempotency.KeyReused", Some("Idempotency-Key"));
    let refused = harness.client.checkout(&fixture.consumer.id, &quote, &fixture.declined_card()?.id, &key).await?;
    assert_problem(&refused, 422, "Idempotency.KeyReused", Some("Idempotency-Key"));
    if harness.emulator.is_some() {
        assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn two_consumers_may_choose_the_same_key() -> Result<()> {
    let harness = Harness::set().await?;
    let (one, two) =
        futures::try_join!(harness.fixture(ids::US, MarketType::Restaurant), harness.fixture(ids::US, MarketType::Restaurant))?;
    let (of_one, of_two) = (one.quote(&one.pickup()).await?, two.quote(&two.pickup()).await?);
    let (card_of_one, card_of_two, key) = (one.working_card()?, two.working_card()?, new_id("key"));
    let (first, second) = futures::try_join!(
        harness.client.checkout(&one.consumer.id, &of_one, &card_of_one.id, &key),
        harness.client.checkout(&two.consumer.id, &of_two, &card_of_two.id, &key)
    )?;
    let (first, second): (CheckoutAnswer, CheckoutAnswer) = (first.expect(202)?, second.expect(202)?);
    assert_ne!(first.order_id, second.order_id);
    one.assert_placed(&first.order_id, &of_one).await?;
    two.assert_placed(&second.order_id, &of_two).await?;
    Ok(())
}

/// The message comes again while the order is under way, and again after it is placed.
#[tokio::test]
async fn a_repeated_message_starts_nothing_twice() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let queue = SqsQueue::new(&harness.aws, harness.output("OrdersQueueUrl")?);
    let message = OrderSubmitted::of(&harness.stored(&id).await?);
    for _ in 0..3 {
        queue.send(&message).await?;
    }
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_called_by_one_run(&fixture, &view).await?;

    let event = json!({ "Records": [{
        "messageId": new_id("msg"),
        "receiptHandle": "handle",
        "body": serde_json::to_string(&message)?,
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
        "awsRegion": "us-east-1",
    }] });
    if let Some(answer) = harness.invoke("start-checkout", &event).await? {
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "a repeated message is no failure");
    }
    assert_eq!(fixture.view(&id).await?, view);
    assert_eq!(state_of(&harness, &view, 2).await?, ExecutionState::NotFound);
    Ok(())
}
