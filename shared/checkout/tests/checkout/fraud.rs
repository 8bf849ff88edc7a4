//! The fraud check, and the rule that stands in for it.

use crate::world::{CONSUMER, SHOP, World};
use carryout_checkout::{codes, steps::check_fraud::DECIDED_BY_RULE};
use carryout_testing::{
    Fault,
    samples::{self, DAY, NOON},
};
use carryout_workflow::StepState;

const CHECK: &str = "check-fraud";

#[tokio::test]
async fn what_the_service_rejects_is_rejected() {
    let world = World::new();
    world.fraud.reject(CONSUMER);
    let order = world.order().await;
    let failure = world.process(&order.id, CHECK).await.unwrap_err();
    assert_eq!(failure.code, codes::FRAUD_REJECTED.name);
    assert!(world.stored(&order.id).await.flags.is_empty());
}

#[tokio::test]
async fn while_the_service_is_down_a_trusted_account_is_let_through_and_flagged() {
    let world = World::new();
    world.fraud.faults().script_times("check", Fault::Unavailable, 2);
    let order = world.order().await;
    assert_eq!(world.process(&order.id, CHECK).await.unwrap_err().code, codes::FRAUD_UNAVAILABLE.name, "first it is asked again");
    assert_eq!(world.process(&order.id, CHECK).await.unwrap().state, StepState::Done);
    assert!(world.stored(&order.id).await.flags.contains(DECIDED_BY_RULE));
}

#[tokio::test]
async fn while_the_service_is_down_the_limit_depends_on_the_accounts_age() {
    // Bowls at 14.50 each, with fees of at most 13.00: 3 are below 60.00, 5 above; 15 below 250.00, 17 above.
    for (bowls, age_days, approved) in
        [(3, 30, true), (5, 30, false), (5, 31, true), (15, 31, true), (17, 31, false), (17, 4_000, false)]
    {
        let world = World::new();
        world.store.put_consumer(carryout_checkout::consumer::Consumer {
            created_at: NOON - age_days * DAY,
            ..samples::consumer(CONSUMER)
        });
        world.fraud.faults().script_times("check", Fault::UnclearWithoutEffect, 2);
        let order = world.order_of(samples::cart(SHOP, bowls), "pay_visa").await;
        world.process(&order.id, CHECK).await.unwrap_err();
        let decided = world.process(&order.id, CHECK).await;
        let case = format!("{} after {age_days} days", order.total());
        match decided {
            Ok(_) => assert!(approved, "{case}"),
            Err(failure) => {
                assert!(!approved, "{case}: {failure}");
                assert_eq!(failure.code, codes::FRAUD_REJECTED.name, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_in_time_is_no_ones_rule() {
    let world = World::new();
    world.fraud.faults().script("check", Fault::Unavailable);
    let order = world.order().await;
    world.process(&order.id, CHECK).await.unwrap_err();
    world.advance(&order.id, &[CHECK]).await;
    assert!(world.stored(&order.id).await.flags.is_empty());
}
