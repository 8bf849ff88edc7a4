//! complete-refund: closes a refund together with its order, as given back or as failed; and as parked where it can't be
//! told which of the two it is.

use super::refund_payment;
use crate::{
    codes,
    ledger::LedgerEvent,
    ports::{Pager, ParkedOrder, RefundClosing, Refused},
    refund::{OrderRefund, RefundStatus},
};
use carryout_environment::{ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{
    ClaimRefused, Step, StepAction, StepInput, StepReply, StepState, run::RunError, run::answer_refused_claim,
};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "complete-refund";

/// Closes refunds.
pub struct CompleteRefund<C, P> {
    /// Where refunds are closed.
    pub closing: C,
    /// Tells operators about parked ones.
    pub pager: P,
}

/// Why a refund was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CompleteRefundError {
    /// The processor was asked, and what came of it is not known: it is neither given back nor failed.
    #[error("whether the money is given back is not known")]
    Uncertain,
}

impl HasErrorCode for CompleteRefundError {
    const CODES: &'static [ErrorCode] = &[codes::REFUND_UNCERTAIN];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Uncertain => codes::REFUND_UNCERTAIN,
        }
    }
}

type Completed = Result<StepReply, RunError<CompleteRefundError>>;

impl<C: RefundClosing, P: Pager> Step for CompleteRefund<C, P> {
    type Subject = OrderRefund;
    type Error = CompleteRefundError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<C: RefundClosing, P: Pager> CompleteRefund<C, P> {
    /// Closes the refund in `input` as its action says; `now` in milliseconds since the Unix epoch.
    pub async fn process(&self, input: &StepInput, now: i64) -> Completed {
        if input.action == StepAction::Park {
            return self.park(input, now).await;
        }
        let refund = self.closing.refund(&input.id).await?.ok_or(RunError::Unknown)?;
        if refund.run != input.run {
            return Err(RunError::Superseded(input.run, refund.run));
        }
        let entry = refund.steps.entry(refund_payment::NAME).ok_or(RunError::Unknown)?;
        match (input.action, entry.state) {
            (_, StepState::Done) => self.succeed(&refund, now).await,
            // Never begun, or definitely refused.
            (StepAction::Fail | StepAction::Undo, StepState::Pending | StepState::Failed) => {
                self.fail(&refund, entry.failure.clone().or_else(|| input.reason()), now).await
            }
            (..) => match refund.status {
                RefundStatus::Parked => Err(RunError::Closed),
                _ => Err(RunError::Step(CompleteRefundError::Uncertain)),
            },
        }
    }

    async fn succeed(&self, refund: &OrderRefund, now: i64) -> Completed {
        let events: Vec<LedgerEvent> = refund.given_back().cloned().collect();
        match self.closing.succeed(NAME, refund, &events, now).await {
            Ok(()) => Ok(reply(StepState::Done, RefundStatus::Refunded)),
            Err(Refused::ConditionFailed(other)) if other.status == RefundStatus::Refunded && other.run == refund.run => {
                answer_refused_claim(self, ClaimRefused::ConditionFailed(other), refund.run, now)
            }
            Err(refused) => Err(other(refused, refund.run)),
        }
    }

    async fn fail(&self, refund: &OrderRefund, reason: Option<Failure>, now: i64) -> Completed {
        match self.closing.fail(refund, &[refund.failed(now)], reason.as_ref(), now).await {
            Ok(()) => Ok(reply(StepState::Skipped, RefundStatus::Failed)),
            Err(Refused::ConditionFailed(other)) if other.status == RefundStatus::Failed => {
                Ok(reply(StepState::Skipped, RefundStatus::Failed))
            }
            Err(refused) => Err(other(refused, refund.run)),
        }
    }

    async fn park(&self, input: &StepInput, now: i64) -> Completed {
        let refund = match self.closing.park(&input.id, input.run, now).await {
            Ok(refund) => refund,
            // Parked before: the page may not have gone out.
            Err(Refused::ConditionFailed(refund)) if refund.status == RefundStatus::Parked && refund.run == input.run => *refund,
            Err(refused) => return Err(other(refused, input.run)),
        };
        let failure = refund.steps.entry(refund_payment::NAME).and_then(|entry| entry.failure.clone());
        let parked = ParkedOrder {
            order_id: refund.order_id.clone(),
            refund_id: Some(refund.id.clone()),
            remaining: vec![refund_payment::NAME.to_owned()],
            failure: failure.or_else(|| input.reason()),
            correlation_id: refund.correlation_id.clone(),
        };
        self.pager.page(&parked).await?;
        Ok(reply(StepState::Skipped, RefundStatus::Parked))
    }
}

fn reply(state: StepState, status: RefundStatus) -> StepReply {
    StepReply { step: "complete-refund".to_owned(), state, response: json!({ "status": status }) }
}

fn other(refused: Refused<OrderRefund>, run: u32) -> RunError<CompleteRefundError> {
    match refused {
        Refused::ConditionFailed(refund) if refund.run != run => RunError::Superseded(run, refund.run),
        Refused::ConditionFailed(refund) if refund.status.is_closed() => RunError::Closed,
        // Its step moved on between the look and the write: look again.
        Refused::ConditionFailed(_) | Refused::Conflict => {
            RunError::Storage(StorageError::Unavailable("somebody else writes this refund".to_owned()))
        }
        Refused::NotFound | Refused::Other => RunError::Unknown,
        Refused::Storage(error) => RunError::Storage(error),
    }
}
