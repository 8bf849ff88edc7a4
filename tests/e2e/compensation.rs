//! Orders that can't be fulfilled: each ends as failed with a reason, and nothing is left of it anywhere.

use crate::harness::{Fixture, Harness, assert_problem, times_played};
use crate::lost::submit_and_lose_the_message;
use anyhow::Result;
use carryout_checkout::{cart::CartLine, order::OrderSubmitted, ports::OrderQueue as _, submit::CheckoutAnswer};
use carryout_lambda::{clock::SystemClock, ids::RandomIds};
use carryout_market::{MarketType, ids};
use serde_json::json;

/// More often than anything is tried: a partner that says no says it to every attempt.
const ALWAYS: u32 = 20;

#[tokio::test]
async fn a_declined_card_releases_stock_and_quote_for_another_card() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let answer: CheckoutAnswer = fixture.checkout(&quote, &fixture.declined_card()?).await?.expect(202)?;
    let view = fixture.assert_undone(&answer.order_id, &quote, "Payment.Declined").await?;
    assert!(view.ledger.iter().all(|event| event.phase != carryout_checkout::ledger::LedgerPhase::Success), "{view:?}");
    Ok(())
}

#[tokio::test]
async fn a_card_without_enough_money_is_named_as_the_reason() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::CA, MarketType::Restaurant).await?;
    fixture.fault("payment", "confirm", "decline", json!({ "code": "insufficient_funds", "times": ALWAYS })).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_nothing_left(&id, "Payment.Declined").await?;
    assert!(view.failure.is_some_and(|failure| failure.message.contains("not enough money")));
    Ok(())
}

/// Sets a fault, orders, and expects that the order fails with `code` and leaves nothing.
async fn fails(fixture: &Fixture<'_>, code: &str, kind: &str) -> Result<String> {
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_undone(&id, &quote, code).await?;
    assert!(times_played(&fixture.books(&id).await?, kind) > 0, "the fault was not played");
    Ok(view.failure.map(|failure| failure.message).unwrap_or_default())
}

#[tokio::test]
async fn a_restaurant_that_refuses_is_told_apart_and_leaves_nothing() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    fixture.fault("merchant", "notify", "refuse", json!({ "reason": "the kitchen is full" })).await?;
    let message = fails(&fixture, "Merchant.Refused", "refuse").await?;
    assert!(message.contains("the kitchen is full"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_restaurant_that_refuses_at_once_has_its_courier_called_off() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    fixture.fault("merchant", "notify", "refuse", json!({ "reason": "no more rice" })).await?;
    let message = fails(&fixture, "Merchant.Refused", "refuse").await?;
    assert!(message.contains("no more rice"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_grocery_that_stays_silent_is_waited_for_and_then_called_off() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Grocery).await?;
    fixture.fault("merchant", "notify", "silent", json!({})).await?;
    fails(&fixture, "Merchant.Silent", "silent").await?;
    Ok(())
}

#[tokio::test]
async fn what_looks_like_fraud_is_never_charged() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::NZ, MarketType::Restaurant).await?;
    fixture.fault("fraud", "check", "decline", json!({ "code": "velocity" })).await?;
    fails(&fixture, "Fraud.Rejected", "decline").await?;
    Ok(())
}

#[tokio::test]
async fn no_courier_means_no_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::PR, MarketType::Restaurant).await?;
    fixture.fault("logistics", "deliver", "decline", json!({ "code": "no_couriers" })).await?;
    fails(&fixture, "Delivery.Refused", "decline").await?;
    Ok(())
}

/// Whoever submitted first is started last: in between, the last ones are sold to somebody else.
#[tokio::test]
async fn what_sold_out_after_submit_is_not_sold_twice() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.scene_with(ids::US, MarketType::Restaurant, |store| store.items[0].stock = 3).await?;
    let mut cart = fixture.pickup();
    cart.lines =
        [(0, 3), (1, 1)].map(|(nth, quantity)| CartLine { item_id: fixture.store.items[nth].id.clone(), quantity }).into();
    let (late, early) = (fixture.quote(&cart).await?, fixture.quote(&cart).await?);
    let late_id = submit_and_lose_the_message(&fixture, &late, SystemClock, RandomIds).await?;
    let early_id = fixture.order(&early).await?;
    let placed = fixture.end(&early_id).await?;
    assert_eq!(placed.status, carryout_checkout::order::OrderStatus::Placed, "{placed:?}");
    assert_eq!(fixture.stock().await?, fixture.stock_without(&[&early]));

    let queue = carryout_aws::SqsQueue::new(&harness.aws, harness.output("OrdersQueueUrl")?);
    queue.send(&OrderSubmitted::of(&harness.stored(&late_id).await?)).await?;
    let view = fixture.end(&late_id).await?;
    let failure = view.failure.unwrap_or_else(|| panic!("{late_id} is {}", view.status));
    assert_eq!(failure.code, "Item.SoldOut");
    assert!(
        failure.message.contains(&fixture.store.items[0].name) && !failure.message.contains(&fixture.store.items[1].name),
        "{failure}"
    );
    assert_eq!(fixture.books(&late_id).await?.summary.contradicts_undone(), None);
    assert_eq!(fixture.stock().await?, fixture.stock_without(&[&early]), "the other item is back");

    let refused = fixture.checkout(&late, &fixture.working_card()?).await?;
    assert_problem(&refused, 409, "Item.SoldOut", None);
    // The store gets more, and the quote was released.
    fixture.write_store().await?;
    let id = fixture.order(&late).await?;
    fixture.end(&id).await?;
    assert_eq!(fixture.stock().await?, fixture.stock_without(&[&late]));
    Ok(())
}

#[tokio::test]
async fn of_two_who_want_the_last_ones_exactly_one_gets_them() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.scene_with(ids::US, MarketType::Grocery, |store| store.items[0].stock = 2).await?;
    let mut cart = fixture.pickup();
    cart.lines = vec![CartLine { item_id: fixture.store.items[0].id.clone(), quantity: 2 }];
    let (one, two) = futures::try_join!(fixture.quote(&cart), fixture.quote(&cart))?;
    let card = fixture.working_card()?;
    let replies = futures::try_join!(fixture.checkout(&one, &card), fixture.checkout(&two, &card))?;
    let mut ends = Vec::new();
    for reply in [replies.0, replies.1] {
        if reply.status == 409 {
            ends.push(reply.code().to_owned());
            continue;
        }
        let answer: CheckoutAnswer = reply.expect(202)?;
        let view = fixture.end(&answer.order_id).await?;
        let books = fixture.books(&answer.order_id).await?.summary;
        match view.failure {
            None => assert_eq!(books.contradicts_placed(one.terms.price.total.minor, false), None),
            Some(_) => assert_eq!(books.contradicts_undone(), None),
        }
        ends.push(view.failure.map_or_else(|| view.status.to_string(), |failure| failure.code));
    }
    ends.sort();
    assert_eq!(ends, ["Item.SoldOut", "PLACED"]);
    assert_eq!(fixture.stock().await?.get(&fixture.store.items[0].id), Some(&0));
    Ok(())
}
