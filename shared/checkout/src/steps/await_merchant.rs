//! await-merchant: waits for the merchant's answer, which comes by webhook, maybe before anybody waits for it.
//!
//! The answer is recorded on the order first and sent to the waiting step second. So whoever comes later (a retry, the
//! next run) finds the recorded answer before it waits.

use crate::{
    codes,
    order::Order,
    ports::{Answers, Callbacks, MerchantAnswer, Refused},
};
use carryout_environment::{ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{ClaimRefused, Step, StepInput, StepReply, StepState, run::RunError, run::answer_refused_claim};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "await-merchant";

/// Waits for merchants.
pub struct AwaitMerchant<A, C> {
    /// Where answers are kept.
    pub answers: A,
    /// Sends answers to waiting steps.
    pub callbacks: C,
}

/// Why the wait ended badly.
#[derive(Debug, thiserror::Error)]
pub enum AwaitMerchantError {
    /// The merchant does not take the order.
    #[error("the store can't take this order: {0}")]
    Refused(String),
    /// The merchant did not answer in time. The state machine reports it, not this function.
    #[error("the store did not answer in time")]
    Silent,
}

impl HasErrorCode for AwaitMerchantError {
    const CODES: &'static [ErrorCode] = &[codes::MERCHANT_REFUSED, codes::MERCHANT_SILENT];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) => codes::MERCHANT_REFUSED,
            Self::Silent => codes::MERCHANT_SILENT,
        }
    }
}

impl<A: Answers, C: Callbacks> Step for AwaitMerchant<A, C> {
    type Subject = Order;
    type Error = AwaitMerchantError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

/// Characters of a merchant's reason that are kept: a failure must fit into an order and into a callback.
const MAX_REASON: usize = 500;

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is recorded, and sent to whoever waits.
    Recorded,
    /// The same answer was recorded before; it was sent again.
    Repeated,
    /// Another answer was recorded before; that one counts.
    Contradicts,
    /// The order no longer waits: it is being undone, or is closed.
    TooLate,
    /// There is no such order, or it never waits for an answer.
    Unknown,
}

impl<A: Answers, C: Callbacks> AwaitMerchant<A, C> {
    /// Registers where to send the answer; sends a recorded one at once. `now` in milliseconds since the Unix epoch.
    ///
    /// Every outcome goes through the task token, failures too: the token is what the state machine waits for.
    pub async fn process(&self, input: &StepInput, now: i64) -> Result<StepReply, RunError<AwaitMerchantError>> {
        let token = input.task_token.as_deref().ok_or(RunError::Unknown)?;
        let reply = match self.answers.wait_for(NAME, &input.id, input.run, token, now).await {
            Ok(_) => return Ok(StepReply { step: NAME.to_owned(), state: StepState::Waiting, response: json!(null) }),
            Err(refused) => self.refused(refused, input.run, now).map_err(|error| error.failure()),
        };
        match &reply {
            Ok(reply) => self.callbacks.succeed(token, &json!(reply)).await?,
            Err(failure) => self.callbacks.fail(token, failure).await?,
        }
        reply.map_err(RunError::Refused)
    }

    /// Records a merchant's answer and sends it to whoever waits. `now` in milliseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// Where the answer could not be recorded or sent: the merchant should send it again.
    pub async fn answer(&self, order_id: &str, answer: &MerchantAnswer, now: i64) -> Result<Answered, StorageError> {
        let (order, answered) = match self.answers.record(NAME, order_id, answer, now).await {
            Ok(order) => (order, Answered::Recorded),
            Err(Refused::NotFound | Refused::Other) => return Ok(Answered::Unknown),
            Err(Refused::Conflict) => return Err(StorageError::Unavailable("somebody else writes this order".into())),
            Err(Refused::Storage(error)) => return Err(error),
            Err(Refused::ConditionFailed(order)) => match recorded(&order) {
                None => return Ok(Answered::TooLate),
                Some(previous) if previous.is_ok() != matches!(answer, MerchantAnswer::Accepted) => {
                    return Ok(Answered::Contradicts);
                }
                Some(_) => (*order, Answered::Repeated),
            },
        };
        let waiting = order.steps.entry(NAME).and_then(|entry| entry.task_token.as_deref());
        match (waiting, recorded(&order)) {
            (Some(token), Some(Ok(()))) => {
                let reply = StepReply { step: NAME.to_owned(), state: StepState::Done, response: self.response(&order) };
                self.callbacks.succeed(token, &json!(reply)).await?;
            }
            (Some(token), Some(Err(failure))) => self.callbacks.fail(token, &failure).await?,
            // Nobody waits yet; whoever comes finds the answer on the order.
            _ => {}
        }
        Ok(answered)
    }

    fn refused(&self, refused: Refused, run: u32, now: i64) -> Result<StepReply, RunError<AwaitMerchantError>> {
        match refused {
            Refused::ConditionFailed(order) => answer_refused_claim(self, ClaimRefused::ConditionFailed(order), run, now),
            Refused::NotFound | Refused::Other => Err(RunError::Unknown),
            Refused::Conflict => Err(RunError::Storage(StorageError::Unavailable("somebody else writes this order".into()))),
            Refused::Storage(error) => Err(RunError::Storage(error)),
        }
    }
}

/// The failure that an answer records on the step's entry; `None` for an acceptance.
pub fn failure_of(answer: &MerchantAnswer) -> Option<Failure> {
    match answer {
        MerchantAnswer::Accepted => None,
        MerchantAnswer::Refused { reason } if reason.is_empty() => {
            Some(Failure::of(&AwaitMerchantError::Refused("no reason given".to_owned())))
        }
        MerchantAnswer::Refused { reason } => {
            Some(Failure::of(&AwaitMerchantError::Refused(reason.chars().take(MAX_REASON).collect())))
        }
    }
}

/// The answer that is recorded on the order, if any.
fn recorded(order: &Order) -> Option<Result<(), Failure>> {
    let entry = order.steps.entry(NAME)?;
    match entry.state {
        StepState::Done => Some(Ok(())),
        StepState::Failed => entry.failure.clone().map(Err),
        StepState::Pending | StepState::Running | StepState::Waiting | StepState::Skipped => None,
    }
}
