//! Prices a cart and locks the price.

use carryout_checkout::{
    ports::{Catalog, Clock, Consumers, Ids, Quotes, Secrets},
    quoting::{Cart, QuoteError, Quoting},
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::KeyRing,
    token::{JwksSource, TokenVerifier},
};
use carryout_workflow::Coded;

/// The function with what it needs.
pub struct QuotePrice<C, U, Q, K, J, T, I> {
    /// Stores.
    pub catalog: C,
    /// Consumers.
    pub consumers: U,
    /// Where quotes are kept.
    pub quotes: Q,
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
}

impl<C, U, Q, K, J, T, I> QuotePrice<C, U, Q, K, J, T, I>
where
    C: Catalog + Clone,
    U: Consumers + Clone,
    Q: Quotes + Clone,
    K: Secrets,
    J: JwksSource,
    T: Clock + Clone,
    I: Ids + Clone,
{
    /// `POST /v1/quotes`.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        let cart: Cart = request.json()?;
        let secret = self.secret.secret().await.map_err(|error| Problem::internal(&error))?;
        let quoting = Quoting {
            catalog: self.catalog.clone(),
            consumers: self.consumers.clone(),
            quotes: self.quotes.clone(),
            seal: KeyRing::new(&secret.current, secret.previous.as_deref()),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            lock_for: self.lock_for,
        };
        let quote = quoting.quote(&identity.subject, &cart).await.map_err(|error| problem(&error))?;
        Ok(Response::json(201, &quote))
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
