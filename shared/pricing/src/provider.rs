//! Providers fetch what a price depends on: item prices, fees, promotions, credits, tax rates. They are independent and
//! asked concurrently. How much a quote depends on a provider is declared ([`Criticality`]), not coded.

use crate::{
    context::{Context, ContextLine, Credit, Fee, Taxes},
    flag::{Fallback, Flag},
    promotion::Promotion,
};
use carryout_environment::Timer;
use carryout_money::Currency;
use futures::{
    future::{BoxFuture, Either, select, try_join_all},
    pin_mut,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fetches one thing that a price depends on, for a request of type `R`.
pub trait Provider<R>: Send + Sync {
    /// Fetches it once. The future is dropped on timeout.
    fn provide<'a>(&'a self, request: &'a R) -> BoxFuture<'a, Result<Contribution, ProviderError>>;
}

/// A provider's answer: the part of a context that it contributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contribution {
    /// The cart's lines with their current prices in the market's currency.
    Lines(Currency, Vec<ContextLine>),
    /// Fees, after those of the providers before it.
    Fees(Vec<Fee>),
    /// Promotions, in addition to those of other providers.
    Promotions(Vec<Promotion>),
    /// Credits, after those of the providers before it.
    Credits(Vec<Credit>),
    /// The taxes, replacing any others.
    Taxes(Taxes),
    /// A member of the attributes that promotions' conditions are evaluated on.
    Attribute(String, Value),
}

/// Why a provider did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It was unreachable, or failed. Retry.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// It refuses this request. Retrying does not help.
    #[error("refused: {0}")]
    Refused(String),
}

/// How much a quote depends on a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criticality {
    /// The provider's stable name, also in flags.
    pub provider: &'static str,
    /// The time limit for all attempts together. Milliseconds.
    pub timeout: u32,
    /// The most attempts; at least one. Retried without delay, and only after [`ProviderError::Unavailable`].
    pub attempts: u32,
    /// The behaviour when it does not answer.
    pub on_failure: OnFailure,
}

/// The behaviour when a provider does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The quote fails.
    Fail,
    /// Its last known answer is used; without one, the quote fails.
    LastKnown,
    /// A declared default is used.
    Default,
}

/// Item prices. A quote can't do without them, and an old price is a promise that the store did not make.
pub const ITEMS: &Criticality = &Criticality { provider: "items", timeout: 2_000, attempts: 2, on_failure: OnFailure::Fail };
/// Tax rates. Yesterday's rates are nearly always right; charging no tax never is.
pub const TAXES: &Criticality = &Criticality { provider: "taxes", timeout: 2_000, attempts: 2, on_failure: OnFailure::LastKnown };
/// Fees.
pub const FEES: &Criticality = &Criticality { provider: "fees", timeout: 2_000, attempts: 2, on_failure: OnFailure::LastKnown };
/// Promotions. A quote without a promotion or a credit is higher than necessary, and honest.
pub const PROMOTIONS: &Criticality =
    &Criticality { provider: "promotions", timeout: 400, attempts: 1, on_failure: OnFailure::Default };
/// Credits.
pub const CREDITS: &Criticality = &Criticality { provider: "credits", timeout: 400, attempts: 1, on_failure: OnFailure::Default };
/// The consumer's attributes, for the conditions of promotions.
pub const CONSUMER: &Criticality =
    &Criticality { provider: "consumer", timeout: 400, attempts: 1, on_failure: OnFailure::Default };

/// The criticality of every provider.
pub const CRITICALITY: &[Criticality] = &[*ITEMS, *TAXES, *FEES, *PROMOTIONS, *CREDITS, *CONSUMER];

/// Remembers the last answers of providers.
pub trait LastKnown<R>: Send + Sync {
    /// The provider's last answer to a request like this one, if known and not too old.
    fn last_known<'a>(&'a self, provider: &'static str, request: &'a R) -> BoxFuture<'a, Option<Contribution>>;

    /// Remembers an answer. MUST NOT delay or fail the quote: an answer that can't be stored is dropped.
    fn keep<'a>(&'a self, provider: &'static str, request: &'a R, answer: &'a Contribution) -> BoxFuture<'a, ()>;
}

/// Why no context could be assembled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider} did not answer and has no fallback: {reason}")]
pub struct ContextError {
    /// The provider.
    pub provider: &'static str,
    /// Why it did not answer.
    pub reason: String,
}

