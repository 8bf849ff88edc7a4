use super::{Row, State};
use carryout_checkout::{
    ledger::LedgerEvent,
    order::{Order, OrderStatus},
    ports::{OrderNote, Refused},
    refund::{OrderRefund, RefundStatus},
};
use carryout_environment::Failure;
use carryout_workflow::{Direction, StatusMap, StepEntry, StepState, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// What rows are kept of, and what the writes of their steps change.
pub(super) trait SubjectRecord: Subject + Clone + 'static {
    fn rows(state: &State) -> &BTreeMap<String, Row<Self>>;
    fn rows_mut(state: &mut State) -> &mut BTreeMap<String, Row<Self>>;
    fn saga_fields(&mut self) -> SagaFields<'_>;
    /// Its status says that its workflow runs.
    fn proceed(&mut self);
}

pub(super) struct SagaFields<'a> {
    pub(super) direction: &'a mut Direction,
    pub(super) run: &'a mut u32,
    pub(super) steps: &'a mut StatusMap,
    pub(super) failure: &'a mut Option<Failure>,
    pub(super) flags: &'a mut BTreeSet<String>,
    pub(super) ledger: &'a mut Vec<LedgerEvent>,
    pub(super) updated_at: &'a mut i64,
    pub(super) version: &'a mut u64,
}

impl SubjectRecord for Order {
    fn rows(state: &State) -> &BTreeMap<String, Row<Self>> {
        &state.orders
    }

    fn rows_mut(state: &mut State) -> &mut BTreeMap<String, Row<Self>> {
        &mut state.orders
    }

    fn saga_fields(&mut self) -> SagaFields<'_> {
        let Self { direction, run, steps, failure, flags, ledger, updated_at, version, .. } = self;
        SagaFields { direction, run, steps, failure, flags, ledger, updated_at, version }
    }

    fn proceed(&mut self) {
        self.status = OrderStatus::Processing;
    }
}

impl SubjectRecord for OrderRefund {
    fn rows(state: &State) -> &BTreeMap<String, Row<Self>> {
        &state.refunds
    }

    fn rows_mut(state: &mut State) -> &mut BTreeMap<String, Row<Self>> {
        &mut state.refunds
    }

    fn saga_fields(&mut self) -> SagaFields<'_> {
        let Self { direction, run, steps, failure, flags, ledger, updated_at, version, .. } = self;
        SagaFields { direction, run, steps, failure, flags, ledger, updated_at, version }
    }

    fn proceed(&mut self) {
        self.status = RefundStatus::Processing;
    }
}

pub(super) fn touch(order: &mut impl SubjectRecord, now: i64) {
    let moving = order.saga_fields();
    *moving.updated_at = now;
    *moving.version += 1;
}

pub(super) fn entry_mut<'a>(order: &'a mut impl SubjectRecord, step: &str) -> Option<&'a mut StepEntry> {
    order.saga_fields().steps.0.get_mut(step)
}

pub(super) fn take_note(order: &mut impl SubjectRecord, note: &OrderNote) {
    let moving = order.saga_fields();
    moving.ledger.extend(note.ledger.iter().cloned());
    moving.flags.extend(note.flags.iter().cloned());
}

/// Whether the order is open, in this run, and moves forward.
pub(super) fn goes_forward(order: &impl Subject, run: u32) -> bool {
    order.run() == run && order.direction() == Direction::Forward && !order.is_closed()
}

/// Whether a step of the order may begin: it goes forward, and nobody asked to cancel it.
pub(super) fn may_begin(order: &impl Subject, run: u32) -> bool {
    goes_forward(order, run) && !order.is_cancel_requested()
}

pub(super) fn held_by_other<T, S: Clone>(order: &S) -> Result<T, Refused<S>> {
    Err(Refused::ConditionFailed(Box::new(order.clone())))
}

/// Completes the entry of a step that is one write.
pub(super) fn end_at_once(order: &mut impl SubjectRecord, step: &str, run: u32, at: i64, now: i64) {
    if let Some(entry) = entry_mut(order, step) {
        entry.state = StepState::Done;
        entry.run = run;
        entry.attempts += 1;
        entry.sent_at = Some(at);
        entry.ended_at = Some(now);
    }
    touch(order, now);
}
