//! How an order is closed: placed, failed, parked.

use crate::world::World;
use carryout_checkout::order::OrderStatus;
use carryout_environment::STORAGE_UNAVAILABLE;
use carryout_testing::Fault;
use carryout_workflow::{StepAction, run};

const COMPLETE: &str = "complete-order";

#[tokio::test]
async fn a_placed_order_is_placed_again_without_effect_and_never_undone() {
    let world = World::new();
    let order = world.order().await;
    let placed = world.run(&order.id).await;
    let input = world.input(&order.id, StepAction::Process).await;
    assert!(world.run_step(COMPLETE, &input).await.is_ok(), "a repetition hears the same");
    for step in ["capture-payment", "notify-merchant", "create-delivery", "authorize-payment", "reserve-items"] {
        assert_eq!(world.undo(&order.id, step).await.unwrap_err().code, run::RUN_SUPERSEDED.name, "{step}");
    }
    for action in [StepAction::Fail, StepAction::Park] {
        let input = world.input(&order.id, action).await;
        assert_eq!(world.run_step(COMPLETE, &input).await.unwrap_err().code, run::RUN_SUPERSEDED.name);
    }
    assert_eq!(world.stored(&order.id).await, placed);
    assert_eq!(world.pager.pages(), []);
}

#[tokio::test]
async fn a_failed_order_releases_its_quote_for_the_next() {
    let world = World::new();
    let quote = world.quote().await;
    let submitted = world.submit(&quote, "pay_poor", "k1").await.unwrap();
    let failed = world.run(&submitted.answer.order_id).await;
    assert_eq!(failed.status, OrderStatus::Failed);
    let input = world.input(&failed.id, StepAction::Fail).await;
    assert!(world.run_step(COMPLETE, &input).await.is_ok(), "closing it again changes nothing");
    let next = world.submit(&quote, "pay_visa", "k2").await.unwrap();
    assert_eq!(world.run(&next.answer.order_id).await.status, OrderStatus::Placed);
}

#[tokio::test]
async fn a_parked_order_names_exactly_the_remaining_effects_and_pages_once() {
    let world = World::new();
    let order = world.order().await;
    world.advance(&order.id, &["confirm-price", "reserve-items", "check-fraud", "authorize-payment", "create-delivery"]).await;
    world.merchants.faults().script("send", Fault::Refuse("kitchen_full".to_owned()));
    // The courier can't be called off, however often it is tried.
    world.logistics.faults().script_times("cancel", Fault::Unavailable, 100);
    let parked = world.run(&order.id).await;
    assert_eq!(parked.status, OrderStatus::Parked);
    assert_eq!(parked.failure.as_ref().map(|failure| failure.code.as_str()), Some("Merchant.Refused"));
    let pages = world.pager.pages();
    assert_eq!(pages.len(), 1);
    // The store never took it, so nothing of it remains there; what comes before the courier was not yet undone.
    assert_eq!(pages[0].remaining, ["authorize-payment", "create-delivery", "reserve-items"]);
    assert_eq!(pages[0].failure.as_ref().map(|failure| failure.code.as_str()), Some("Delivery.Unavailable"));
    assert_eq!((pages[0].order_id.as_str(), pages[0].correlation_id.as_str()), (order.id.as_str(), "corr-1"));
    assert_eq!(world.store.user_of_quote(&order.quote.terms.id), Some(order.id.clone()), "its quote stays its own");

    let mut input = world.input(&order.id, StepAction::Park).await;
    input.failure = serde_json::json!({ "Error": "Delivery.Unavailable", "Cause": pages[0].failure.as_ref().unwrap().message });
    world.run_step(COMPLETE, &input).await.unwrap();
    assert_eq!(world.pager.pages(), pages, "it is parked, so somebody was told");
}

#[tokio::test]
async fn no_order_is_parked_before_somebody_is_told() {
    let world = World::new();
    let order = world.order().await;
    world.pager.fail_next(1);
    let input = world.input(&order.id, StepAction::Park).await;
    assert_eq!(world.run_step(COMPLETE, &input).await.unwrap_err().code, STORAGE_UNAVAILABLE.name);
    assert_eq!(world.stored(&order.id).await.status, OrderStatus::Submitted, "the sweeper still finds it");
    world.run_step(COMPLETE, &input).await.unwrap();
    assert_eq!((world.stored(&order.id).await.status, world.pager.pages().len()), (OrderStatus::Parked, 1));
}

#[tokio::test]
async fn a_refused_step_whose_undo_could_not_end_is_named_as_remaining() {
    let world = World::new();
    let order = world.order().await;
    // A first request whose outcome nobody knows; the second is refused, which says nothing of the first.
    world.logistics.faults().script("create", Fault::LateEffect(1_000));
    world.process(&order.id, "create-delivery").await.unwrap_err();
    world.logistics.faults().script("create", Fault::Refuse("no_courier".to_owned()));
    world.process(&order.id, "create-delivery").await.unwrap_err();
    world.clock.advance(1_000);
    world.logistics.faults().script("find", Fault::Unavailable);
    world.undo(&order.id, "create-delivery").await.unwrap_err();
    let input = world.input(&order.id, StepAction::Park).await;
    world.run_step(COMPLETE, &input).await.unwrap();
    assert_eq!(world.logistics.live(&order.id), 1);
    assert_eq!(world.pager.pages()[0].remaining, ["create-delivery"]);
}

#[tokio::test]
async fn only_a_quote_that_the_order_holds_at_its_price_is_confirmed() {
    let world = World::new();
    let order = world.order().await;
    let mut input = world.input(&order.id, StepAction::Process).await;
    input.facts["total"]["minor"] = 1.into();
    let failure = world.run_step("confirm-price", &input).await.unwrap_err();
    assert_eq!(failure.code, "Quote.NotHeld");
    world.advance(&order.id, &["confirm-price", "confirm-price"]).await;
    assert_eq!(world.entry(&order.id, "confirm-price").await.attempts, 1);
}
