//! Finds what the price of a cart depends on: the providers of a quote, and what they share.
//!
//! Items, fees and taxes come with the store, in one read that they wait for together.

use crate::{
    cart::{Cart, CartFulfilment, QuoteError},
    consumer::Consumer,
    ports::{Catalog, Consumers, Promotions},
    redemptions::{UsageCounters, counters_of_credits, counters_of_promotions, credits, offered, unspent},
    store::StoreWithMenu,
};
use carryout_environment::StorageError;
use carryout_market::{Market, MarketId, MarketSource, NotServed};
use carryout_pricing::{
    CONSUMER, CREDITS, ContextLine, Contribution, Credit, FEES, ITEMS, LastKnown, PROMOTIONS, Promotion, Provider, ProviderError,
    Providers, TAXES,
};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A cart that is to be priced, and what is read for it.
pub(crate) struct Asked<'a> {
    /// The cart as it was sent.
    pub(crate) asked: &'a Cart,
    /// The same with lines of one item added up.
    pub(crate) cart: &'a Cart,
    /// The consumer.
    pub(crate) consumer_id: &'a str,
    /// Milliseconds since the Unix epoch.
    pub(crate) now: i64,
    pub(crate) consumer: SharedRead<'a, Option<Arc<Consumer>>>,
    pub(crate) shop: SharedRead<'a, Option<Arc<Shop>>>,
    promotions: Box<PromotionReader<'a>>,
    credits: Box<Crediting<'a>>,
}

/// Reads the promotions of a market, as far as this consumer can still get them.
type PromotionReader<'a> = dyn Fn(MarketId) -> BoxFuture<'a, Result<Vec<Promotion>, StorageError>> + Send + Sync + 'a;
/// Reads what is left of a consumer's credits in a market.
type Crediting<'a> = dyn Fn(Arc<Market>, Arc<Consumer>) -> BoxFuture<'a, Result<Vec<Credit>, StorageError>> + Send + Sync + 'a;

/// What a price is read from.
pub(crate) struct Sources<'a, C, U, P> {
    pub(crate) catalog: &'a C,
    pub(crate) consumers: &'a U,
    pub(crate) promotions: &'a P,
    pub(crate) markets: &'a dyn MarketSource,
}

/// A store and its market; without one if no such market is in force.
pub(crate) struct Shop {
    pub(crate) menu: StoreWithMenu,
    pub(crate) market: Option<Arc<Market>>,
}

impl Shop {
    /// The market.
    pub(crate) fn in_market(&self) -> Result<&Arc<Market>, NotServed> {
        self.market.as_ref().ok_or(NotServed::Unknown(self.menu.store.country))
    }

    fn market(&self) -> Result<&Arc<Market>, ProviderError> {
        self.in_market().map_err(|error| ProviderError::Refused(error.to_string()))
    }
}

impl<'a> Asked<'a> {
    /// Nothing is read yet.
    pub(crate) fn new<C: Catalog, U: Consumers, P: Promotions>(
        consumer_id: &'a str,
        (asked, cart): (&'a Cart, &'a Cart),
        now: i64,
        sources: Sources<'a, C, U, P>,
    ) -> Self {
        let Sources { catalog, consumers, promotions, markets } = sources;
        let shop = move || {
            async move {
                let (menu, markets) = futures::future::join(catalog.store(&cart.store_id), markets.markets()).await;
                let of_market = |menu: StoreWithMenu| {
                    let market = markets.market(menu.store.country).cloned();
                    Arc::new(Shop { menu, market })
                };
                Ok(menu?.map(of_market))
            }
            .boxed()
        };
        Self {
            asked,
            cart,
            consumer_id,
            now,
            consumer: SharedRead::of(move || async move { Ok(consumers.consumer(consumer_id).await?.map(Arc::new)) }.boxed()),
            shop: SharedRead::of(shop),
            promotions: Box::new(move |market| offered_to(promotions, market, consumer_id).boxed()),
            credits: Box::new(move |market, consumer| left_of(promotions, market, consumer).boxed()),
        }
    }

    pub(crate) fn is_delivery(&self) -> bool {
        self.cart.fulfilment == CartFulfilment::Delivery
    }

