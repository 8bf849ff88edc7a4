//! Takes an operator's refund of a placed order: works out what it gives back, writes it once, starts its workflow.

use crate::{
    codes::{
        KEY_REUSED, MARKET_UNKNOWN, ORDER_UNKNOWN, REFUND_IN_PROGRESS, REFUND_NO_LINE, REFUND_NOT_PLACED, REFUND_NOTHING,
        REFUND_TOO_MUCH, REQUEST_INVALID, SUBMIT_BUSY,
    },
    ledger,
    order::{Order, OrderStatus},
    ports::{Executions, IdempotencyKey, Orders, RefundRefused, RefundRequests, RefundSubmission},
    refund::{OrderRefund, RefundStatus},
    start::start_run,
    steps::authorized_intent,
    submit::{ATTEMPTS, REMEMBER_SECONDS, STUCK_AFTER_MS},
};
use carryout_environment::{Clock, ErrorCode, HasErrorCode, Ids, STORAGE_CORRUPT, STORAGE_UNAVAILABLE, StorageError};
use carryout_market::{MarketSource, Markets, NotServed};
use carryout_money::Money;
use carryout_pricing::{RefundError, RefundLine, RefundRequest, refund};
use carryout_workflow::{Direction, Orchestrator, StatusMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Characters of a refund's reason, at most.
pub const MAX_REASON: usize = 500;

/// What an operator sends to give something back: exactly one of `lines`, `everything` and `amount`, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// Units of lines, at what they were charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<RefundLine>>,
    /// With `lines`: whether their share of fees and tip goes with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_fees: Option<bool>,
    /// `true`: all that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everything: Option<bool>,
    /// An amount, above zero. Minor units of the order's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// Why, in 1 to 500 characters.
    pub reason: String,
}

impl RefundBody {
    /// What is to be given back.
    ///
    /// # Errors
    ///
    /// [`RequestRefundError::Invalid`] with the field that is wrong.
    pub fn parsed(&self) -> Result<RefundRequest, RequestRefundError> {
        let invalid = |field, detail| Err(RequestRefundError::Invalid { field, detail });
        if self.reason.trim().is_empty() || self.reason.chars().count() > MAX_REASON {
            return invalid("reason", "say why, in 1 to 500 characters");
        }
        if self.with_fees.is_some() && self.lines.is_none() {
            return invalid("with_fees", "with_fees goes with lines only");
        }
        match (&self.lines, self.everything, self.amount) {
            (Some(lines), None, None) if !lines.is_empty() && lines.iter().all(|line| line.quantity > 0) => {
                Ok(RefundRequest::Lines { lines: lines.clone(), with_fees: self.with_fees.unwrap_or_default() })
            }
            (Some(_), None, None) => invalid("lines", "name at least one line, each with a quantity above zero"),
            (None, Some(true), None) => Ok(RefundRequest::Remaining),
            (None, Some(false), None) => invalid("everything", "everything is true, or is left out"),
            (None, None, Some(amount)) if amount > 0 => Ok(RefundRequest::Amount(amount)),
            (None, None, Some(_)) => invalid("amount", "the amount is above zero, in minor units"),
            (None, None, None) => invalid("lines", "send one of lines, everything and amount"),
            (None, _, _) => invalid("amount", "send one of lines, everything and amount, not two"),
            (Some(_), _, _) => invalid("lines", "send one of lines, everything and amount, not two"),
        }
    }
}

/// What a taken refund is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAnswer {
    /// The refund.
    pub refund_id: String,
    /// The order.
    pub order_id: String,
    /// How much is given back.
    pub amount: Money,
    /// Where it stands now.
    pub status: RefundStatus,
}

