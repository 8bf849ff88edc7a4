use super::{
    Row, State, Store, busy,
    subject::{SubjectRecord, touch},
};
use carryout_checkout::ports::StuckOrders;
use carryout_environment::StorageError;

impl<S: SubjectRecord> StuckOrders for Store<S> {
    type Subject = S;

    async fn stuck(&self, now: i64, limit: usize) -> Result<Vec<S>, StorageError> {
        Ok(self
            .read("stuck", |state| {
                let due = |row: &&Row<S>| row.sweep_at.is_some_and(|at| at <= now) && !row.order.is_closed();
                S::rows(state).values().filter(due).take(limit).map(|row| row.order.clone()).collect()
            })
            .await)
    }

    async fn next_run(&self, order_id: &str, run: u32, look_again_at: i64) -> Result<bool, StorageError> {
        self.write("next_run", busy, |state, now| {
            let Some(row) = open_in_run::<S>(state, order_id, run) else { return Ok(false) };
            *row.order.saga_fields().run += 1;
            row.sweep_at = Some(look_again_at);
            touch(&mut row.order, now);
            Ok(true)
        })
        .await
    }

    async fn look_again(&self, order_id: &str, run: u32, look_again_at: i64) -> Result<(), StorageError> {
        self.write("look_again", busy, |state, _| {
            if let Some(row) = open_in_run::<S>(state, order_id, run) {
                row.sweep_at = Some(look_again_at);
            }
            Ok(())
        })
        .await
    }
}

fn open_in_run<'a, S: SubjectRecord>(state: &'a mut State, id: &str, run: u32) -> Option<&'a mut Row<S>> {
    S::rows_mut(state).get_mut(id).filter(|row| row.order.run() == run && !row.order.is_closed())
}
