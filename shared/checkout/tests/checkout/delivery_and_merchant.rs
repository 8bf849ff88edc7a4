//! The courier, the store, and the store's answer.

use crate::world::World;
use carryout_checkout::{
    codes,
    partners::{LOGISTICS, LONGEST_ATTEMPT_MS},
    ports::MerchantAnswer::{self, Accepted},
    steps::await_merchant::Answered,
};
use carryout_testing::Fault;
use carryout_workflow::{StepAction, StepInput, StepState};

const DELIVERY: &str = "create-delivery";
const NOTIFY: &str = "notify-merchant";
const AWAIT: &str = "await-merchant";
/// How long after its claim an attempt's booking may still arrive.
const STILL_ARRIVES: i64 = LONGEST_ATTEMPT_MS + LOGISTICS.longest_processing_ms;

#[tokio::test]
async fn a_pickup_skips_the_courier_forward_and_back() {
    let world = World::new();
    let order = world.pickup().await;
    assert_eq!(world.process(&order.id, DELIVERY).await.unwrap().state, StepState::Skipped);
    assert_eq!(world.process(&order.id, DELIVERY).await.unwrap().state, StepState::Skipped);
    world.undo(&order.id, DELIVERY).await.unwrap();
    let calls = |name| world.logistics.faults().calls(name);
    assert_eq!((calls("create"), calls("find"), calls("cancel")), (0, 0, 0));
}

#[tokio::test]
async fn a_lost_answer_books_one_courier() {
    let world = World::new();
    let order = world.order().await;
    world.logistics.faults().script("create", Fault::EffectThenUnclear);
    assert_eq!(world.process(&order.id, DELIVERY).await.unwrap_err().code, codes::DELIVERY_UNCLEAR.name);
    world.advance(&order.id, &[DELIVERY]).await;
    assert_eq!(world.logistics.deliveries(&order.id).len(), 1);
}

#[tokio::test]
async fn undoing_an_unsettled_delivery_waits_until_nothing_can_arrive_any_more() {
    // It was sent at the attempt's last moment and arrives at the partner's, or never.
    for (fault, booked) in [(Fault::LateEffect(STILL_ARRIVES - 1), 1), (Fault::UnclearWithoutEffect, 0)] {
        let world = World::new();
        let order = world.order().await;
        world.logistics.faults().script("create", fault);
        world.process(&order.id, DELIVERY).await.unwrap_err();
        for _ in 0..2 {
            let failure = world.undo(&order.id, DELIVERY).await.unwrap_err();
            assert_eq!(failure.code, codes::DELIVERY_UNCLEAR.name, "not found is not final yet");
            world.clock.advance(STILL_ARRIVES / 2 - 1);
        }
        world.clock.advance(2);
        world.undo(&order.id, DELIVERY).await.unwrap();
        assert_eq!((world.logistics.deliveries(&order.id).len(), world.logistics.live(&order.id)), (booked, 0));
    }
}

#[tokio::test]
async fn every_state_of_a_delivery_can_be_undone() {
    for (state, fault, begins) in [
        ("not begun", None, false),
        ("not reached", Some(Fault::Unavailable), true),
        ("refused", Some(Fault::Refuse("no_courier".to_owned())), true),
        ("unknown and booked", Some(Fault::EffectThenUnclear), true),
        ("unknown and not booked", Some(Fault::UnclearWithoutEffect), true),
        ("booked", None, true),
    ] {
        let world = World::new();
        let order = world.order().await;
        if let Some(fault) = fault {
            world.logistics.faults().script("create", fault);
        }
        if begins {
            let _ = world.process(&order.id, DELIVERY).await;
        }
        // Half done: the courier is called off, and the answer to that is lost.
        world.logistics.faults().script("cancel", Fault::EffectThenUnclear);
        let _ = world.undo(&order.id, DELIVERY).await;
        world.clock.advance(STILL_ARRIVES);
        for _ in 0..2 {
            world.undo(&order.id, DELIVERY).await.unwrap_or_else(|failure| panic!("{state}: {failure}"));
        }
        assert_eq!(world.logistics.live(&order.id), 0, "{state}");
    }
}

#[tokio::test]
async fn every_state_of_a_notification_can_be_undone_also_one_that_arrives_later() {
    for (state, fault, begins) in [
        ("not begun", None, false),
        ("not reached", Some(Fault::Unavailable), true),
        ("unknown and received", Some(Fault::EffectThenUnclear), true),
        ("unknown and received later", Some(Fault::LateEffect(4_000)), true),
        ("received", None, true),
    ] {
        let world = World::new();
        let order = world.order().await;
        if let Some(fault) = fault {
            world.merchants.faults().script("send", fault);
        }
        if begins {
            let _ = world.process(&order.id, NOTIFY).await;
        }
        for _ in 0..2 {
            world.undo(&order.id, NOTIFY).await.unwrap_or_else(|failure| panic!("{state}: {failure}"));
        }
        world.clock.advance(4_000);
        assert!(!world.merchants.books(&order.id).is_made(), "{state}");
        assert_eq!(world.merchants.faults().calls("cancel"), u32::from(begins), "{state}");
    }
}

#[tokio::test]
async fn only_a_workflow_that_waits_asks_the_store_to_answer() {
    for (world, wants_answer) in [(World::new(), false), (World::accepting(), true)] {
        let order = world.order().await;
        world.advance(&order.id, &[NOTIFY]).await;
        assert_eq!(world.merchants.books(&order.id).wants_answer, wants_answer);
    }
}

