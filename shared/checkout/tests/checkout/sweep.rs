//! Orders that stopped moving.

use crate::world::{CONSUMER, World};
use carryout_checkout::{
    order::{OrderSubmitted, execution_input},
    ports::{Executions as _, StuckOrders as _},
    routing::RoutingRules,
    start::start,
    sweep::{Swept, sweep},
    workflows::orchestrator,
};
use carryout_environment::HasErrorCode as _;
use carryout_predicate::cohort::Cohort;
use carryout_workflow::Orchestrator;
use serde_json::json;

const MINUTE: i64 = 60_000;

impl World {
    async fn sweep(&self) -> Swept {
        sweep(&self.store, &self.executions, &orchestrator(), &self.clock).await.unwrap()
    }

    async fn start(&self, id: &str) {
        start(&orchestrator(), &self.executions, &OrderSubmitted::of(&self.stored(id).await)).await.unwrap();
    }

    fn started(&self) -> Vec<String> {
        self.executions.started().into_iter().map(|execution| execution.name).collect()
    }
}

#[tokio::test]
async fn a_running_order_is_left_alone_and_looked_at_again_later() {
    let world = World::new();
    let order = world.order().await;
    world.start(&order.id).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await, Swept { running: 1, ..Swept::default() });
    assert_eq!(world.sweep().await, Swept::default(), "not again before its time");
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await.running, 1);
    assert_eq!((world.started().len(), world.stored(&order.id).await.run), (1, 1));
}

#[tokio::test]
async fn an_order_whose_run_never_began_is_started_in_the_same_run() {
    let world = World::new();
    let order = world.order().await;
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await, Swept { started: 1, ..Swept::default() });
    assert_eq!(world.started(), [order.execution_name()]);
    assert_eq!(world.stored(&order.id).await.run, 1);
}

#[tokio::test]
async fn an_order_stays_in_its_track_in_every_run_whatever_the_rules_say_later() {
    let mut world = World::new();
    world.routing = RoutingRules(Cohort { consumers: [CONSUMER.to_owned()].into(), ..Cohort::default() });
    let order = world.order().await;
    world.routing = RoutingRules::default();
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await, Swept { started: 1, ..Swept::default() }, "its message was lost");
    world.executions.end(&order.execution_name());
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await, Swept { resumed: 1, ..Swept::default() });
    let machines: Vec<String> = world.executions.started().into_iter().map(|execution| execution.workflow).collect();
    assert_eq!(machines, ["checkout-standard-canary", "checkout-standard-canary"]);
}

#[tokio::test]
async fn an_order_whose_run_ended_too_early_is_resumed_in_the_next_run_the_way_it_was_going() {
    for turned in [false, true] {
        let world = World::new();
        let order = world.order().await;
        world.start(&order.id).await;
        if turned {
            let mut input = world.input(&order.id, carryout_workflow::StepAction::Undo).await;
            input.failure = json!({ "Error": "Payment.Declined", "Cause": "{\"errorMessage\":\"the card was declined\"}" });
            world.run_step("authorize-payment", &input).await.unwrap();
        }
        world.executions.end(&order.execution_name());
        world.clock.advance(MINUTE);
        assert_eq!(world.sweep().await, Swept { resumed: 1, ..Swept::default() });
        let resumed = world.executions.started().pop().unwrap();
        assert_eq!(resumed.name, format!("{}-2", order.id));
        assert_eq!((world.stored(&order.id).await.run, &resumed.input["run"]), (2, &json!(2)));
        if turned {
            assert_eq!(resumed.input["direction"], "UNDO");
            assert_eq!(resumed.input["failure"]["code"], "Payment.Declined");
            assert_eq!(resumed.input["failure"]["message"], "the card was declined");
        } else {
            assert_eq!((&resumed.input["direction"], &resumed.input["failure"]), (&json!("FORWARD"), &json!(null)));
        }
        assert_eq!(world.sweep().await, Swept::default(), "it has its time again");
    }
}

