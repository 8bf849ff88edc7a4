use super::{
    Store,
    subject::{entry_mut, touch},
};
use carryout_checkout::{
    order::Order,
    ports::{Reservations, ReserveRefused},
    redemptions::{Reserved, UsageCounter, plan},
    steps::reserve_items::reserved_by,
};
use carryout_environment::StorageError;
use carryout_workflow::{Claim, StepState, UndoState};

impl Reservations for Store {
    async fn reserve(&self, claim: &Claim, order: &Order) -> Result<Reserved, ReserveRefused> {
        self.write(
            "reserve",
            || ReserveRefused::Conflict,
            |state, now| {
                state.held::<Order>(claim)?;
                let lines = &order.quote.terms.price.lines;
                let mut sold_out = Vec::new();
                for line in lines {
                    let item = state.stock(&order.store.id, &line.item_id);
                    if !item.is_some_and(|item| item.available && item.stock >= line.quantity) {
                        sold_out.push(line.item_id.clone());
                    }
                }
                if !sold_out.is_empty() {
                    return Err(ReserveRefused::SoldOut(sold_out));
                }
                let planned = plan(order, &state.counters).map_err(ReserveRefused::UsedUp)?;
                let reserved = Reserved::of(order, &planned);
                let response = serde_json::to_value(&reserved).map_err(|error| StorageError::Corrupt(error.to_string()))?;
                for redemption in &reserved.redemptions {
                    let UsageCounter { uses, given } = state.counters.entry(redemption.counter.clone()).or_default();
                    *uses += redemption.uses;
                    *given += redemption.amount;
                }
                for line in lines {
                    if let Some(item) = state.stock(&order.store.id, &line.item_id) {
                        item.stock -= line.quantity;
                    }
                }
                let order = state.held::<Order>(claim)?;
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.state = StepState::Done;
                    entry.lease_until = 0;
                    entry.ended_at = Some(now);
                    entry.response = Some(response);
                }
                touch(order, now);
                Ok(reserved)
            },
        )
        .await
    }

    async fn put_back(&self, claim: &Claim, order: &Order) -> Result<(), ReserveRefused> {
        self.write(
            "put_back",
            || ReserveRefused::Conflict,
            |state, now| {
                state.held::<Order>(claim)?;
                for line in &order.quote.terms.price.lines {
                    // An item that the store has dropped meanwhile has no stock to return to.
                    if let Some(item) = state.stock(&order.store.id, &line.item_id) {
                        item.stock += line.quantity;
                    }
                }
                for redemption in reserved_by(order)?.redemptions {
                    if let Some(UsageCounter { uses, given }) = state.counters.get_mut(&redemption.counter) {
                        *uses -= redemption.uses;
                        *given -= redemption.amount;
                    }
                }
                let order = state.held::<Order>(claim)?;
                if let Some(entry) = entry_mut(order, &claim.step) {
                    entry.undo = UndoState::Done;
                    entry.lease_until = 0;
                    entry.ended_at = Some(now);
                }
                touch(order, now);
                Ok(())
            },
        )
        .await
    }
}
