use super::{
    Row, State, Store,
    subject::{end_at_once, held_by_other, touch},
};
use carryout_checkout::{
    ledger::LedgerEvent,
    order::{Order, OrderStatus},
    ports::{CompletedRequest, ParkedRefunds, RefundClosing, RefundRefused, RefundRequests, RefundSubmission, Refused},
    refund::{OrderRefund, RefundStatus},
    steps::refund_payment,
};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::StepState;

type Closed = Result<(), Refused<OrderRefund>>;

impl RefundRequests for Store<OrderRefund> {
    async fn request(&self, submission: &RefundSubmission) -> Result<(), RefundRefused> {
        self.write(
            "request_refund",
            || RefundRefused::Changed,
            |state, now| {
                if let Some(completed) = state.remembered(&submission.key.record_id, now) {
                    return Err(RefundRefused::Repeated(completed));
                }
                let refund = &submission.refund;
                let is_free = |order: &&mut Order| {
                    let is_placed = order.status == OrderStatus::Placed;
                    is_placed && order.version == submission.order_version && order.open_refund.is_none()
                };
                let order = state.order(&refund.order_id).filter(is_free).ok_or(RefundRefused::Changed)?;
                order.refunded = submission.refunded.clone();
                order.open_refund = Some(refund.id.clone());
                order.ledger.push(refund.requested());
                touch(order, now);
                state.remember(&submission.key, &submission.answer, submission.remember_until);
                state.refunds.insert(refund.id.clone(), Row { order: refund.clone(), sweep_at: Some(submission.stuck_at) });
                Ok(())
            },
        )
        .await
    }

    async fn completed(&self, record_id: &str) -> Result<Option<CompletedRequest>, StorageError> {
        let now = self.now();
        Ok(self.read("completed", |state| state.remembered(record_id, now)).await)
    }
}

impl State {
    /// Closes the refund as `status` and lets go of its order, if the refund is open and still in its run, its money is
    /// where it may be for that, and the order knows it as under way. Returns both.
    fn close_refund(
        &mut self,
        refund: &OrderRefund,
        allowed: &[StepState],
        status: RefundStatus,
    ) -> Result<(&mut OrderRefund, &mut Order), Refused<OrderRefund>> {
        let row = self.refunds.get_mut(&refund.id).ok_or(Refused::NotFound)?;
        let stands = row.order.steps.entry(refund_payment::NAME).is_some_and(|entry| allowed.contains(&entry.state));
        if row.order.run != refund.run || row.order.status.is_closed() || !stands {
            return held_by_other(&row.order);
        }
        let order = self.orders.get_mut(&refund.order_id).map(|row| &mut row.order);
        let order = order.filter(|order| order.open_refund.as_deref() == Some(&refund.id)).ok_or(Refused::Other)?;
        row.order.status = status;
        row.sweep_at = None;
        order.open_refund = None;
        Ok((&mut row.order, order))
    }
}

impl RefundClosing for Store<OrderRefund> {
    async fn refund(&self, id: &str) -> Result<Option<OrderRefund>, StorageError> {
        Ok(self.read("refund", |state| state.refunds.get(id).map(|row| row.order.clone())).await)
    }

    async fn succeed(&self, step: &'static str, refund: &OrderRefund, events: &[LedgerEvent], at: i64) -> Closed {
        self.write(
            "succeed_refund",
            || Refused::Conflict,
            |state, now| {
                let (refund, order) = state.close_refund(refund, &[StepState::Done], RefundStatus::Refunded)?;
                end_at_once(refund, step, refund.run, at, now);
                order.ledger.extend(events.iter().cloned());
                touch(order, now);
                Ok(())
            },
        )
        .await
    }

    async fn fail(&self, refund: &OrderRefund, events: &[LedgerEvent], reason: Option<&Failure>, _at: i64) -> Closed {
        self.write(
            "fail_refund",
            || Refused::Conflict,
            |state, now| {
                let nothing_given = [StepState::Pending, StepState::Failed];
                let (refund, order) = state.close_refund(refund, &nothing_given, RefundStatus::Failed)?;
                refund.failure = refund.failure.take().or_else(|| reason.cloned());
                touch(refund, now);
                order.refunded = refund.before.clone();
                order.ledger.extend(events.iter().cloned());
                touch(order, now);
                Ok(())
            },
        )
        .await
    }

    async fn park(&self, refund_id: &str, run: u32, _at: i64) -> Result<OrderRefund, Refused<OrderRefund>> {
        self.write(
            "park_refund",
            || Refused::Conflict,
            |state, now| {
                let row = state.refunds.get_mut(refund_id).ok_or(Refused::NotFound)?;
                if row.order.run != run || row.order.status.is_closed() {
                    return held_by_other(&row.order);
                }
                row.order.status = RefundStatus::Parked;
                row.sweep_at = None;
                touch(&mut row.order, now);
                Ok(row.order.clone())
            },
        )
        .await
    }
}

impl ParkedRefunds for Store<OrderRefund> {
    async fn reopen(&self, refund_id: &str, look_again_at: i64) -> Result<OrderRefund, Refused<OrderRefund>> {
        self.write(
            "reopen_refund",
            || Refused::Conflict,
            |state, now| {
                let row = state.refunds.get_mut(refund_id).ok_or(Refused::NotFound)?;
                if row.order.status != RefundStatus::Parked {
                    return held_by_other(&row.order);
                }
                row.order.status = RefundStatus::Processing;
                row.order.run += 1;
                row.sweep_at = Some(look_again_at);
                touch(&mut row.order, now);
                Ok(row.order.clone())
            },
        )
        .await
    }
}
