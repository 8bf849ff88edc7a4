//! Takes an order: loads everything at once, validates, writes once, sends one message.

use crate::{
    cart::QuoteError,
    codes::{
        ADDRESS_UNKNOWN, CONSUMER_BLOCKED, CONSUMER_UNKNOWN, DELIVERY_OUT_OF_REACH, KEY_REUSED, MARKET_UNKNOWN,
        PAYMENT_METHOD_UNKNOWN, QUOTE_CHANGED, QUOTE_EXPIRED, QUOTE_FORGED, QUOTE_UNKNOWN, QUOTE_USED, REQUEST_INVALID,
        STORE_CLOSED, STORE_NOT_ACCEPTING, STORE_UNKNOWN, SUBMIT_BUSY,
    },
    consumer::{Address, Consumer, PaymentMethod},
    order::{FraudFacts, Fulfilment, Order, OrderConsumer, OrderStatus, OrderStore, OrderSubmitted},
    ports::{
        Catalog, CompletedRequest, Consumers, IdempotencyKey, Logistics, OrderQueue, Promotions, Quotes, Submission, Submissions,
        SubmitRefused,
    },
    quoting::Quoting,
    routing::RoutingRules,
    store::StoreWithMenu,
};
use carryout_environment::{Clock, ErrorCode, HasErrorCode, Ids, STORAGE_UNAVAILABLE, Signer, StorageError};
use carryout_market::{Markets, NotServed};
use carryout_pricing::{PriceDifference, Quote, Refunded, differences};
use carryout_workflow::{Direction, Orchestrator, Plan, PlanReport, StatusMap};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// What a consumer sends to order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The quote to order at.
    pub quote_id: String,
    /// The quote's signature.
    pub quote_signature: String,
    /// One of the consumer's payment methods.
    pub payment_method_id: String,
}

/// What a submitted order is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutAnswer {
    /// The order.
    pub order_id: String,
    /// Where it stands now.
    pub status: OrderStatus,
    /// Where to ask how it goes on.
    pub status_url: String,
}

/// Why no order was taken. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The account does not exist.
    #[error("there is no account for this token")]
    NoConsumer,
    /// The account is blocked.
    #[error("this account can't order")]
    Blocked,
    /// The quote does not exist, or is somebody else's.
    #[error("there is no quote {0}")]
    NoQuote(String),
    /// The signature is not the quote's.
    #[error("the signature does not belong to this quote")]
    Forged,
    /// The quote has expired.
    #[error("the quote has expired")]
    Expired(Box<Quote>),
    /// The quote was used by another order.
    #[error("the quote was used by another order")]
    QuoteUsed,
    /// It is none of the consumer's payment methods.
    #[error("this is none of your payment methods")]
    NoPaymentMethod,
    /// The store is gone.
    #[error("there is no store {0}")]
    NoStore(String),
    /// The store is closed.
    #[error("{store} is closed{}", opens.as_ref().map(|opens| format!("; it opens {opens}")).unwrap_or_default())]
    Closed {
        /// The store's name.
        store: String,
        /// When it opens next, by its own clock.
        opens: Option<String>,
    },
    /// The store takes no orders at the moment.
    #[error("{0} takes no orders at the moment")]
    NotAccepting(String),
    /// Items are sold out or no longer offered.
    #[error("sold out: {}", .0.join(", "))]
    SoldOut(Vec<String>),
    /// No courier goes there.
    #[error("{0} does not deliver to this address")]
    OutOfReach(String),
    /// The address is gone.
    #[error("the quote's address is none of yours any more")]
    NoAddress,
    /// The store's market takes no such order.
    #[error(transparent)]
    NotServed(#[from] NotServed),
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// Somebody else wrote the same things at the same moment, several times over.
    #[error("too many requests for the same things at the same moment")]
    Busy,
    /// A store could not be asked.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for SubmitError {
    const CODES: &'static [ErrorCode] = &[
        CONSUMER_UNKNOWN,
        CONSUMER_BLOCKED,
        QUOTE_UNKNOWN,
        QUOTE_FORGED,
        QUOTE_EXPIRED,
        QUOTE_CHANGED,
        QUOTE_USED,
        PAYMENT_METHOD_UNKNOWN,
        STORE_UNKNOWN,
        STORE_CLOSED,
        STORE_NOT_ACCEPTING,
        crate::codes::ITEM_SOLD_OUT,
        DELIVERY_OUT_OF_REACH,
        ADDRESS_UNKNOWN,
        MARKET_UNKNOWN,
        KEY_REUSED,
        SUBMIT_BUSY,
        REQUEST_INVALID,
        STORAGE_UNAVAILABLE,
    ];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NoConsumer => CONSUMER_UNKNOWN,
            Self::Blocked => CONSUMER_BLOCKED,
            Self::NoQuote(_) => QUOTE_UNKNOWN,
            Self::Forged => QUOTE_FORGED,
            Self::Expired(_) => QUOTE_EXPIRED,
            Self::QuoteUsed => QUOTE_USED,
            Self::NoPaymentMethod => PAYMENT_METHOD_UNKNOWN,
            Self::NoStore(_) => STORE_UNKNOWN,
            Self::Closed { .. } => STORE_CLOSED,
            Self::NotAccepting(_) => STORE_NOT_ACCEPTING,
            Self::SoldOut(_) => crate::codes::ITEM_SOLD_OUT,
            Self::OutOfReach(_) => DELIVERY_OUT_OF_REACH,
            Self::NoAddress => ADDRESS_UNKNOWN,
            Self::NotServed(_) => MARKET_UNKNOWN,
            Self::KeyReused => KEY_REUSED,
            Self::Busy => SUBMIT_BUSY,
            Self::Storage(error) => error.code(),
        }
    }
}

