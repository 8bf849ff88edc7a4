//! Prices a cart and locks the price; prices an order again; tells operators what a price depended on, and computes it again.

use carryout_checkout::{
    audit::QuoteRecord,
    cart::{Cart, QuoteError},
    codes::QUOTE_UNKNOWN,
    ports::{Catalog, Consumers, Orders, Promotions, QuoteRecords, Quotes},
    quoting::{Draft, PriceEngine, Quoting},
    reprice::{Reprice, RepriceBody, RepriceError, Requester, STORE_ROLE},
};
use carryout_environment::{Clock, HasErrorCode, Ids, Secrets, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    metrics::Metrics,
    signature::KeyRing,
    token::{JwksSource, TokenVerifier},
};
use carryout_migration::{
    mirror,
    parity::{Engine, LegacyPrices, PriceSample, Rollout, Rollouts, SampleQueue, show_legacy_price},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// How long sending a sample may take. The answer waits for it, since nothing runs after it.
const SAMPLE_PATIENCE: Duration = Duration::from_millis(150);

/// The function with what it needs.
pub struct QuotePrice<C, U, P, Q, R, O, V, L, M, K, J, T, I> {
    /// Stores.
    pub catalog: C,
    /// Consumers.
    pub consumers: U,
    /// What is taken off in each market.
    pub promotions: P,
    /// Where quotes are kept.
    pub quotes: Q,
    /// What their prices depended on.
    pub records: R,
    /// Reads orders.
    pub orders: O,
    /// Computes prices.
    pub engine: Arc<PriceEngine>,
    /// Knows whose price is shown, and which quotes are compared.
    pub rollouts: V,
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

impl<C, U, P, Q, R, O, V, L, M, K, J, T, I> QuotePrice<C, U, P, Q, R, O, V, L, M, K, J, T, I>
where
    C: Catalog + Clone,
    U: Consumers + Clone,
    P: Promotions + Clone,
    Q: Quotes + Clone,
    R: QuoteRecords,
    O: Orders,
    V: Rollouts,
    L: LegacyPrices,
    M: SampleQueue,
    K: Secrets,
    J: JwksSource,
    T: Clock + Clone,
    I: Ids + Clone,
{
    /// `POST /v1/quotes`; `POST /v1/orders/{id}/quotes` for operators and stores; and for operators `GET /v1/ops/quotes/{id}` and `POST /v1/ops/quotes/{id}/replay`.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        match request.route.as_str() {
            "/v1/ops/quotes/{id}" => Ok(Response::json(200, &self.record(request).await?)),
            "/v1/ops/quotes/{id}/replay" => {
                let replay = self.record(request).await?.replay(self.engine.pipeline());
                tracing::info!(quote.id = %replay.id, identical = replay.identical, "quote replayed");
                Ok(Response::json(200, &replay))
            }
            "/v1/orders/{id}/quotes" => self.reprice(request).await,
            _ => self.quote(request).await,
        }
    }

    async fn quote(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        let cart: Cart = request.json()?;
        let (secret, rollout) = futures::join!(self.secret.secret(), self.rollout());
        let secret = secret.map_err(|error| Problem::internal(&error))?;
        let quoting = Quoting {
            catalog: self.catalog.clone(),
            consumers: self.consumers.clone(),
            promotions: self.promotions.clone(),
            quotes: self.quotes.clone(),
            engine: Arc::clone(&self.engine),
            signer: KeyRing::new(&secret.current, secret.previous.as_deref()),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            lock_for: self.lock_for,
        };
        let drafted = quoting.draft(&identity.subject, &cart).await;
        if matches!(drafted, Err(QuoteError::WrongPrice(_))) {
            self.metrics.count("WrongPrices", 1);
        }
        let mut draft = drafted.map_err(|error| problem(&error))?;
        self.show(&rollout, &mut draft).await;
        let quote = quoting.lock(&draft).await.map_err(|error| problem(&error))?;
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

    /// Shows the legacy system's price, if this consumer is to see it.
    async fn show(&self, rollout: &Rollout, draft: &mut Draft) {
        let Some(prices) = &self.legacy else { return };
        if rollout.engine(draft.market, &draft.terms.consumer_id, draft.employee) == Engine::Ours {
            return;
        }
        let error = show_legacy_price(prices, draft).await;
        self.metrics.count("LegacyPricesShown", u64::from(error.is_none()));
        if let Some(error) = error {
            tracing::warn!(code = mirror::code(&error), %error, "the legacy system has no price; ours is shown");
            self.metrics.count("LegacyPricesMissing", 1);
        }
    }

    /// Sends the quote to its comparison, if it is in the sample. Whatever becomes of that, the quote is answered.
    async fn sample(&self, rollout: &Rollout, draft: &Draft, correlation_id: &str) {
        let Some(samples) = self.samples.as_ref().filter(|_| rollout.compares(&draft.terms.id)) else { return };
        let sample = PriceSample::of(draft, self.clock.now(), correlation_id);
        let sent = tokio::time::timeout(SAMPLE_PATIENCE, samples.send(&sample)).await;
        if let Err(error) = sent.unwrap_or_else(|_| Err(StorageError::Unavailable("the queue took too long".to_owned()))) {
            tracing::warn!(%error, quote.id = draft.terms.id, "the quote is not compared");
            self.metrics.count("SamplesLost", 1);
        }
    }

    async fn reprice(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        let requester = if identity.roles.iter().any(|role| role.starts_with(STORE_ROLE)) && !identity.has_role("operator") {
            Requester::Roles(&identity.roles)
        } else {
            identity.require_role("operator")?;
            Requester::Operator
        };
        let id = request.path_param("id")?;
        let body: RepriceBody = request.json()?;
        let secret = self.secret.secret().await.map_err(|error| Problem::internal(&error))?;
        let reprice = Reprice {
            orders: &self.orders,
            catalog: &self.catalog,
            records: &self.records,
            quotes: &self.quotes,
            engine: &self.engine,
            signer: &KeyRing::new(&secret.current, secret.previous.as_deref()),
            clock: &self.clock,
            ids: &self.ids,
            lock_for: self.lock_for,
        };
        let repriced = reprice.reprice(id, &body, requester).await.map_err(|error| reprice_problem(&error))?;
        tracing::info!(order.id = %repriced.order_id, quote.id = %repriced.quote.terms.id, "order priced again");
        Ok(Response::json(201, &repriced))
    }

    /// The record that an operator asks for.
    async fn record(&self, request: &Request) -> Result<QuoteRecord, Problem> {
        self.tokens.verify(request).await?.require_role("operator")?;
        let id = request.path_param("id")?;
        match self.records.record(id).await {
            Ok(Some(record)) => Ok(record),
            Ok(None) => Err(Problem::from_code(404, QUOTE_UNKNOWN, format!("there is no quote {id} with a record"))),
            Err(error) => {
                let problem = Problem::from_code(503, error.code(), "the quote can't be read right now");
                Err(problem.retry_after(1).caused_by(&error))
            }
        }
    }
}

/// How an order that can't be priced again is answered.
fn reprice_problem(error: &RepriceError) -> Problem {
    let status = match error {
        RepriceError::Invalid { .. } => 400,
        RepriceError::Unknown(_) | RepriceError::NoItem { .. } => 404,
        RepriceError::Ended(_) => 409,
        RepriceError::WrongPrice(_) => 500,
        RepriceError::Storage(cause) => {
            let problem = Problem::from_code(503, error.code(), "the order can't be priced right now");
            return problem.retry_after(1).caused_by(cause);
        }
    };
    let problem = Problem::from_code(status, error.code(), error.to_string());
    match error.field() {
        Some(field) => problem.field(field),
        None => problem,
    }
}

/// How a quote's error is answered.
pub fn problem(error: &QuoteError) -> Problem {
    let status = match error {
        QuoteError::Invalid { .. } => 400,
        QuoteError::NoConsumer => 403,
        QuoteError::NoStore(_) | QuoteError::NoItem { .. } => 404,
        QuoteError::NotServed(_) => 409,
        QuoteError::WrongPrice(_) => 500,
        QuoteError::Storage(_) => 503,
    };
    let mut problem = Problem::from_code(status, error.code(), error.to_string());
    if let Some(field) = error.field() {
        problem = problem.field(field);
    }
    if let QuoteError::WrongPrice(id) = error {
        problem = problem.with("quote_id", json!(id));
    }
    if let QuoteError::Storage(cause) = error {
        problem = Problem::from_code(status, error.code(), "the cart can't be priced right now").retry_after(1).caused_by(cause);
    }
    problem
}