/// The function's input while the state machine waits with `token`.
async fn waiting(world: &World, id: &str, token: &str) -> StepInput {
    StepInput { task_token: Some(token.to_owned()), ..world.input(id, StepAction::Process).await }
}

fn no() -> MerchantAnswer {
    MerchantAnswer::Refused { reason: "no eggs".to_owned() }
}

#[tokio::test]
async fn an_answer_reaches_the_step_that_waits() {
    for answer in [Accepted, no()] {
        let world = World::accepting();
        let order = world.order().await;
        let reply = world.run_step(AWAIT, &waiting(&world, &order.id, "t1").await).await.unwrap();
        assert_eq!(reply.state, StepState::Waiting);
        assert_eq!(world.callbacks.sent(), [], "nobody has answered yet");
        let step = world.await_merchant();
        assert_eq!(step.answer(&order.id, &answer, 0).await.unwrap(), Answered::Recorded);
        match (answer, world.callbacks.answer_to("t1").unwrap()) {
            (Accepted, Ok(reply)) => assert_eq!(reply["state"], "DONE"),
            (_, Err(failure)) => {
                assert_eq!(
                    (failure.code.as_str(), failure.message.as_str()),
                    ("Merchant.Refused", "the store can't take this order: no eggs")
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_anybody_waits_is_found_by_whoever_comes() {
    let world = World::accepting();
    let accepted = world.order().await;
    assert_eq!(world.await_merchant().answer(&accepted.id, &Accepted, 0).await.unwrap(), Answered::Recorded);
    assert_eq!(world.callbacks.sent(), []);
    let reply = world.run_step(AWAIT, &waiting(&world, &accepted.id, "t1").await).await.unwrap();
    assert_eq!(reply.state, StepState::Done);
    assert_eq!(
        world.callbacks.answer_to("t1").unwrap().unwrap()["state"],
        "DONE",
        "the token gets it, not the function's answer"
    );

    let refused = world.order().await;
    world.await_merchant().answer(&refused.id, &no(), 0).await.unwrap();
    let failure = world.run_step(AWAIT, &waiting(&world, &refused.id, "t2").await).await.unwrap_err();
    assert_eq!(failure.code, codes::MERCHANT_REFUSED.name);
    assert_eq!(world.callbacks.answer_to("t2").unwrap().unwrap_err(), failure);
}

#[tokio::test]
async fn the_first_answer_counts_and_the_same_one_is_sent_again() {
    let world = World::accepting();
    let order = world.order().await;
    world.run_step(AWAIT, &waiting(&world, &order.id, "t1").await).await.unwrap();
    let step = world.await_merchant();
    // Recorded, and lost on the way to the step: the merchant is asked to send it again.
    world.callbacks.fail_next(1);
    assert!(step.answer(&order.id, &Accepted, 0).await.is_err());
    assert_eq!(step.answer(&order.id, &Accepted, 0).await.unwrap(), Answered::Repeated);
    assert!(world.callbacks.answer_to("t1").unwrap().is_ok());
    assert_eq!(step.answer(&order.id, &no(), 0).await.unwrap(), Answered::Contradicts);
    assert_eq!(world.callbacks.sent().len(), 1, "a contradiction is sent to nobody");
    assert_eq!(world.entry(&order.id, AWAIT).await.state, StepState::Done);

    let other = world.order().await;
    assert_eq!(step.answer(&other.id, &no(), 0).await.unwrap(), Answered::Recorded);
    assert_eq!(step.answer(&other.id, &Accepted, 0).await.unwrap(), Answered::Contradicts);
    let other_words = MerchantAnswer::Refused { reason: "closed".to_owned() };
    assert_eq!(step.answer(&other.id, &other_words, 0).await.unwrap(), Answered::Repeated);
}

#[tokio::test]
async fn an_answer_to_an_order_that_no_longer_waits_is_too_late() {
    let world = World::accepting();
    let order = world.order().await;
    world.run_step(AWAIT, &waiting(&world, &order.id, "t1").await).await.unwrap();
    world.undo(&order.id, NOTIFY).await.unwrap();
    assert_eq!(world.await_merchant().answer(&order.id, &Accepted, 0).await.unwrap(), Answered::TooLate);
    assert_eq!(world.entry(&order.id, AWAIT).await.state, StepState::Waiting);
    assert_eq!(world.callbacks.sent(), []);
}

#[tokio::test]
async fn an_answer_to_an_order_that_never_waits_is_unknown() {
    let world = World::new();
    let order = world.order().await;
    for id in [order.id.as_str(), "ord_nobody"] {
        assert_eq!(world.await_merchant().answer(id, &Accepted, 0).await.unwrap(), Answered::Unknown, "{id}");
    }
}

#[tokio::test]
async fn a_retry_waits_with_its_own_token_and_gets_the_answer_there() {
    let world = World::accepting();
    let order = world.order().await;
    for token in ["t1", "t2"] {
        world.run_step(AWAIT, &waiting(&world, &order.id, token).await).await.unwrap();
    }
    world.await_merchant().answer(&order.id, &Accepted, 0).await.unwrap();
    assert_eq!(world.callbacks.sent().iter().map(|called| called.task_token.as_str()).collect::<Vec<_>>(), ["t2"]);
}

#[tokio::test]
async fn a_merchants_endless_reason_is_cut() {
    let world = World::accepting();
    let order = world.order().await;
    let endless = MerchantAnswer::Refused { reason: "é".repeat(60_000) };
    world.await_merchant().answer(&order.id, &endless, 0).await.unwrap();
    let failure = world.entry(&order.id, AWAIT).await.failure.unwrap();
    assert!(failure.message.chars().count() < 600, "{}", failure.message.len());
}
