use super::{
    State, Store,
    subject::{entry_mut, goes_forward, held_by_other, may_begin, touch},
};
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{Answers, MerchantAnswer, Refused},
    steps::await_merchant::failure_of,
};
use carryout_workflow::StepState;

/// The order, if it moves forward and no answer is recorded.
fn unanswered<'a>(state: &'a mut State, step: &str, order_id: &str) -> Result<&'a mut Order, Refused> {
    let order = state.order(order_id).ok_or(Refused::NotFound)?;
    let entry = order.steps.entry(step).ok_or(Refused::Other)?;
    let waits = matches!(entry.state, StepState::Pending | StepState::Running | StepState::Waiting);
    if waits && goes_forward(order, order.run) { Ok(order) } else { held_by_other(order) }
}

impl Answers for Store {
    async fn wait_for(&self, step: &'static str, order_id: &str, run: u32, task_token: &str, at: i64) -> Result<Order, Refused> {
        self.write(
            "wait_for",
            || Refused::Conflict,
            |state, now| {
                let order = unanswered(state, step, order_id)?;
                if !may_begin(order, run) {
                    return held_by_other(order);
                }
                if let Some(entry) = entry_mut(order, step) {
                    entry.state = StepState::Waiting;
                    entry.task_token = Some(task_token.to_owned());
                    entry.run = run;
                    entry.sent_at = Some(at);
                    entry.attempts += 1;
                }
                order.status = OrderStatus::Processing;
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }

    async fn record(&self, step: &'static str, order_id: &str, answer: &MerchantAnswer, _at: i64) -> Result<Order, Refused> {
        self.write(
            "record",
            || Refused::Conflict,
            |state, now| {
                let order = unanswered(state, step, order_id)?;
                if let Some(entry) = entry_mut(order, step) {
                    entry.ended_at = Some(now);
                    match failure_of(answer) {
                        None => entry.state = StepState::Done,
                        Some(failure) => {
                            entry.state = StepState::Failed;
                            entry.failure = Some(failure);
                        }
                    }
                }
                touch(order, now);
                Ok(order.clone())
            },
        )
        .await
    }
}
