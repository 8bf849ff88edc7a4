//! The consumer takes the order back: until the store has accepted it, and then nothing is left of it.

use crate::world::{CONSUMER, World};
use carryout_checkout::{
    cancel::{CancelError, cancel},
    order::{Order, OrderStatus},
};
use carryout_environment::Clock as _;
use carryout_testing::StoreFault;
use carryout_workflow::{StepState, run};

impl World {
    async fn cancel(&self, id: &str) -> Result<Order, CancelError> {
        cancel(&self.store, &self.callbacks, CONSUMER, id, self.clock.now()).await
    }

    /// The order must have ended as cancelled, with nothing left anywhere.
    fn assert_cancelled(&self, order: &Order, stock_before: u32) {
        assert_eq!(order.status, OrderStatus::Cancelled);
        assert_eq!(order.failure.as_ref().map(|failure| failure.code.as_str()), Some(run::CANCEL_REQUESTED.name));
        assert!(self.payments.books(&order.id).is_clean());
        assert_eq!(self.logistics.live(&order.id), 0);
        let told = self.merchants.books(&order.id);
        assert!(told.received == 0 || told.cancelled, "{told:?}");
        assert_eq!(self.ramen_left(), stock_before);
        assert_eq!(self.store.user_of_quote(&order.quote.terms.id), None, "the quote is free again");
        assert_eq!(self.pager.pages(), []);
    }
}

#[tokio::test]
async fn an_order_is_cancelled_after_any_step_until_its_store_has_taken_it() {
    let before = ["confirm-price", "reserve-items", "check-fraud", "authorize-payment", "create-delivery"];
    for done in 0..=before.len() {
        let world = World::new();
        let stock = world.ramen_left();
        let order = world.order().await;
        world.advance(&order.id, &before[..done]).await;
        world.cancel(&order.id).await.unwrap();
        let ended = world.run(&order.id).await;
        world.assert_cancelled(&ended, stock);
        assert_eq!(world.merchants.faults().calls("send"), 0, "the store never heard of it");
    }
}

#[tokio::test]
async fn it_is_too_late_once_the_store_has_taken_it() {
    let world = World::new();
    let order = world.order().await;
    let steps = ["confirm-price", "reserve-items", "check-fraud", "authorize-payment", "create-delivery", "notify-merchant"];
    world.advance(&order.id, &steps).await;
    assert!(matches!(world.cancel(&order.id).await, Err(CancelError::TooLate)));
    let placed = world.run(&order.id).await;
    assert_eq!((placed.status, placed.cancel_requested_at), (OrderStatus::Placed, None));
    assert!(matches!(world.cancel(&order.id).await, Err(CancelError::TooLate)));
}

#[tokio::test]
async fn an_attempt_that_has_begun_ends_and_is_undone() {
    let world = World::new();
    let stock = world.ramen_left();
    let order = world.order().await;
    world.advance(&order.id, &["confirm-price", "reserve-items", "check-fraud", "authorize-payment", "create-delivery"]).await;
    // The store is told; the attempt dies before it can say so; meanwhile the consumer cancels.
    world.store.script("complete", StoreFault::Before);
    world.process(&order.id, "notify-merchant").await.unwrap_err();
    world.cancel(&order.id).await.unwrap();
    let ended = world.run(&order.id).await;
    world.assert_cancelled(&ended, stock);
    assert!(world.merchants.books(&order.id).received > 0);
}

#[tokio::test]
async fn who_waits_for_the_store_is_woken() {
    let world = World::accepting();
    let stock = world.ramen_left();
    let order = world.order().await;
    let steps = ["confirm-price", "reserve-items", "check-fraud", "authorize-payment", "notify-merchant"];
    world.advance(&order.id, &steps).await;
    let mut input = world.input(&order.id, carryout_workflow::StepAction::Process).await;
    input.task_token = Some("token".to_owned());
    assert_eq!(world.run_step("await-merchant", &input).await.unwrap().state, StepState::Waiting);
    world.callbacks.fail_next(1);
    assert!(matches!(world.cancel(&order.id).await, Err(CancelError::Storage(_))), "nobody was woken: send it again");
    assert_eq!(world.callbacks.answer_to("token"), None);
    world.cancel(&order.id).await.unwrap();
    let answer = world.callbacks.answer_to("token").unwrap().unwrap_err();
    assert_eq!(answer.code, run::CANCEL_REQUESTED.name);
    let ended = world.run(&order.id).await;
    world.assert_cancelled(&ended, stock);
}

#[tokio::test]
async fn cancelling_again_changes_nothing_and_a_stranger_learns_nothing() {
    let world = World::new();
    let order = world.order().await;
    let stranger = cancel(&world.store, &world.callbacks, "con_mallory", &order.id, 0).await;
    assert!(matches!(stranger, Err(CancelError::Unknown)));
    assert!(matches!(world.cancel("ord_none").await, Err(CancelError::Unknown)));
    let first = world.cancel(&order.id).await.unwrap();
    assert_eq!(world.cancel(&order.id).await.unwrap(), first);
    let ended = world.run(&order.id).await;
    assert_eq!(world.cancel(&order.id).await.unwrap(), ended);
}

#[tokio::test]
async fn a_failed_order_has_nothing_to_cancel() {
    let world = World::new();
    let quote = world.quote().await;
    let submitted = world.submit(&quote, "pay_poor", "k1").await.unwrap();
    let id = &submitted.answer.order_id;
    assert_eq!(world.run(id).await.status, OrderStatus::Failed);
    assert!(matches!(world.cancel(id).await, Err(CancelError::Nothing)));
}
