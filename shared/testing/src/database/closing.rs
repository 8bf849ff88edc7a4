use super::{
    Store,
    subject::{end_at_once, held_by_other, may_begin, touch},
};
use carryout_checkout::{
    audit::kept_until,
    order::{Order, OrderStatus},
    ports::{Closing, Refused},
};
use carryout_environment::Failure;
use carryout_workflow::{Direction, Subject as _};

impl Closing for Store {
    async fn place(&self, step: &'static str, order_id: &str, run: u32, at: i64) -> Result<(), Refused> {
        self.write(
            "place",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if !may_begin(&row.order, run) {
                    return held_by_other(&row.order);
                }
                end_at_once(&mut row.order, step, run, at, now);
                row.order.status = OrderStatus::Placed;
                row.sweep_at = None;
                Ok(())
            },
        )
        .await
    }

    async fn fail(
        &self,
        order_id: &str,
        run: u32,
        quote_id: &str,
        ended: OrderStatus,
        reason: Option<&Failure>,
        _at: i64,
    ) -> Result<(), Refused> {
        self.write(
            "fail",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if row.order.run != run || row.order.is_closed() {
                    return held_by_other(&row.order);
                }
                row.order.status = ended;
                row.order.direction = Direction::Undo;
                row.order.failure = row.order.failure.take().or_else(|| reason.cloned());
                row.sweep_at = None;
                touch(&mut row.order, now);
                let quote = state.quotes.get_mut(quote_id).map(|kept| &mut kept.record);
                if let Some(record) = quote.filter(|record| record.order_id.as_deref() == Some(order_id)) {
                    record.order_id = None;
                    record.kept_until = Some(kept_until(now));
                }
                Ok(())
            },
        )
        .await
    }

    async fn park(&self, order_id: &str, run: u32, _at: i64) -> Result<Order, Refused> {
        self.write(
            "park",
            || Refused::Conflict,
            |state, now| {
                let row = state.orders.get_mut(order_id).ok_or(Refused::NotFound)?;
                if row.order.run != run || row.order.is_closed() {
                    return held_by_other(&row.order);
                }
                row.order.status = OrderStatus::Parked;
                row.sweep_at = None;
                touch(&mut row.order, now);
                Ok(row.order.clone())
            },
        )
        .await
    }
}