    /// The lines with the store's prices.
    pub(crate) fn lines(&self, shop: &Shop) -> Result<Vec<ContextLine>, QuoteError> {
        let (market, store) = (shop.in_market()?, &shop.menu.store);
        let currency = market.currency;
        if !store.has_fees_in(currency) {
            return Err(QuoteError::invalid("store_id", format!("{} has no prices", store.name)));
        }
        let line = |line: &crate::cart::CartLine| {
            let place = self.asked.lines.iter().position(|other| other.item_id == line.item_id).unwrap_or_default();
            let field = format!("lines[{place}].item_id");
            let Some(item) = shop.menu.item(&line.item_id) else {
                return Err(QuoteError::NoItem { field, store: store.name.clone(), item: line.item_id.clone() });
            };
            if item.price.currency != currency {
                return Err(QuoteError::invalid(field, format!("{} is not sold in {currency}", item.name)));
            }
            // An item of a class that no tax names would be sold untaxed.
            if let Some(class) = &item.tax_class
                && !market.knows_tax_class(class)
            {
                return Err(QuoteError::invalid(field, format!("{} has the unknown tax class {class}", item.name)));
            }
            Ok(item.line(line.quantity))
        };
        self.cart.lines.iter().map(line).collect()
    }

    /// The store; refused if there is none.
    async fn shop(&self) -> Result<Arc<Shop>, ProviderError> {
        let shop = self.shop.get().await.map_err(unavailable)?;
        shop.ok_or_else(|| ProviderError::Refused(QuoteError::NoStore(self.cart.store_id.clone()).to_string()))
    }
}

async fn offered_to(promotions: &impl Promotions, country: MarketId, consumer_id: &str) -> Result<Vec<Promotion>, StorageError> {
    let all = promotions.promotions(country).await?;
    let keys = counters_of_promotions(country, consumer_id, &all);
    // Most markets limit nothing most of the time.
    let counters = if keys.is_empty() { UsageCounters::new() } else { promotions.counters(&keys).await? };
    Ok(offered(all, country, consumer_id, &counters))
}

async fn left_of(
    promotions: &impl Promotions,
    market: Arc<Market>,
    consumer: Arc<Consumer>,
) -> Result<Vec<Credit>, StorageError> {
    let all = credits(&market, &consumer);
    let keys = counters_of_credits(market.id, &consumer.id, &all);
    let counters = if keys.is_empty() { UsageCounters::new() } else { promotions.counters(&keys).await? };
    Ok(unspent(all, market.id, &consumer.id, &counters))
}

fn unavailable(error: StorageError) -> ProviderError {
    match error {
        StorageError::Unavailable(_) => ProviderError::Unavailable(error.to_string()),
        _ => ProviderError::Refused(error.to_string()),
    }
}

/// A read that several wait for. One that failed is made again for who asks again.
pub(crate) struct SharedRead<'a, T> {
    read: Box<dyn Fn() -> Read<'a, T> + Send + Sync + 'a>,
    current: Mutex<Option<Shared<Read<'a, T>>>>,
}

type Read<'a, T> = BoxFuture<'a, Result<T, StorageError>>;

impl<'a, T: Clone + Send + Sync> SharedRead<'a, T> {
    fn of(read: impl Fn() -> Read<'a, T> + Send + Sync + 'a) -> Self {
        Self { read: Box::new(read), current: Mutex::new(None) }
    }

    /// What is read.
    pub(crate) async fn get(&self) -> Result<T, StorageError> {
        let reading = lock(&self.current).get_or_insert_with(|| (self.read)().shared()).clone();
        let read = reading.clone().await;
        if read.is_err() {
            let mut current = lock(&self.current);
            if current.as_ref().is_some_and(|current| current.ptr_eq(&reading)) {
                *current = None;
            }
        }
        read
    }

    /// What was read so far.
    pub(crate) fn known(&self) -> Option<T> {
        lock(&self.current).as_ref().and_then(Shared::peek).and_then(|read| read.as_ref().ok()).cloned()
    }
}

/// What is behind the mutex. It is whole at all times, also after a panic of whoever held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The providers of a quote.
pub(crate) fn providers<'a>() -> Providers<Asked<'a>> {
    Providers::default()
        .with(ITEMS, Items, None)
        .with(FEES, Fees, None)
        .with(TAXES, Taxes, None)
        .with(PROMOTIONS, OfMarket, None)
        .with(CREDITS, OfConsumer, None)
        .with(ITEMS, StoreFacts, None)
        .with(CONSUMER, ConsumerFacts, None)
}

type Answer<'a> = BoxFuture<'a, Result<Contribution, ProviderError>>;

struct Items;

impl<'r> Provider<Asked<'r>> for Items {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async move {
            let shop = request.shop().await?;
            let lines = request.lines(&shop).map_err(|error| ProviderError::Refused(error.to_string()))?;
            Ok(Contribution::Lines(shop.market()?.currency, lines))
        }
        .boxed()
    }
}

