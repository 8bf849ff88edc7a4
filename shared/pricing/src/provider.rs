//! Providers find what a price depends on: item prices, fees, promotions, credits, tax rates. They don't depend on each
//! other, and are asked at the same time. How much a quote depends on one is declared ([`Criticality`]), not coded.

use crate::{Context, ContextLine, Credit, Fee, Promotion, Taxes};
use carryout_environment::Timer;
use carryout_money::Currency;
use futures::{
    future::{BoxFuture, Either, select, try_join_all},
    pin_mut,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Finds one thing that a price depends on, for a request of type `R`.
pub trait Provider<R>: Send + Sync {
    /// Asks for it once. Is dropped where it takes longer than it may.
    fn provide<'a>(&'a self, request: &'a R) -> BoxFuture<'a, Result<Contribution, ProviderError>>;
}

/// What a provider adds to a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contribution {
    /// What is bought, with the prices that hold in the market's currency.
    Lines(Currency, Vec<ContextLine>),
    /// Fees, after those of the providers before it.
    Fees(Vec<Fee>),
    /// Promotions, besides those of other providers.
    Promotions(Vec<Promotion>),
    /// Credits, after those of the providers before it.
    Credits(Vec<Credit>),
    /// The taxes, in place of others.
    Taxes(Taxes),
    /// A member of the attributes that promotions' conditions are asked about.
    Attribute(String, Value),
}

/// Why a provider has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It could not be asked, or failed. Ask again.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// It refuses this request. Asking again does not help.
    #[error("refused: {0}")]
    Refused(String),
}

/// How much a quote depends on a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criticality {
    /// The provider's stable name, which flags use.
    pub provider: &'static str,
    /// How long it may take, all attempts together. Milliseconds.
    pub timeout: u32,
    /// How often it is asked, at most; at least once. Again at once, and only after [`ProviderError::Unavailable`].
    pub attempts: u32,
    /// What happens when it has no answer.
    pub on_failure: OnFailure,
}

/// What happens when a provider has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// There is no quote.
    Fail,
    /// Its last known answer stands in; where there is none, there is no quote.
    LastKnown,
    /// A declared answer stands in.
    Default,
}

/// What is bought. Without prices there is nothing to sell, and an old price is a promise that the store did not make.
pub const ITEMS: &Criticality = &Criticality { provider: "items", timeout: 2_000, attempts: 2, on_failure: OnFailure::Fail };
/// Tax rates. Nobody may be charged a tax that is not due: the rates of yesterday are right nearly always, and no rates
/// never.
pub const TAXES: &Criticality = &Criticality { provider: "taxes", timeout: 2_000, attempts: 2, on_failure: OnFailure::LastKnown };
/// Fees.
pub const FEES: &Criticality = &Criticality { provider: "fees", timeout: 2_000, attempts: 2, on_failure: OnFailure::LastKnown };
/// Promotions. A quote without a promotion or a credit is dearer than it might be, and honest.
pub const PROMOTIONS: &Criticality =
    &Criticality { provider: "promotions", timeout: 400, attempts: 1, on_failure: OnFailure::Default };
/// Credits.
pub const CREDITS: &Criticality = &Criticality { provider: "credits", timeout: 400, attempts: 1, on_failure: OnFailure::Default };
/// What promotions ask about the consumer.
pub const CONSUMER: &Criticality =
    &Criticality { provider: "consumer", timeout: 400, attempts: 1, on_failure: OnFailure::Default };

/// How much a quote depends on each provider.
pub const CRITICALITY: &[Criticality] = &[*ITEMS, *TAXES, *FEES, *PROMOTIONS, *CREDITS, *CONSUMER];

/// Something that a price was computed without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The provider that had no answer.
    pub provider: String,
    /// What stood in for it.
    pub used: Fallback,
    /// Why it had none.
    pub reason: String,
}

/// What stands in for a provider's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Its last known answer.
    LastKnown,
    /// The declared answer.
    Default,
}

/// Keeps what providers answered last.
pub trait LastKnown<R>: Send + Sync {
    /// What this provider answered last to a request like this one, if that is known and not too old.
    fn last_known<'a>(&'a self, provider: &'static str, request: &'a R) -> BoxFuture<'a, Option<Contribution>>;

    /// Keeps an answer. MUST NOT delay or fail the quote: what can't be kept is not.
    fn keep<'a>(&'a self, provider: &'static str, request: &'a R, answer: &'a Contribution) -> BoxFuture<'a, ()>;
}

/// Why there is no context.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider} has no answer, and nothing stands in for it: {reason}")]
pub struct NoContext {
    /// The provider.
    pub provider: &'static str,
    /// Why it has none.
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
    /// Registers a provider, with what stands in for it where the table says [`OnFailure::Default`]; without one, its part
    /// of the context stays as it is.
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

    /// Asks every provider at the same time, and adds their answers to an empty context.
    ///
    /// It takes as long as the slowest provider, and none longer than its timeout.
    ///
    /// # Errors
    ///
    /// [`NoContext`] as soon as a provider fails that nothing stands in for, and where none says what is bought.
    pub async fn context(&self, request: &R, timer: &dyn Timer, last_known: &dyn LastKnown<R>) -> Result<Context, NoContext> {
        let answers = self.registered.iter().map(|registered| registered.answer(request, timer, last_known));
        let answers = try_join_all(answers).await?;
        let currency = answers.iter().find_map(|(contribution, _)| match contribution {
            Some(Contribution::Lines(currency, _)) => Some(*currency),
            _ => None,
        });
        let nothing = || NoContext { provider: ITEMS.provider, reason: "no provider says what is bought".to_owned() };
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
    ) -> Result<(Option<Contribution>, Option<Flag>), NoContext> {
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
            OnFailure::Fail => Err(NoContext { provider, reason }),
            OnFailure::LastKnown => match last_known.last_known(provider, request).await {
                Some(contribution) => Ok((Some(contribution), flag(Fallback::LastKnown))),
                None => Err(NoContext { provider, reason }),
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
