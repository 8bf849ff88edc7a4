//! A parked order's undo is taken up again and ends.

use crate::world::World;
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{ParkedOrders as _, StuckOrders as _},
    redrive::{ParkedView, RedriveError, redrive},
    workflows::orchestrator,
};
use carryout_testing::Fault;

impl World {
    /// An order that parked, because its courier could not be called off.
    async fn parked(&self) -> Order {
        let order = self.order().await;
        self.merchants.faults().script("send", Fault::Refuse("kitchen_full".to_owned()));
        self.logistics.faults().script_times("cancel", Fault::Unavailable, 100);
        let parked = self.run(&order.id).await;
        assert_eq!(parked.status, OrderStatus::Parked);
        parked
    }

    async fn redrive(&self, id: &str) -> Result<Order, RedriveError> {
        redrive(&self.store, &self.executions, &orchestrator(), &self.clock, id).await
    }
}

#[tokio::test]
async fn a_redriven_order_ends_clean_once_the_cause_is_mended() {
    let world = World::new();
    let stock = world.ramen_left();
    let parked = world.parked().await;
    world.logistics.faults().clear();
    let opened = world.redrive(&parked.id).await.unwrap();
    assert_eq!((opened.status, opened.run), (OrderStatus::Processing, parked.run + 1));
    let started = world.executions.started();
    assert_eq!(started.last().unwrap().name, opened.execution_name());
    assert_eq!(started.last().unwrap().input["direction"], "UNDO");
    assert_eq!(started.last().unwrap().input["failure"]["code"], "Merchant.Refused", "why it turned round is kept");
    let ended = world.run(&parked.id).await;
    assert_eq!(ended.status, OrderStatus::Failed);
    assert!(world.payments.books(&parked.id).is_clean());
    assert_eq!((world.logistics.live(&parked.id), world.ramen_left()), (0, stock));
    assert!(world.store.parked(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_order_that_can_still_not_be_undone_parks_again() {
    let world = World::new();
    let parked = world.parked().await;
    world.redrive(&parked.id).await.unwrap();
    assert_eq!(world.run(&parked.id).await.status, OrderStatus::Parked);
    assert_eq!(world.pager.pages().len(), 2);
}

#[tokio::test]
async fn only_a_parked_order_is_redriven_and_only_once() {
    let world = World::new();
    let order = world.order().await;
    assert!(matches!(world.redrive(&order.id).await, Err(RedriveError::NotParked(OrderStatus::Submitted))));
    assert!(matches!(world.redrive("ord_none").await, Err(RedriveError::Unknown)));
    let parked = world.parked().await;
    let before = world.executions.started().len();
    world.redrive(&parked.id).await.unwrap();
    assert!(matches!(world.redrive(&parked.id).await, Err(RedriveError::NotParked(OrderStatus::Processing))));
    assert_eq!(world.executions.started().len(), before + 1);
}

#[tokio::test]
async fn a_start_that_fails_is_left_to_the_sweeper() {
    let world = World::new();
    let parked = world.parked().await;
    world.executions.fail_next(1);
    let opened = world.redrive(&parked.id).await.unwrap();
    let stuck = world.store.stuck(i64::MAX, 10).await.unwrap();
    assert_eq!(stuck, [opened]);
}

#[tokio::test]
async fn an_operator_sees_what_remains_and_where() {
    let world = World::new();
    let parked = world.parked().await;
    let view = ParkedView::of(&world.store.parked(10).await.unwrap()[0]);
    assert_eq!((view.order_id.as_str(), view.country.as_str(), view.total), (parked.id.as_str(), "US", parked.total()));
    let steps: Vec<&str> = view.remaining.iter().map(|effect| effect.step.as_str()).collect();
    assert_eq!(steps, ["authorize-payment", "create-delivery", "reserve-items"]);
    let courier = &view.remaining[1];
    assert!(courier.reference.is_some());
    assert_eq!(courier.failure.as_ref().map(|failure| failure.code.as_str()), Some("Delivery.Unavailable"));
    assert_eq!(view.remaining[0].failure, None, "its undo was not tried yet");
}
