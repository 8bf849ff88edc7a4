//! Prices a cart and locks the price; prices an order again; tells operators what a price depended on, and computes it again.

use carryout_checkout::{
    audit::QuoteRecord,
    ports::{Catalog, Clock, Consumers, Ids, Orders, Promotions, QuoteRecords, Quotes, Secrets},
    quoting::{Cart, PriceEngine, QuoteError, Quoting},
    reprice::{Reprice, RepriceBody, RepriceError, Requester, STORE_ROLE},
    submit::QUOTE_UNKNOWN,
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    metrics::Metrics,
    signature::KeyRing,
    token::{JwksSource, TokenVerifier},
};
use carryout_workflow::Coded;
use serde_json::json;
use std::sync::Arc;

/// The function with what it needs.
pub struct QuotePrice<C, U, P, Q, R, O, K, J, T, I> {
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
    /// Counts wrong prices.
    pub metrics: Metrics,
}

impl<C, U, P, Q, R, O, K, J, T, I> QuotePrice<C, U, P, Q, R, O, K, J, T, I>
where
    C: Catalog + Clone,
    U: Consumers + Clone,
    P: Promotions + Clone,
    Q: Quotes + Clone,
    R: QuoteRecords,
    O: Orders,
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
        let secret = self.secret.secret().await.map_err(|error| Problem::internal(&error))?;
        let quoting = Quoting {
            catalog: self.catalog.clone(),
            consumers: self.consumers.clone(),
            promotions: self.promotions.clone(),
            quotes: self.quotes.clone(),
            engine: Arc::clone(&self.engine),
            seal: KeyRing::new(&secret.current, secret.previous.as_deref()),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            lock_for: self.lock_for,
        };
        let quoted = quoting.quote(&identity.subject, &cart).await;
        if matches!(quoted, Err(QuoteError::WrongPrice(_))) {
            self.metrics.count("WrongPrices", 1);
        }
        Ok(Response::json(201, &quoted.map_err(|error| problem(&error))?))
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
            seal: &KeyRing::new(&secret.current, secret.previous.as_deref()),
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
        RepriceError::Store(cause) => {
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
        QuoteError::WrongPrice(_) => 500,
        QuoteError::Store(_) => 503,
    };
    let mut problem = Problem::from_code(status, error.code(), error.to_string());
    if let Some(field) = error.field() {
        problem = problem.field(field);
    }
    if let QuoteError::WrongPrice(id) = error {
        problem = problem.with("quote_id", json!(id));
    }
    if let QuoteError::Store(cause) = error {
        problem = Problem::from_code(status, error.code(), "the cart can't be priced right now").retry_after(1).caused_by(cause);
    }
    problem
}