/// Why no refund was taken. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RequestRefundError {
    /// A field of the request is wrong.
    #[error("{detail}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// There is no such order.
    #[error("there is no order {0}")]
    Unknown(String),
    /// The order is not placed, so there is nothing to give back, or its undo does it.
    #[error("the order is {0}, not PLACED")]
    NotPlaced(OrderStatus),
    /// Another refund of the order is under way.
    #[error("refund {0} of this order is under way")]
    InProgress(String),
    /// The order has no such line.
    #[error("the order has no line {0}: the first is 0")]
    NoLine(usize),
    /// Fewer units are left of a line.
    #[error("line {line} has {left} units left to give back")]
    TooMany {
        /// The line.
        line: usize,
        /// Units that are left.
        left: u32,
    },
    /// Less is left to give back.
    #[error("{0} is left to give back")]
    TooMuch(Money),
    /// Nothing is left to give back of what was asked for.
    #[error("nothing is left to give back of this")]
    Nothing,
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// Somebody else wrote the order at the same moment, several times over.
    #[error("too many writes to the order at the same moment")]
    Busy,
    /// No workflow handles refunds in this market.
    #[error(transparent)]
    NotServed(#[from] NotServed),
    /// A store could not be asked, or what it holds does not fit together.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for RequestRefundError {
    const CODES: &'static [ErrorCode] = &[
        REQUEST_INVALID,
        ORDER_UNKNOWN,
        REFUND_NOT_PLACED,
        REFUND_IN_PROGRESS,
        REFUND_NO_LINE,
        REFUND_TOO_MUCH,
        REFUND_NOTHING,
        KEY_REUSED,
        SUBMIT_BUSY,
        MARKET_UNKNOWN,
        STORAGE_UNAVAILABLE,
        STORAGE_CORRUPT,
    ];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => REQUEST_INVALID,
            Self::Unknown(_) => ORDER_UNKNOWN,
            Self::NotPlaced(_) => REFUND_NOT_PLACED,
            Self::InProgress(_) => REFUND_IN_PROGRESS,
            Self::NoLine(_) => REFUND_NO_LINE,
            Self::TooMany { .. } | Self::TooMuch(_) => REFUND_TOO_MUCH,
            Self::Nothing => REFUND_NOTHING,
            Self::KeyReused => KEY_REUSED,
            Self::Busy => SUBMIT_BUSY,
            Self::NotServed(_) => MARKET_UNKNOWN,
            Self::Storage(error) => error.code(),
        }
    }
}

impl RequestRefundError {
    /// The field of the request that is wrong, if one is.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::NoLine(_) | Self::TooMany { .. } => Some("lines"),
            Self::TooMuch(_) => Some("amount"),
            Self::KeyReused => Some("Idempotency-Key"),
            _ => None,
        }
    }
}

/// Takes refunds.
#[derive(Clone)]
pub struct RequestRefund<O, R, E, T, I> {
    /// Reads orders.
    pub orders: O,
    /// Writes refunds.
    pub refunds: R,
    /// Starts their workflow.
    pub executions: E,
    /// The markets in force: they name the workflow.
    pub markets: Arc<dyn MarketSource>,
    /// The workflows of refunds.
    pub orchestrator: Orchestrator,
    /// Tells the time.
    pub clock: T,
    /// Makes ids.
    pub ids: I,
}

/// Who asks for a refund.
#[derive(Debug, Clone, Copy)]
pub struct RefundRequester<'a> {
    /// The operator.
    pub operator: &'a str,
    /// Follows the refund through every log.
    pub correlation_id: &'a str,
}

impl<O: Orders, R: RefundRequests, E: Executions, T: Clock, I: Ids> RequestRefund<O, R, E, T, I> {
    /// Takes the refund of `body`, or answers what the same request was answered before.
    pub async fn request(
        &self,
        order_id: &str,
        body: &RefundBody,
        key: &IdempotencyKey,
        requester: RefundRequester<'_>,
    ) -> Result<RefundAnswer, RequestRefundError> {
        let wanted = body.parsed()?;
        let id = self.ids.new_id("ref");
        for _ in 0..ATTEMPTS {
            let order = self.orders.order(order_id).await?.ok_or_else(|| RequestRefundError::Unknown(order_id.to_owned()))?;
            let markets = self.markets.markets().await;
            let submission = match self.submission(&id, (&order, &markets), (body, &wanted), key, requester) {
                Ok(submission) => submission,
                // A repeated request fails where its first one has used things up, such as what is left. Only then is it
                // worth a read to see whether it was a repetition.
                Err(error) => {
                    return match self.refunds.completed(&key.record_id).await {
                        Ok(Some(completed)) => completed.answer_to(key)?.ok_or(RequestRefundError::KeyReused),
                        Ok(None) | Err(_) => Err(error),
                    };
                }
            };
            match self.refunds.request(&submission).await {
                Ok(()) => {
                    // From here on the refund exists. If it is not started, the sweeper finds it.
                    let RefundSubmission { refund, .. } = submission;
                    if let Err(error) = start_run(&self.orchestrator, &self.executions, &refund, refund.run).await {
                        tracing::warn!(order.id = %order_id, refund.id = %refund.id, %error, "the refund was not started; the sweeper does it");
                    }
                    return Ok(answer(&refund));
                }
                Err(RefundRefused::Repeated(completed)) => {
                    return completed.answer_to(key)?.ok_or(RequestRefundError::KeyReused);
                }
                Err(RefundRefused::Changed) => {}
                Err(RefundRefused::Storage(error)) => return Err(error.into()),
            }
        }
        Err(RequestRefundError::Busy)
    }

