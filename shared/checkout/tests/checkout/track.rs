//! What a consumer sees of an order.

use crate::world::{CONSUMER, World, workflow};
use carryout_checkout::{codes, track::track, workflows::orchestrator};
use carryout_environment::Failure;
use carryout_testing::Fault;
use carryout_workflow::{Direction, StepState};

#[tokio::test]
async fn an_order_is_shown_to_its_consumer_only() {
    let world = World::new();
    let order = world.order().await;
    let seen = async |consumer, id| track(&world.store, &orchestrator(), consumer, id).await.unwrap();
    assert_eq!(seen(CONSUMER, order.id.as_str()).await.map(|view| view.id), Some(order.id.clone()));
    assert_eq!(seen("con_eve", order.id.as_str()).await, None);
    assert_eq!(seen(CONSUMER, "ord_none").await, None);
}

#[tokio::test]
async fn steps_come_in_the_order_of_the_workflow() {
    let world = World::accepting();
    let order = world.order().await;
    let view = track(&world.store, &orchestrator(), CONSUMER, &order.id).await.unwrap().unwrap();
    let shown: Vec<&str> = view.steps.iter().map(|step| step.step.as_str()).collect();
    let workflow = workflow("checkout-accepted");
    assert_eq!(shown, workflow.steps().map(|spec| spec.step.as_str()).collect::<Vec<_>>());
    assert!(view.steps.iter().all(|step| step.state == StepState::Pending));
}

#[tokio::test]
async fn a_failure_that_step_functions_reported_comes_with_its_codes_advice() {
    let world = World::new();
    let order = world.order_of(carryout_testing::samples::cart(crate::world::SHOP, 1), "pay_poor").await;
    let failed = world.run(&order.id).await;
    assert_eq!(failed.failure.as_ref().map(|failure| failure.advice.as_str()), Some(""), "Step Functions knows none");
    let view = track(&world.store, &orchestrator(), CONSUMER, &order.id).await.unwrap().unwrap();
    let failure = view.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.advice.as_str()), ("Payment.Declined", codes::PAYMENT_DECLINED.advice));
    assert!(failure.message.contains("not enough money"), "{failure}");
}

#[tokio::test]
async fn every_code_that_a_workflow_can_end_with_has_advice_and_an_advice_of_its_own_stays() {
    let world = World::new();
    let mut order = world.order().await;
    order.direction = Direction::Undo;
    let advice_for = |order: &mut carryout_checkout::order::Order, code: &str, advice: &str| {
        let failure = Failure { code: code.to_owned(), message: "m".to_owned(), advice: advice.to_owned() };
        order.failure = Some(failure.clone());
        order.steps.0.values_mut().for_each(|entry| entry.failure = Some(failure.clone()));
        let view = carryout_checkout::track::view(order, &orchestrator());
        let shown = view.failure.unwrap();
        assert!(view.steps.iter().all(|step| step.failure.as_ref() == Some(&shown)), "steps are told the same");
        shown.advice
    };
    for code in codes::STEP_CODES.iter().chain(carryout_workflow::run::CODES) {
        assert_eq!(advice_for(&mut order, code.name, ""), code.advice);
        assert!(!code.advice.is_empty(), "{}", code.name);
    }
    assert_eq!(advice_for(&mut order, "Payment.Declined", "Call us."), "Call us.");
    assert_eq!(advice_for(&mut order, "Lambda.Unknown", ""), "");
}

#[tokio::test]
async fn retries_count_attempts_beyond_the_first_both_ways() {
    let world = World::new();
    let order = world.order().await;
    world.payments.faults().script_times("create", Fault::Unavailable, 2);
    for _ in 0..3 {
        let _ = world.process(&order.id, "authorize-payment").await;
    }
    world.payments.faults().script("cancel", Fault::Unavailable);
    for _ in 0..2 {
        let _ = world.undo(&order.id, "authorize-payment").await;
    }
    let view = track(&world.store, &orchestrator(), CONSUMER, &order.id).await.unwrap().unwrap();
    assert_eq!(view.retries, 2 + 1);
}