/// The providers of a kind of request, in the order in which their answers are added to a context.
pub struct Providers<R> {
    registered: Vec<Registered<R>>,
}

struct Registered<R> {
    criticality: &'static Criticality,
    provider: Box<dyn Provider<R>>,
    default: Option<Contribution>,
}

impl<R> Default for Providers<R> {
    fn default() -> Self {
        Self { registered: Vec::new() }
    }
}

impl<R: Sync> Providers<R> {
    /// Registers a provider, with its default for [`OnFailure::Default`]. Without a default, its part of the context stays
    /// unchanged.
    #[must_use]
    pub fn with(
        mut self,
        criticality: &'static Criticality,
        provider: impl Provider<R> + 'static,
        default: Option<Contribution>,
    ) -> Self {
        self.registered.push(Registered { criticality, provider: Box::new(provider), default });
        self
    }

    /// Asks every provider concurrently, and adds their answers to an empty context.
    ///
    /// It takes as long as the slowest provider, bounded by that provider's timeout.
    ///
    /// # Errors
    ///
    /// [`ContextError`] as soon as a provider without a fallback fails, and where no provider contributes lines.
    pub async fn context(&self, request: &R, timer: &dyn Timer, last_known: &dyn LastKnown<R>) -> Result<Context, ContextError> {
        let answers = self.registered.iter().map(|registered| registered.answer(request, timer, last_known));
        let answers = try_join_all(answers).await?;
        let currency = answers.iter().find_map(|(contribution, _)| match contribution {
            Some(Contribution::Lines(currency, _)) => Some(*currency),
            _ => None,
        });
        let nothing = || ContextError { provider: ITEMS.provider, reason: "no provider contributes lines".to_owned() };
        let mut context = Context::new(currency.ok_or_else(nothing)?, Vec::new());
        for (contribution, flag) in answers {
            if let Some(contribution) = contribution {
                contribution.add_to(&mut context);
            }
            context.flags.extend(flag);
        }
        Ok(context)
    }
}

impl<R: Sync> Registered<R> {
    async fn answer(
        &self,
        request: &R,
        timer: &dyn Timer,
        last_known: &dyn LastKnown<R>,
    ) -> Result<(Option<Contribution>, Option<Flag>), ContextError> {
        let Criticality { provider, timeout, on_failure, .. } = *self.criticality;
        let (asked, late) = (self.ask(request), timer.sleep(timeout));
        pin_mut!(asked);
        let reason = match select(asked, late).await {
            Either::Left((Ok(contribution), _)) => {
                if on_failure == OnFailure::LastKnown {
                    last_known.keep(provider, request, &contribution).await;
                }
                return Ok((Some(contribution), None));
            }
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(_) => format!("no answer within {timeout} ms"),
        };
        let flag = |used| Some(Flag { provider: provider.to_owned(), used, reason: reason.clone() });
        match on_failure {
            OnFailure::Fail => Err(ContextError { provider, reason }),
            OnFailure::LastKnown => match last_known.last_known(provider, request).await {
                Some(contribution) => Ok((Some(contribution), flag(Fallback::LastKnown))),
                None => Err(ContextError { provider, reason }),
            },
            OnFailure::Default => Ok((self.default.clone(), flag(Fallback::Default))),
        }
    }

    async fn ask(&self, request: &R) -> Result<Contribution, ProviderError> {
        let mut attempts = 1;
        loop {
            match self.provider.provide(request).await {
                Err(ProviderError::Unavailable(_)) if attempts < self.criticality.attempts => attempts += 1,
                answer => return answer,
            }
        }
    }
}

impl Contribution {
    fn add_to(self, context: &mut Context) {
        match self {
            Self::Lines(_, lines) => context.lines.extend(lines),
            Self::Fees(fees) => context.fees.extend(fees),
            Self::Promotions(promotions) => context.promotions.extend(promotions),
            Self::Credits(credits) => context.credits.extend(credits),
            Self::Taxes(taxes) => context.taxes = taxes,
            Self::Attribute(name, value) => {
                if !context.attributes.is_object() {
                    context.attributes = Value::Object(serde_json::Map::new());
                }
                context.attributes[name] = value;
            }
        }
    }
}