impl SubmitError {
    /// The field of the request that is wrong, if one is.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoQuote(_) | Self::Expired(_) | Self::QuoteUsed => Some("quote_id"),
            Self::Forged => Some("quote_signature"),
            Self::NoPaymentMethod => Some("payment_method_id"),
            Self::KeyReused => Some("Idempotency-Key"),
            _ => None,
        }
    }
}

/// The flag of an order whose delivery was promised by the store's radius alone.
pub const COVERAGE_BY_RADIUS: &str = "coverage-by-store-radius";

/// Times a transaction is tried when it meets another one.
pub(crate) const ATTEMPTS: u32 = 4;
/// How long a request is remembered. Seconds.
pub(crate) const REMEMBER_SECONDS: i64 = 24 * 60 * 60;
/// How long an order, or a refund, may stand still before the sweeper looks at it. Milliseconds.
pub(crate) const STUCK_AFTER_MS: i64 = 60_000;

/// Takes orders.
#[derive(Clone)]
pub struct Submit<C, U, P, Q, S, T, I, W, L, M> {
    /// Prices carts; and stores, consumers and quotes.
    pub quoting: Quoting<C, U, P, Q, S, T, I>,
    /// Writes orders.
    pub submissions: W,
    /// Knows where couriers go.
    pub logistics: L,
    /// Sends orders to their workflow.
    pub queue: M,
    /// Picks workflows.
    pub orchestrator: Orchestrator,
    /// Picks the versions of the steps.
    pub routing: RoutingRules,
}

/// A taken order, and how it went.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// What to answer.
    pub answer: CheckoutAnswer,
    /// Whether this very request wrote the order; otherwise it repeats an earlier one.
    pub first: bool,
    /// Whether the message went out. If not, the sweeper sends it.
    pub message_sent: bool,
    /// How the loading went; empty for a repetition.
    pub report: PlanReport,
}

/// The consumer and the quote, as far as they exist.
type Records = (Option<Consumer>, Option<Quote>);

/// Everything that a submit loads, checked.
struct Loaded {
    consumer: Arc<Consumer>,
    quote: Arc<Quote>,
    payment_method: Arc<PaymentMethod>,
    store: Arc<StoreWithMenu>,
    markets: Arc<Arc<Markets>>,
    fulfilment: Arc<(Fulfilment, bool)>,
    fraud_facts: Arc<FraudFacts>,
    report: PlanReport,
}