    /// What is written for the order as it stands.
    fn submission(
        &self,
        id: &str,
        (order, markets): (&Order, &Markets),
        (body, wanted): (&RefundBody, &RefundRequest),
        key: &IdempotencyKey,
        requester: RefundRequester<'_>,
    ) -> Result<RefundSubmission, RequestRefundError> {
        if order.status != OrderStatus::Placed {
            return Err(RequestRefundError::NotPlaced(order.status));
        }
        if let Some(open) = &order.open_refund {
            return Err(RequestRefundError::InProgress(open.clone()));
        }
        let given = given_back(order, wanted)?;
        let corrupt = |detail: &str| StorageError::Corrupt(format!("order {}: {detail}", order.id));
        let intent = authorized_intent(order).ok_or_else(|| corrupt("it is placed, and its ledger knows no payment"))?;
        let not_sold = || NotServed::NotSold { market: order.country, market_type: order.market_type };
        let workflow = self.orchestrator.newest(&markets.require(order.country)?.checkout.refunds).ok_or_else(not_sold)?;
        let now = self.clock.now();
        let refund = OrderRefund {
            id: id.to_owned(),
            order_id: order.id.clone(),
            country: order.country,
            market_type: order.market_type,
            workflow: workflow.name.clone(),
            intent: intent.to_owned(),
            amount: given.amount,
            parts: given.parts,
            before: order.refunded.clone(),
            reason: body.reason.trim().to_owned(),
            requested_by: requester.operator.to_owned(),
            status: RefundStatus::Submitted,
            direction: Direction::Forward,
            run: 1,
            steps: StatusMap::pending(workflow.steps().map(|step| step.step.as_str())),
            failure: None,
            flags: BTreeSet::new(),
            ledger: Vec::new(),
            correlation_id: requester.correlation_id.to_owned(),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        Ok(RefundSubmission {
            refunded: given.refunded,
            order_version: order.version,
            key: key.clone(),
            answer: serde_json::to_string(&answer(&refund)).map_err(|error| StorageError::Corrupt(error.to_string()))?,
            remember_until: now / 1_000 + REMEMBER_SECONDS,
            stuck_at: now + STUCK_AFTER_MS,
            refund,
        })
    }
}

/// What `wanted` gives back of the order; never nothing, and never more than the consumer has paid by the ledger.
fn given_back(order: &Order, wanted: &RefundRequest) -> Result<carryout_pricing::PricedRefund, RequestRefundError> {
    let corrupt = |error: &dyn std::fmt::Display| StorageError::Corrupt(format!("order {}: {error}", order.id));
    let given = refund(&order.quote.terms.price, &order.refunded, wanted).map_err(|error| match error {
        RefundError::NoLine(line) => RequestRefundError::NoLine(line),
        RefundError::TooMany { line, left } => RequestRefundError::TooMany { line, left },
        RefundError::TooMuch { left } => RequestRefundError::TooMuch(Money { minor: left, ..order.total() }),
        RefundError::Nothing => RequestRefundError::Nothing,
        RefundError::NoFee(_) | RefundError::Damaged => corrupt(&error).into(),
    })?;
    if given.amount.minor == 0 {
        return Err(RequestRefundError::Nothing);
    }
    // The consumer's bank may have taken something back, or a person at the processor.
    let paid = ledger::fold(&order.ledger).map_err(|error| corrupt(&error))?.charged.amount.max(0);
    if given.amount.minor > paid {
        return Err(RequestRefundError::TooMuch(Money { minor: paid, ..order.total() }));
    }
    Ok(given)
}

fn answer(refund: &OrderRefund) -> RefundAnswer {
    RefundAnswer {
        refund_id: refund.id.clone(),
        order_id: refund.order_id.clone(),
        amount: refund.amount,
        status: RefundStatus::Submitted,
    }
}
