//! Orders that can't be fulfilled: each ends as failed with a reason, and nothing is left of it anywhere.

use crate::lost::submit_and_lose_the_message;
use crate::stage::{Scene, Stage, assert_problem, times_played};
use anyhow::Result;
use carryout_checkout::market::{Country, MarketType};
use carryout_checkout::ports::{OrderQueue as _, OrderSubmitted};
use carryout_checkout::quoting::CartLine;
use carryout_checkout::submit::CheckoutAnswer;
use carryout_lambda::{clock::SystemClock, ids::RandomIds};
use serde_json::json;

/// More often than anything is tried: a partner that says no says it to every attempt.
const ALWAYS: u32 = 20;

#[tokio::test]
async fn a_declined_card_releases_stock_and_quote_for_another_card() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    let quote = scene.quote(&scene.cart()).await?;
    let answer: CheckoutAnswer = scene.checkout(&quote, &scene.declined_card()?).await?.expect(202)?;
    let view = scene.assert_undone(&answer.order_id, &quote, "Payment.Declined").await?;
    assert!(view.ledger.iter().all(|event| event.phase != carryout_checkout::ledger::LedgerPhase::Success), "{view:?}");
    Ok(())
}

#[tokio::test]
async fn a_card_without_enough_money_is_named_as_the_reason() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::CA, MarketType::Restaurant).await?;
    scene.fault("payment", "confirm", "decline", json!({ "code": "insufficient_funds", "times": ALWAYS })).await?;
    let quote = scene.quote(&scene.cart()).await?;
    let id = scene.order(&quote).await?;
    let view = scene.assert_nothing_left(&id, "Payment.Declined").await?;
    assert!(view.failure.is_some_and(|failure| failure.message.contains("not enough money")));
    Ok(())
}

/// Sets a fault, orders, and expects that the order fails with `code` and leaves nothing.
async fn fails(scene: &Scene<'_>, code: &str, kind: &str) -> Result<String> {
    let quote = scene.quote(&scene.cart()).await?;
    let id = scene.order(&quote).await?;
    let view = scene.assert_undone(&id, &quote, code).await?;
    assert!(times_played(&scene.books(&id).await?, kind) > 0, "the fault was not played");
    Ok(view.failure.map(|failure| failure.message).unwrap_or_default())
}

#[tokio::test]
async fn a_restaurant_that_refuses_is_told_apart_and_leaves_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::AU, MarketType::Restaurant).await?;
    scene.fault("merchant", "notify", "refuse", json!({ "reason": "the kitchen is full" })).await?;
    let message = fails(&scene, "Merchant.Refused", "refuse").await?;
    assert!(message.contains("the kitchen is full"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_restaurant_that_refuses_at_once_has_its_courier_called_off() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    scene.fault("merchant", "notify", "refuse", json!({ "reason": "no more rice" })).await?;
    let message = fails(&scene, "Merchant.Refused", "refuse").await?;
    assert!(message.contains("no more rice"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_grocery_that_stays_silent_is_waited_for_and_then_called_off() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Grocery).await?;
    scene.fault("merchant", "notify", "silent", json!({})).await?;
    fails(&scene, "Merchant.Silent", "silent").await?;
    Ok(())
}

#[tokio::test]
async fn what_looks_like_fraud_is_never_charged() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::NZ, MarketType::Restaurant).await?;
    scene.fault("fraud", "check", "decline", json!({ "code": "velocity" })).await?;
    fails(&scene, "Fraud.Rejected", "decline").await?;
    Ok(())
}

#[tokio::test]
async fn no_courier_means_no_order() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::PR, MarketType::Restaurant).await?;
    scene.fault("logistics", "deliver", "decline", json!({ "code": "no_couriers" })).await?;
    fails(&scene, "Delivery.Refused", "decline").await?;
    Ok(())
}

/// Whoever submitted first is started last: in between, the last ones are sold to somebody else.
#[tokio::test]
async fn what_sold_out_after_submit_is_not_sold_twice() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene_with(Country::US, MarketType::Restaurant, |store| store.items[0].stock = 3).await?;
    let mut cart = scene.pickup();
    cart.lines = [(0, 3), (1, 1)].map(|(nth, quantity)| CartLine { item_id: scene.store.items[nth].id.clone(), quantity }).into();
    let (late, early) = (scene.quote(&cart).await?, scene.quote(&cart).await?);
    let late_id = submit_and_lose_the_message(&scene, &late, SystemClock, RandomIds).await?;
    let early_id = scene.order(&early).await?;
    let placed = scene.end(&early_id).await?;
    assert_eq!(placed.status, carryout_checkout::order::OrderStatus::Placed, "{placed:?}");
    assert_eq!(scene.stock().await?, scene.stock_without(&[&early]));

    let queue = carryout_aws::SqsQueue::new(&stage.aws, stage.output("OrdersQueueUrl")?);
    queue.send(&OrderSubmitted::of(&stage.stored(&late_id).await?)).await?;
    let view = scene.end(&late_id).await?;
    let failure = view.failure.unwrap_or_else(|| panic!("{late_id} is {}", view.status));
    assert_eq!(failure.code, "Item.SoldOut");
    assert!(
        failure.message.contains(&scene.store.items[0].name) && !failure.message.contains(&scene.store.items[1].name),
        "{failure}"
    );
    assert_eq!(scene.books(&late_id).await?.summary.contradicts_undone(), None);
    assert_eq!(scene.stock().await?, scene.stock_without(&[&early]), "the other item is back");

    let refused = scene.checkout(&late, &scene.working_card()?).await?;
    assert_problem(&refused, 409, "Item.SoldOut", None);
    // The store gets more, and the quote was released.
    scene.write_store().await?;
    let id = scene.order(&late).await?;
    scene.end(&id).await?;
    assert_eq!(scene.stock().await?, scene.stock_without(&[&late]));
    Ok(())
}

#[tokio::test]
async fn of_two_who_want_the_last_ones_exactly_one_gets_them() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene_with(Country::US, MarketType::Grocery, |store| store.items[0].stock = 2).await?;
    let mut cart = scene.pickup();
    cart.lines = vec![CartLine { item_id: scene.store.items[0].id.clone(), quantity: 2 }];
    let (one, two) = futures::try_join!(scene.quote(&cart), scene.quote(&cart))?;
    let card = scene.working_card()?;
    let replies = futures::try_join!(scene.checkout(&one, &card), scene.checkout(&two, &card))?;
    let mut ends = Vec::new();
    for reply in [replies.0, replies.1] {
        if reply.status == 409 {
            ends.push(reply.code().to_owned());
            continue;
        }
        let answer: CheckoutAnswer = reply.expect(202)?;
        let view = scene.end(&answer.order_id).await?;
        let books = scene.books(&answer.order_id).await?.summary;
        match view.failure {
            None => assert_eq!(books.contradicts_placed(one.terms.price.total.minor, false), None),
            Some(_) => assert_eq!(books.contradicts_undone(), None),
        }
        ends.push(view.failure.map_or_else(|| view.status.to_string(), |failure| failure.code));
    }
    ends.sort();
    assert_eq!(ends, ["Item.SoldOut", "PLACED"]);
    assert_eq!(scene.stock().await?.get(&scene.store.items[0].id), Some(&0));
    Ok(())
}
