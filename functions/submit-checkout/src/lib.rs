//! Takes an order: loads, validates, writes once, answers with where to look.

use carryout_checkout::{
    codes::QUOTE_CHANGED,
    ports::{Catalog, Consumers, IdempotencyKey, Logistics, OrderQueue, Promotions, Quotes, Submissions},
    quoting::{PriceEngine, Quoting},
    routing::{Routing, RoutingRules},
    submit::{CheckoutRequest, Submit, SubmitError},
};
use carryout_environment::{Clock, HasErrorCode, Ids, Secrets};
use carryout_lambda::{
    http::{Problem, Request, Response},
    idempotency::{idempotency_key, record_id, validation_hash},
    metrics::{Metric, Metrics},
    signature::KeyRing,
    token::{JwksSource, TokenVerifier},
};
use carryout_pricing::Quote;
use carryout_workflow::Orchestrator;
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};

/// The function with what it needs.
pub struct SubmitCheckout<C, U, P, Q, W, L, M, R, K, J, T, I> {
    /// Stores.
    pub catalog: C,
    /// Consumers.
    pub consumers: U,
    /// What is taken off in each market.
    pub promotions: P,
    /// Where quotes are kept.
    pub quotes: Q,
    /// Computes prices.
    pub engine: Arc<PriceEngine>,
    /// Writes orders.
    pub submissions: W,
    /// Knows where couriers go.
    pub logistics: L,
    /// Sends orders to their workflow.
    pub queue: M,
    /// Knows who tries what is not released yet.
    pub routing: R,
    /// What quotes are signed with.
    pub secret: K,
    /// Checks tokens.
    pub tokens: TokenVerifier<J>,
    /// Picks workflows.
    pub orchestrator: Orchestrator,
    /// Tells the time.
    pub clock: T,
    /// Makes ids.
    pub ids: I,
    /// How long a fresh quote holds. Milliseconds.
    pub lock_for: i64,
    /// Counts orders.
    pub metrics: Metrics,
}

impl<C, U, P, Q, W, L, M, R, K, J, T, I> SubmitCheckout<C, U, P, Q, W, L, M, R, K, J, T, I>
where
    C: Catalog + Clone,
    U: Consumers + Clone,
    P: Promotions + Clone,
    Q: Quotes + Clone,
    W: Submissions + Clone,
    L: Logistics + Clone,
    M: OrderQueue + Clone,
    R: Routing,
    K: Secrets,
    J: JwksSource,
    T: Clock + Clone,
    I: Ids + Clone,
{
    /// `POST /v1/checkouts`.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        let key = idempotency_key(request)?;
        let checkout: CheckoutRequest = request.json()?;
        let body: Value = request.json()?;
        let key = IdempotencyKey {
            record_id: record_id("submit-checkout", &identity.subject, key),
            validation: validation_hash(&body),
        };
        let (secret, rules) = futures::join!(self.secret.secret(), self.rules());
        let secret = secret.map_err(|error| Problem::internal(&error))?;
        let submit = self.submit(KeyRing::new(&secret.current, secret.previous.as_deref()), rules);
        let started = Instant::now();
        let clock_ms = || started.elapsed().as_secs_f64() * 1_000.0;
        match submit.submit(&identity.subject, &checkout, &key, &request.correlation_id, clock_ms).await {
            Ok(submitted) => {
                if submitted.first {
                    tracing::info!(
                        order.id = %submitted.answer.order_id,
                        loaded_in_ms = submitted.report.makespan_ms(),
                        one_after_another_ms = submitted.report.sum_ms(),
                        "order submitted"
                    );
                    self.metrics.emit(&[
                        Metric::count("OrdersSubmitted", 1),
                        Metric::count("OrderMessagesLost", u64::from(!submitted.message_sent)),
                        Metric::milliseconds("CheckoutLoad", submitted.report.makespan_ms()),
                    ]);
                }
                let location = submitted.answer.status_url.clone();
                Ok(Response::json(202, &submitted.answer).header("location", location))
            }
            Err(SubmitError::Expired(quote)) => Err(expired(&submit, &quote).await),
            Err(error) => Err(problem(&error)),
        }
    }

    /// The routing rules; where they can't be read, everybody is live.
    async fn rules(&self) -> RoutingRules {
        self.routing.rules().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the routing rules can't be read; the checkout goes live");
            self.metrics.count("RoutingRulesUnread", 1);
            RoutingRules::default()
        })
    }

    fn submit(&self, signer: KeyRing, routing: RoutingRules) -> Submit<C, U, P, Q, KeyRing, T, I, W, L, M> {
        Submit {
            quoting: Quoting {
                catalog: self.catalog.clone(),
                consumers: self.consumers.clone(),
                promotions: self.promotions.clone(),
                quotes: self.quotes.clone(),
                engine: Arc::clone(&self.engine),
                signer,
                clock: self.clock.clone(),
                ids: self.ids.clone(),
                lock_for: self.lock_for,
            },
            submissions: self.submissions.clone(),
            logistics: self.logistics.clone(),
            queue: self.queue.clone(),
            orchestrator: self.orchestrator.clone(),
            routing,
        }
    }
}

/// An expired quote is answered with a fresh one, and with what changed.
async fn expired<C, U, P, Q, S, T, I, W, L, M>(submit: &Submit<C, U, P, Q, S, T, I, W, L, M>, quote: &Quote) -> Problem
where
    C: Catalog,
    U: Consumers,
    P: Promotions,
    Q: Quotes,
    S: carryout_environment::Signer,
    T: Clock,
    I: Ids,
    W: Submissions,
    L: Logistics,
    M: OrderQueue,
{
    match submit.renew(quote).await {
        Ok((fresh, differences)) if differences.is_empty() => {
            problem(&SubmitError::Expired(Box::new(quote.clone()))).with("quote", json!(fresh))
        }
        Ok((fresh, differences)) => {
            let changed: Vec<String> = differences.iter().map(ToString::to_string).collect();
            let detail = format!("the quote has expired, and the price is another one now: {}", changed.join(", "));
            Problem::from_code(409, QUOTE_CHANGED, detail)
                .field("quote_id")
                .with("quote", json!(fresh))
                .with("differences", json!(differences))
        }
        // What it was for can't be had any more: the reason says more than the expiry.
        Err(error) => problem(&SubmitError::Expired(Box::new(quote.clone())))
            .with("renewal", json!({ "code": error.code().name, "detail": error.to_string() })),
    }
}

/// How a submit's error is answered.
fn problem(error: &SubmitError) -> Problem {
    let status = match error {
        SubmitError::NoConsumer | SubmitError::Blocked => 403,
        SubmitError::NoQuote(_) | SubmitError::NoStore(_) => 404,
        SubmitError::Forged | SubmitError::NoPaymentMethod | SubmitError::NoAddress | SubmitError::KeyReused => 422,
        SubmitError::Expired(_)
        | SubmitError::QuoteUsed
        | SubmitError::Closed { .. }
        | SubmitError::NotAccepting(_)
        | SubmitError::SoldOut(_)
        | SubmitError::OutOfReach(_)
        | SubmitError::NotServed(_) => 409,
        SubmitError::Busy => 429,
        SubmitError::Storage(_) => 503,
    };
    let mut problem = match error {
        SubmitError::Storage(cause) => {
            Problem::from_code(status, error.code(), "the order can't be taken right now").caused_by(cause)
        }
        _ => Problem::from_code(status, error.code(), error.to_string()),
    };
    if let Some(field) = error.field() {
        problem = problem.field(field);
    }
    if status == 429 || status == 503 { problem.retry_after(1) } else { problem }
}
