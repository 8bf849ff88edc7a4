//! check-fraud: asks whether the order looks like fraud. Asking has no effect, so there is nothing to undo.
//!
//! Where the service stays down, the order is decided by its amount and the account's age, and flagged.

use crate::{
    codes,
    order::{FraudFacts, Order},
    ports::{CallError, Fraud, FraudVerdict, OrderNote},
};
use carryout_environment::{ErrorCode, HasErrorCode};
use carryout_money::Money;
use carryout_workflow::{Attempt, Effect, Outcome, Progress, Step};
use serde_json::json;

/// The step's name.
pub const NAME: &str = "check-fraud";

/// Attempts that the fraud service is given before the rule decides.
const ATTEMPTS_BEFORE_FALLBACK: u32 = 2;

/// The flag of an order that was decided by the rule.
pub const DECIDED_BY_RULE: &str = "fraud-decided-by-rule";

/// Checks orders for fraud.
pub struct CheckFraud<F> {
    /// The fraud service.
    pub fraud: F,
}

/// Why an order did not pass.
#[derive(Debug, thiserror::Error)]
pub enum CheckFraudError {
    /// It looks like fraud.
    #[error("the order was not accepted: {0}")]
    Rejected(String),
    /// The service did not answer.
    #[error(transparent)]
    Unavailable(CallError),
}

impl HasErrorCode for CheckFraudError {
    const CODES: &'static [ErrorCode] = &[codes::FRAUD_REJECTED, codes::FRAUD_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Rejected(_) => codes::FRAUD_REJECTED,
            Self::Unavailable(_) => codes::FRAUD_UNAVAILABLE,
        }
    }
}

impl<F: Fraud> Step for CheckFraud<F> {
    type Subject = Order;
    type Error = CheckFraudError;

    fn entry_name(&self) -> &str {
        NAME
    }
}

impl<F: Fraud> Effect for CheckFraud<F> {
    type Note = OrderNote;

    async fn process(&self, order: &Order, attempt: &impl Attempt<OrderNote>) -> Result<Outcome<OrderNote>, CheckFraudError> {
        let (verdict, flags) = match self.fraud.check(order, order.fraud_facts).await {
            Ok(verdict) => (verdict, Vec::new()),
            Err(_) if attempt.number() >= ATTEMPTS_BEFORE_FALLBACK => {
                (decide_by_rule(order.total(), order.fraud_facts), vec![DECIDED_BY_RULE.to_owned()])
            }
            Err(error) => return Err(CheckFraudError::Unavailable(error)),
        };
        if !verdict.approved {
            return Err(CheckFraudError::Rejected(verdict.reason));
        }
        let response = json!({ "score": verdict.score, "reason": verdict.reason });
        Ok(Outcome::Done(Progress {
            response: Some(response),
            note: OrderNote { flags, ..OrderNote::default() },
            ..Progress::default()
        }))
    }
}

/// The declared fallback: up to 250.00 for an account older than 30 days, up to 60.00 for a younger one.
fn decide_by_rule(total: Money, facts: FraudFacts) -> FraudVerdict {
    const TRUSTED_AFTER_DAYS: u32 = 30;
    let limit = if facts.account_age_days > TRUSTED_AFTER_DAYS { 250 } else { 60 };
    let approved = total.minor <= limit * 10_i64.pow(total.currency.exponent());
    let verdict = if approved { "within" } else { "above" };
    let reason = format!("fraud service down; {verdict} the limit of {limit} for an account of {} days", facts.account_age_days);
    FraudVerdict { approved, score: 50, reason }
}
