//! Claims, leases and runs, as the steps see them.

use crate::world::{LEASE, World};
use carryout_checkout::ports::StuckOrders as _;
use carryout_testing::Fault;
use carryout_workflow::{Direction, StepAction, UndoState, run};

const AUTHORIZE: &str = "authorize-payment";

#[tokio::test]
async fn undo_waits_out_a_live_lease_and_nobody_goes_forward_after_it() {
    let world = World::new();
    let order = world.order().await;
    // An attempt dies after the hold: nothing is recorded, its lease lives on.
    world.store.script("complete", carryout_testing::StoreFault::Before);
    world.process(&order.id, AUTHORIZE).await.unwrap_err();
    assert_eq!(world.undo(&order.id, AUTHORIZE).await.unwrap_err().code, carryout_environment::STEP_IN_PROGRESS.name);
    assert_eq!(world.stored(&order.id).await.direction, Direction::Undo, "turned at once");
    assert_eq!(world.payments.books(&order.id).held, order.total().minor, "and not yet undone");
    for step in [AUTHORIZE, "create-delivery", "notify-merchant", "reserve-items", "check-fraud"] {
        assert_eq!(world.process(&order.id, step).await.unwrap_err().code, run::RUN_TURNED.name, "{step}");
    }
    world.clock.advance(LEASE - 1);
    assert_eq!(world.undo(&order.id, AUTHORIZE).await.unwrap_err().code, carryout_environment::STEP_IN_PROGRESS.name);
    world.clock.advance(1);
    world.undo(&order.id, AUTHORIZE).await.unwrap();
    assert!(world.payments.books(&order.id).is_clean());
    assert_eq!(world.logistics.faults().calls("create") + world.merchants.faults().calls("send"), 0);
}

#[tokio::test]
async fn a_superseded_run_acts_no_more_neither_forward_nor_back() {
    let world = World::new();
    let order = world.order().await;
    let (forward, back) = (world.input(&order.id, StepAction::Process).await, world.input(&order.id, StepAction::Undo).await);
    assert!(world.store.next_run(&order.id, 1, 0).await.unwrap());
    let before = world.stored(&order.id).await;
    for step in ["confirm-price", "reserve-items", "check-fraud", AUTHORIZE, "capture-payment", "complete-order"] {
        assert_eq!(world.run_step(step, &forward).await.unwrap_err().code, run::RUN_SUPERSEDED.name, "{step}");
    }
    for step in ["reserve-items", AUTHORIZE, "create-delivery", "notify-merchant", "capture-payment", "complete-order"] {
        assert_eq!(world.run_step(step, &back).await.unwrap_err().code, run::RUN_SUPERSEDED.name, "{step}");
    }
    assert_eq!(world.stored(&order.id).await, before, "it changed nothing");
    assert_eq!(world.payments.faults().calls("create"), 0);
    assert_eq!(world.run(&order.id).await.status.name(), "PLACED", "the newer run goes on");
}

#[tokio::test]
async fn the_next_run_finds_what_the_one_before_has_done_and_does_not_do_it_again() {
    let world = World::ignoring_keys();
    let order = world.order().await;
    world.advance(&order.id, &["confirm-price", "reserve-items", "check-fraud", AUTHORIZE, "create-delivery"]).await;
    world.payments.faults().script("capture", Fault::EffectThenUnclear);
    world.process(&order.id, "capture-payment").await.unwrap_err();
    assert!(world.store.next_run(&order.id, 1, 0).await.unwrap());
    let placed = world.run(&order.id).await;
    assert_eq!((placed.status.name(), placed.run), ("PLACED", 2));
    let books = world.payments.books(&order.id);
    assert_eq!((books.intents, books.holds, books.captures), (1, 1, 1));
    assert_eq!((world.logistics.deliveries(&order.id).len(), world.ramen_left()), (1, 18));
}

#[tokio::test]
async fn a_run_that_resumes_a_turned_order_undoes_it() {
    let world = World::new();
    let order = world.order().await;
    world.advance(&order.id, &["confirm-price", "reserve-items", "check-fraud", AUTHORIZE]).await;
    world.undo(&order.id, AUTHORIZE).await.unwrap();
    assert!(world.store.next_run(&order.id, 1, 0).await.unwrap());
    let failed = world.run(&order.id).await;
    assert_eq!(failed.status.name(), "FAILED");
    assert_eq!(failed.steps.entry("reserve-items").map(|entry| entry.undo), Some(UndoState::Done));
    assert_eq!(world.ramen_left(), 20);
    assert!(world.payments.books(&order.id).is_clean());
}