impl<C, U, P, Q, S, T, I, W, L, M> Submit<C, U, P, Q, S, T, I, W, L, M>
where
    C: Catalog,
    U: Consumers,
    P: Promotions,
    Q: Quotes,
    S: Signer,
    T: Clock,
    I: Ids,
    W: Submissions,
    L: Logistics,
    M: OrderQueue,
{
    /// Takes the order of `request`, or answers what the same request was answered before.
    ///
    /// `clock_ms` is a monotonic clock in milliseconds, for the report only.
    pub async fn submit(
        &self,
        consumer_id: &str,
        request: &CheckoutRequest,
        key: &IdempotencyKey,
        correlation_id: &str,
        clock_ms: impl Fn() -> f64 + Send + Sync,
    ) -> Result<Submitted, SubmitError> {
        let loaded = match self.load(consumer_id, request, clock_ms).await {
            Ok(loaded) => loaded,
            // A repeated request fails where its first one has used things up, such as the quote. Only then is it worth
            // a read to see whether it was a repetition.
            Err(error) => {
                return match self.submissions.completed(&key.record_id).await {
                    Ok(Some(completed)) => repeated(&completed, key),
                    Ok(None) | Err(_) => Err(error),
                };
            }
        };
        let order = self.order(&loaded, correlation_id)?;
        let message = OrderSubmitted::of(&order);
        let answer =
            CheckoutAnswer { order_id: order.id.clone(), status: order.status, status_url: format!("/v1/orders/{}", order.id) };
        let submission = Submission {
            key: key.clone(),
            answer: serde_json::to_string(&answer).unwrap_or_default(),
            remember_until: order.created_at / 1_000 + REMEMBER_SECONDS,
            stuck_at: order.created_at + STUCK_AFTER_MS,
            order,
        };
        for _ in 0..ATTEMPTS {
            match self.submissions.submit(&submission).await {
                Ok(()) => {
                    // From here on the order exists. If the message is lost, the sweeper finds the order.
                    let sent = self.queue.send(&message).await;
                    if let Err(error) = &sent {
                        tracing::warn!(order.id = %message.order_id, %error, "the order is written, its message is not sent; the sweeper will start it");
                    }
                    return Ok(Submitted { answer, first: true, message_sent: sent.is_ok(), report: loaded.report });
                }
                Err(SubmitRefused::Repeated(completed)) => return repeated(&completed, key),
                Err(SubmitRefused::QuoteUsed) => return Err(SubmitError::QuoteUsed),
                Err(SubmitRefused::Conflict) => {}
                Err(SubmitRefused::Storage(error)) => return Err(error.into()),
            }
        }
        Err(SubmitError::Busy)
    }

    /// A fresh quote for one that has expired, and what differs.
    pub async fn renew(&self, expired: &Quote) -> Result<(Quote, Vec<PriceDifference>), QuoteError> {
        let fresh = self.quoting.renew(&expired.terms).await?;
        let changed = differences(&expired.terms.price, &fresh.terms.price);
        Ok((fresh, changed))
    }

    /// The checkout's task plan: every read happens once, as soon as what it needs is there.
    async fn load(
        &self,
        consumer_id: &str,
        request: &CheckoutRequest,
        clock_ms: impl Fn() -> f64 + Send + Sync,
    ) -> Result<Loaded, SubmitError> {
        let Quoting { catalog, signer, clock, .. } = &self.quoting;
        let now = clock.now();
        let mut plan = Plan::new(clock_ms);
        let records = plan.task("records", (), |()| async move {
            Ok(self.submissions.consumer_and_quote(consumer_id, &request.quote_id).await?)
        });
        let consumer = plan.task("consumer", (&records,), |(records,): (Arc<Records>,)| async move {
            let consumer = records.0.clone().ok_or(SubmitError::NoConsumer)?;
            if consumer.blocked { Err(SubmitError::Blocked) } else { Ok(consumer) }
        });
        let quote = plan.task("quote", (&records,), |(records,): (Arc<Records>,)| async move {
            let quote = records.1.clone().filter(|quote| quote.terms.consumer_id == consumer_id);
            let quote = quote.ok_or_else(|| SubmitError::NoQuote(request.quote_id.clone()))?;
            if quote.signature != request.quote_signature || !quote.verify(signer) {
                return Err(SubmitError::Forged);
            }
            if quote.terms.expires_at <= now {
                return Err(SubmitError::Expired(Box::new(quote)));
            }
            Ok(quote)
        });
        let payment_method = plan.task("payment-method", (&consumer,), |(consumer,): (Arc<Consumer>,)| async move {
            consumer.payment_method(&request.payment_method_id).cloned().ok_or(SubmitError::NoPaymentMethod)
        });
        let markets = plan.task("markets", (), |()| async move { Ok(self.quoting.engine.markets().await) });
        let store = plan.task("store", (&quote,), |(quote,): (Arc<Quote>,)| async move {
            let id = &quote.terms.store_id;
            catalog.store(id).await?.ok_or_else(|| SubmitError::NoStore(id.clone()))
        });
        plan.task("store-open", (&store,), |(store,): (Arc<StoreWithMenu>,)| async move {
            let store = &store.store;
            if !store.is_open(now) {
                return Err(SubmitError::Closed { store: store.name.clone(), opens: store.opens_next(now) });
            }
            if store.accepting_orders { Ok(()) } else { Err(SubmitError::NotAccepting(store.name.clone())) }
        });
        plan.task("items", (&quote, &store), |(quote, store): (Arc<Quote>, Arc<StoreWithMenu>)| async move {
            let in_stock = |id: &str, quantity| store.item(id).is_some_and(|item| item.available && item.stock >= quantity);
            let lines = &quote.terms.price.lines;
            let missing: Vec<String> =
                lines.iter().filter(|line| !in_stock(&line.item_id, line.quantity)).map(|line| line.name.to_string()).collect();
            if missing.is_empty() { Ok(()) } else { Err(SubmitError::SoldOut(missing)) }
        });
        let fulfilment = plan
            .task("delivery", (&quote, &consumer, &store), |(quote, consumer, store)| self.fulfilment(quote, consumer, store));
        let fraud_facts =
            plan.task("fraud-facts", (&consumer, &store), |(consumer, store): (Arc<Consumer>, Arc<StoreWithMenu>)| async move {
                let days = (now - consumer.created_at).max(0) / (24 * 60 * 60 * 1_000);
                Ok(FraudFacts {
                    account_age_days: u32::try_from(days).unwrap_or(u32::MAX),
                    orders_placed: consumer.orders_placed,
                    abroad: consumer.country != store.store.country,
                })
            });
        // The tasks' handles share the error, so it is cloned out of them.
        let report = plan.run().await.map_err(Arc::unwrap_or_clone)?;
        let unfinished = || StorageError::Unavailable("the task plan did not finish".to_owned());
        Ok(Loaded {
            consumer: consumer.output().ok_or_else(unfinished)?,
            quote: quote.output().ok_or_else(unfinished)?,
            payment_method: payment_method.output().ok_or_else(unfinished)?,
            store: store.output().ok_or_else(unfinished)?,
            markets: markets.output().ok_or_else(unfinished)?,
            fulfilment: fulfilment.output().ok_or_else(unfinished)?,
            fraud_facts: fraud_facts.output().ok_or_else(unfinished)?,
            report,
        })
    }

    /// How the order reaches the consumer; and whether the store's radius had to decide it.
    async fn fulfilment(
        &self,
        quote: Arc<Quote>,
        consumer: Arc<Consumer>,
        store: Arc<StoreWithMenu>,
    ) -> Result<(Fulfilment, bool), SubmitError> {
        if !quote.terms.delivery {
            return Ok((Fulfilment::Pickup, false));
        }
        let address: &Address =
            quote.terms.address_id.as_deref().and_then(|id| consumer.address(id)).ok_or(SubmitError::NoAddress)?;
        let store = &store.store;
        let out_of_reach = || SubmitError::OutOfReach(store.name.clone());
        if store.location.metres_to(address.location) > f64::from(store.delivery_radius) {
            return Err(out_of_reach());
        }
        let by_radius = match self.logistics.covers(store.location, address.location).await {
            Ok(true) => false,
            Ok(false) => return Err(out_of_reach()),
            // The declared fallback: within the store's radius counts as covered.
            Err(_) => true,
        };
        Ok((Fulfilment::Delivery { address: address.clone() }, by_radius))
    }

    fn order(&self, loaded: &Loaded, correlation_id: &str) -> Result<Order, SubmitError> {
        let Loaded { consumer, quote, payment_method, store, fulfilment, fraud_facts, .. } = loaded;
        let store = &store.store;
        let market = loaded.markets.require(store.country)?;
        market.admit(&consumer.id, consumer.employee)?;
        let name = market.workflow_of(store.market_type)?;
        let not_sold = || NotServed::NotSold { market: market.id, market_type: store.market_type };
        let workflow = self.orchestrator.newest(name).ok_or_else(not_sold)?;
        let now = self.quoting.clock.now();
        let (fulfilment, by_radius) = fulfilment.as_ref();
        Ok(Order {
            id: self.quoting.ids.new_id("ord"),
            consumer: OrderConsumer { id: consumer.id.clone(), name: consumer.name.clone(), phone: consumer.phone.clone() },
            store: OrderStore {
                id: store.id.clone(),
                name: store.name.clone(),
                address: format!("{}, {}", store.address, store.city),
                location: store.location,
                prep_minutes: store.prep_minutes,
            },
            country: store.country,
            market_type: store.market_type,
            workflow: workflow.name.clone(),
            release_track: self.routing.release_track_of(&loaded.consumer),
            fulfilment: fulfilment.clone(),
            quote: Quote::clone(quote),
            payment_method: PaymentMethod::clone(payment_method),
            fraud_facts: **fraud_facts,
            status: OrderStatus::Submitted,
            direction: Direction::Forward,
            run: 1,
            steps: StatusMap::pending(workflow.steps().map(|step| step.step.as_str())),
            failure: None,
            cancel_requested_at: None,
            flags: if *by_radius { BTreeSet::from([COVERAGE_BY_RADIUS.to_owned()]) } else { BTreeSet::new() },
            ledger: Vec::new(),
            refunded: Refunded::default(),
            open_refund: None,
            correlation_id: correlation_id.to_owned(),
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }
}

fn repeated(completed: &CompletedRequest, key: &IdempotencyKey) -> Result<Submitted, SubmitError> {
    let answer = completed.answer_to(key)?.ok_or(SubmitError::KeyReused)?;
    Ok(Submitted { answer, first: false, message_sent: true, report: PlanReport::default() })
}
