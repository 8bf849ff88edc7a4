//! Prices a cart and locks the price.

use carryout_checkout::{
    legacy,
    parity::{Engine, LegacyPrices, PriceSample, Rollout, Rollouts, SampleQueue, legacy_price},
    ports::{Catalog, Clock, Consumers, Ids, Quotes, Secrets},
    quoting::{Cart, Draft, QuoteError, Quoting},
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    metrics::Metrics,
    signature::KeyRing,
    token::{JwksSource, TokenVerifier},
};
use carryout_pricing::{Price, QuoteTerms};
use carryout_workflow::{Coded, StoreError};
use std::time::Duration;

/// How long sending a sample may take. The answer waits for it, since nothing runs after it.
const SAMPLE_PATIENCE: Duration = Duration::from_millis(150);

/// The function with what it needs.
pub struct QuotePrice<C, U, Q, R, L, M, K, J, T, I> {
    /// Stores.
    pub catalog: C,
    /// Consumers.
    pub consumers: U,
    /// Where quotes are kept.
    pub quotes: Q,
    /// Knows whose price is shown, and which quotes are compared.
    pub rollouts: R,
    /// The legacy system's prices, where there is such a system.
    pub legacy: Option<L>,
    /// Takes quotes that are compared; with the legacy system.
    pub samples: Option<M>,
    /// What quotes are signed with.
    pub secret: K,
    /// Checks tokens.
    pub tokens: TokenVerifier<J>,
    /// Tells the time.
    pub clock: T,
    /// Makes ids.
    pub ids: I,
    /// How long a quote holds. Milliseconds.
    pub lock_for: i64,
    /// Counts what was not as it should be.
    pub metrics: Metrics,
}

impl<C, U, Q, R, L, M, K, J, T, I> QuotePrice<C, U, Q, R, L, M, K, J, T, I>
where
    C: Catalog + Clone,
    U: Consumers + Clone,
    Q: Quotes + Clone,
    R: Rollouts,
    L: LegacyPrices,
    M: SampleQueue,
    K: Secrets,
    J: JwksSource,
    T: Clock + Clone,
    I: Ids + Clone,
{
    /// `POST /v1/quotes`.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        let cart: Cart = request.json()?;
        let (secret, rollout) = futures::join!(self.secret.secret(), self.rollout());
        let secret = secret.map_err(|error| Problem::internal(&error))?;
        let quoting = Quoting {
            catalog: self.catalog.clone(),
            consumers: self.consumers.clone(),
            quotes: self.quotes.clone(),
            seal: KeyRing::new(&secret.current, secret.previous.as_deref()),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            lock_for: self.lock_for,
        };
        let draft = quoting.draft(&identity.subject, &cart).await.map_err(|error| problem(&error))?;
        let terms = QuoteTerms { price: self.shown(&rollout, &draft).await, ..draft.terms.clone() };
        let quote = quoting.lock(terms).await.map_err(|error| problem(&error))?;
        let response = Response::json(201, &quote);
        self.sample(&rollout, &draft, &request.correlation_id).await;
        Ok(response)
    }

    /// The rollout; where it can't be read, everybody is shown our price and nothing is compared.
    async fn rollout(&self) -> Rollout {
        if self.legacy.is_none() {
            return Rollout::default();
        }
        self.rollouts.rollout().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the rollout can't be read; our price is shown");
            self.metrics.count("RolloutUnread", 1);
            Rollout::default()
        })
    }

    /// The price that this consumer is shown.
    async fn shown(&self, rollout: &Rollout, draft: &Draft) -> Price {
        let ours = &draft.terms.price;
        match (&self.legacy, rollout.engine(draft.market, &draft.terms.consumer_id, draft.employee)) {
            (Some(prices), Engine::Legacy) => {
                let (price, error) = legacy_price(prices, draft).await;
                self.metrics.count("LegacyPricesShown", u64::from(error.is_none()));
                if let Some(error) = error {
                    tracing::warn!(code = legacy::code(&error), %error, "the legacy system has no price; ours is shown");
                    self.metrics.count("LegacyPricesMissing", 1);
                }
                price
            }
            (None, _) | (_, Engine::Ours) => ours.clone(),
        }
    }

    /// Sends the quote to its comparison, if it is in the sample. Whatever becomes of that, the quote is answered.
    async fn sample(&self, rollout: &Rollout, draft: &Draft, correlation_id: &str) {
        let Some(samples) = self.samples.as_ref().filter(|_| rollout.compares(&draft.terms.id)) else { return };
        let sample = PriceSample::of(draft, self.clock.now(), correlation_id);
        let sent = tokio::time::timeout(SAMPLE_PATIENCE, samples.send(&sample)).await;
        if let Err(error) = sent.unwrap_or_else(|_| Err(StoreError::Unavailable("the queue took too long".to_owned()))) {
            tracing::warn!(%error, quote.id = draft.terms.id, "the quote is not compared");
            self.metrics.count("SamplesLost", 1);
        }
    }
}

/// How a quote's error is answered.
pub fn problem(error: &QuoteError) -> Problem {
    let status = match error {
        QuoteError::Invalid { .. } => 400,
        QuoteError::NoConsumer => 403,
        QuoteError::NoStore(_) | QuoteError::NoItem { .. } => 404,
        QuoteError::Store(_) => 503,
    };
    let mut problem = Problem::from_code(status, error.code(), error.to_string());
    if let Some(field) = error.field() {
        problem = problem.field(field);
    }
    if let QuoteError::Store(cause) = error {
        problem = Problem::from_code(status, error.code(), "the cart can't be priced right now").retry_after(1).caused_by(cause);
    }
    problem
}
