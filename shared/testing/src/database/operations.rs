use super::{
    Store,
    subject::{held_by_other, may_begin, touch},
};
use carryout_checkout::{
    cancel::is_accepted,
    order::{Order, OrderStatus},
    ports::{Cancellations, ParkedOrders, Refused},
};
use carryout_environment::StorageError;
use carryout_workflow::Direction;

impl Cancellations for Store {
    async fn request(&self, order_id: &str, consumer_id: &str, at: i64) -> Result<Order, Refused> {
        self.write(
            "cancel",
            || Refused::Conflict,
            |state, now| {
                let order = state.order(order_id).ok_or(Refused::NotFound)?;
                if order.consumer.id != consumer_id || !may_begin(order, order.run) || is_accepted(order) {
                    return held_by_other(order);
                }
                order.cancel_requested_at = Some(at);
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }
}

impl ParkedOrders for Store {
    async fn parked(&self, limit: usize) -> Result<Vec<Order>, StorageError> {
        Ok(self
            .read("parked", |state| {
                let rows = state.orders.values().filter(|row| row.order.status == OrderStatus::Parked);
                let mut orders: Vec<Order> = rows.map(|row| row.order.clone()).collect();
                orders.sort_by_key(|order| order.updated_at);
                orders.truncate(limit);
                orders
            })
            .await)
    }

    async fn reopen(&self, order_id: &str, look_again_at: i64) -> Result<Order, Refused> {
        self.write(
            "reopen",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if row.order.status != OrderStatus::Parked {
                    return held_by_other(&row.order);
                }
                row.order.status = OrderStatus::Processing;
                row.order.direction = Direction::Undo;
                row.order.run += 1;
                row.sweep_at = Some(look_again_at);
                touch(&mut row.order, now);
                Ok(row.order.clone())
            },
        )
        .await
    }
}