#[tokio::test]
async fn a_closed_order_is_left_alone() {
    for card in ["pay_visa", "pay_poor"] {
        let world = World::new();
        let order = world.order_of(carryout_testing::samples::cart(crate::world::SHOP, 1), card).await;
        world.start(&order.id).await;
        let closed = world.run(&order.id).await;
        world.executions.end(&order.execution_name());
        world.clock.advance(10 * MINUTE);
        assert_eq!(world.sweep().await, Swept::default());
        assert_eq!((world.started().len(), world.stored(&order.id).await), (1, closed));
    }
}

#[tokio::test]
async fn two_sweeps_at_once_start_one_run() {
    let world = World::new();
    let order = world.order().await;
    world.start(&order.id).await;
    world.executions.end(&order.execution_name());
    world.clock.advance(MINUTE);
    // Both have found the order before either has written.
    let found = world.store.stuck(carryout_environment::Clock::now(&world.clock), 10).await.unwrap();
    let (one, other) = (Stale(&world, found.clone()), Stale(&world, found));
    let orchestrator = orchestrator();
    let (one, other) = futures::join!(
        sweep(&one, &world.executions, &orchestrator, &world.clock),
        sweep(&other, &world.executions, &orchestrator, &world.clock)
    );
    assert_eq!(one.unwrap().resumed + other.unwrap().resumed, 1);
    assert_eq!(world.started(), [format!("{}-1", order.id), format!("{}-2", order.id)]);
    assert_eq!(world.stored(&order.id).await.run, 2);
}

/// A sweep that found its orders before anybody else wrote.
struct Stale<'a>(&'a World, Vec<carryout_checkout::order::Order>);

impl carryout_checkout::ports::StuckOrders for Stale<'_> {
    type Subject = carryout_checkout::order::Order;

    async fn stuck(
        &self,
        _now: i64,
        _limit: usize,
    ) -> Result<Vec<carryout_checkout::order::Order>, carryout_environment::StorageError> {
        Ok(self.1.clone())
    }

    async fn next_run(&self, id: &str, run: u32, again: i64) -> Result<bool, carryout_environment::StorageError> {
        self.0.store.next_run(id, run, again).await
    }

    async fn look_again(&self, id: &str, run: u32, again: i64) -> Result<(), carryout_environment::StorageError> {
        self.0.store.look_again(id, run, again).await
    }
}

#[tokio::test]
async fn a_sweep_that_dies_between_counting_the_run_and_starting_it_is_caught_up_with() {
    let world = World::new();
    let order = world.order().await;
    world.start(&order.id).await;
    world.executions.end(&order.execution_name());
    assert!(world.store.next_run(&order.id, 1, 0).await.unwrap());
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await, Swept { started: 1, ..Swept::default() });
    assert_eq!(world.started(), [format!("{}-1", order.id), format!("{}-2", order.id)]);
}

#[tokio::test]
async fn one_order_that_can_not_be_looked_at_does_not_stop_the_others() {
    let world = World::new();
    world.order().await;
    world.order().await;
    world.clock.advance(MINUTE);
    world.executions.fail_next(1);
    assert_eq!(world.sweep().await, Swept { started: 1, failed: 1, ..Swept::default() });
    assert_eq!(world.sweep().await, Swept { started: 1, ..Swept::default() }, "the next sweep does");
}

#[tokio::test]
async fn a_message_that_comes_twice_starts_one_execution() {
    let world = World::new();
    let order = world.order().await;
    world.start(&order.id).await;
    world.executions.end(&order.execution_name());
    world.start(&order.id).await;
    assert_eq!(world.started(), [order.execution_name()]);
    let input = world.executions.started()[0].input.clone();
    assert_eq!(input, execution_input(&OrderSubmitted::of(&order)));
    assert!(input.to_string().len() < 1_000, "ids and small facts, never a cart");
    let state = world.executions.state("checkout-standard", &order.execution_name()).await.unwrap();
    assert_eq!(state, carryout_checkout::ports::ExecutionState::Ended);
}

#[tokio::test]
async fn a_market_that_is_not_open_starts_nothing() {
    let world = World::new();
    let message = OrderSubmitted::of(&world.order().await);
    let error = start(&Orchestrator::new(Vec::new(), Vec::new()), &world.executions, &message).await.unwrap_err();
    assert_eq!(error.code().name, "Market.Unknown");
    assert_eq!(world.started().len(), 0);
}