struct Fees;

impl<'r> Provider<Asked<'r>> for Fees {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async move {
            let shop = request.shop().await?;
            Ok(Contribution::Fees(shop.menu.store.fees(shop.market()?, request.is_delivery())))
        }
        .boxed()
    }
}

struct Taxes;

impl<'r> Provider<Asked<'r>> for Taxes {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async move {
            let shop = request.shop().await?;
            Ok(Contribution::Taxes(shop.menu.store.taxes(shop.market()?)))
        }
        .boxed()
    }
}

/// The promotions of the store's market.
struct OfMarket;

impl<'r> Provider<Asked<'r>> for OfMarket {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async move {
            let market = request.shop().await?.menu.store.country;
            Ok(Contribution::Promotions((request.promotions)(market).await.map_err(unavailable)?))
        }
        .boxed()
    }
}

/// The consumer's credits.
struct OfConsumer;

impl<'r> Provider<Asked<'r>> for OfConsumer {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async {
            let (shop, consumer) = (request.shop().await?, request.consumer.get().await.map_err(unavailable)?);
            let consumer = consumer.ok_or_else(|| ProviderError::Refused(QuoteError::NoConsumer.to_string()))?;
            Ok(Contribution::Credits((request.credits)(Arc::clone(shop.market()?), consumer).await.map_err(unavailable)?))
        }
        .boxed()
    }
}

/// What promotions may ask about the store.
struct StoreFacts;

impl<'r> Provider<Asked<'r>> for StoreFacts {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async move {
            let shop = request.shop().await?;
            let store = &shop.menu.store;
            let facts = json!({
                "id": store.id,
                "city": store.city,
                "country": store.country.as_str(),
                "cuisine": store.cuisine,
                "market_type": store.market_type.name(),
            });
            Ok(Contribution::Attribute("store".to_owned(), facts))
        }
        .boxed()
    }
}

/// What promotions may ask about the consumer.
struct ConsumerFacts;

impl<'r> Provider<Asked<'r>> for ConsumerFacts {
    fn provide<'a>(&'a self, request: &'a Asked<'r>) -> Answer<'a> {
        async move {
            let consumer = request.consumer.get().await.map_err(unavailable)?;
            let consumer = consumer.ok_or_else(|| ProviderError::Refused(QuoteError::NoConsumer.to_string()))?;
            let facts = json!({
                "id": consumer.id,
                "account_age_days": (request.now - consumer.created_at).max(0) / (24 * 60 * 60 * 1_000),
                "country": consumer.country.as_str(),
                "employee": consumer.employee,
                "orders": consumer.orders_placed,
            });
            Ok(Contribution::Attribute("consumer".to_owned(), facts))
        }
        .boxed()
    }
}

/// Answers that are remembered, at most.
const MOST_ANSWERS: usize = 1_000;
/// How long an answer may stand in. Milliseconds.
const FRESH_FOR_MS: i64 = 24 * 60 * 60 * 1_000;

/// What was answered last about each store, by this process. The oldest answers go first.
#[derive(Default)]
pub(crate) struct LastAnswers(Mutex<BTreeMap<Question, (i64, Contribution)>>);

/// Provider, store, and whether it is delivered.
type Question = (&'static str, String, bool);

fn question(provider: &'static str, request: &Asked<'_>) -> Question {
    (provider, request.cart.store_id.clone(), request.is_delivery())
}

impl<'r> LastKnown<Asked<'r>> for LastAnswers {
    fn last_known<'a>(&'a self, provider: &'static str, request: &'a Asked<'r>) -> BoxFuture<'a, Option<Contribution>> {
        async move {
            let known = lock(&self.0).get(&question(provider, request)).cloned();
            known.filter(|(at, _)| at + FRESH_FOR_MS > request.now).map(|(_, answer)| answer)
        }
        .boxed()
    }

    fn keep<'a>(&'a self, provider: &'static str, request: &'a Asked<'r>, answer: &'a Contribution) -> BoxFuture<'a, ()> {
        async move {
            let (question, mut known) = (question(provider, request), lock(&self.0));
            if known.len() >= MOST_ANSWERS && !known.contains_key(&question) {
                let oldest = known.iter().min_by_key(|(_, (at, _))| *at).map(|(question, _)| question.clone());
                oldest.and_then(|oldest| known.remove(&oldest));
            }
            known.insert(question, (request.now, answer.clone()));
        }
        .boxed()
    }
}
