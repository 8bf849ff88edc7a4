//! Prices a cart and locks the price.

use crate::{
    audit::{QuoteRecord, kept_until},
    cart::{Cart, CartFulfilment, CartLine, QuoteError, checked},
    ports::{Catalog, Consumers, Promotions, Quotes},
    providers::{Asked, LastAnswers, Sources, providers},
};
use carryout_environment::{Clock, Ids, Signer, StorageError, Timer};
use carryout_market::{MarketId, MarketSource, Markets};
use carryout_pricing::{
    CONSUMER, Context, ContextError, Flag, Pipeline, Price, PricingError, Quote, QuoteTerms, Record, limited_components,
};
use futures::{
    FutureExt as _,
    future::{join, select},
};
use serde_json::json;
use std::sync::Arc;

/// What prices are computed by, and what is kept from one cart to the next. One for the life of a process.
pub struct PriceEngine {
    pipeline: Pipeline,
    markets: Arc<dyn MarketSource>,
    timer: Box<dyn Timer>,
    last_answers: LastAnswers,
}

impl PriceEngine {
    /// The standard pipeline over the markets in force, and a timer that ends the waiting for providers.
    pub fn standard(markets: Arc<dyn MarketSource>, timer: impl Timer + 'static) -> Self {
        Self::new(Pipeline::standard(), markets, timer)
    }

    /// The same with another pipeline, such as one with a market's own rules.
    pub fn new(pipeline: Pipeline, markets: Arc<dyn MarketSource>, timer: impl Timer + 'static) -> Self {
        Self { pipeline, markets, timer: Box::new(timer), last_answers: LastAnswers::default() }
    }

    /// What prices are computed by.
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The markets in force.
    pub async fn markets(&self) -> Arc<Markets> {
        self.markets.markets().await
    }
}

/// A priced cart that is not locked yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What would be promised, at the price that the consumer is shown.
    pub terms: QuoteTerms,
    /// What our price depends on, and our price.
    pub record: Record,
    /// The store's market.
    pub market: MarketId,
    /// Whether the consumer works here; not, where the account could not be read in time.
    pub employee: bool,
}

impl Draft {
    /// Shows the price of another system in place of ours. It carries the engine 0.
    pub fn show(&mut self, price: Price) {
        self.terms.limited = limited_components(&self.record.context, &price);
        self.terms.price = Price { engine: 0, ..price };
    }

    /// Flags our price, which is shown: something was to be there that is not. The record says so, too.
    pub fn flag(&mut self, flag: Flag) {
        self.record.context.flags.push(flag.clone());
        self.record.price.flags.push(flag);
        self.terms.price = self.record.price.clone();
    }
}

/// Prices carts.
#[derive(Clone)]
pub struct Quoting<C, U, P, Q, S, T, I> {
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
    /// Signs quotes.
    pub signer: S,
    /// Tells the time.
    pub clock: T,
    /// Makes ids.
    pub ids: I,
    /// How long a quote holds. Milliseconds.
    pub lock_for: i64,
}

impl<C: Catalog, U: Consumers, P: Promotions, Q: Quotes, S: Signer, T: Clock, I: Ids> Quoting<C, U, P, Q, S, T, I> {
    /// Prices `cart` for a consumer, and keeps the quote with what its price depended on.
    pub async fn quote(&self, consumer_id: &str, cart: &Cart) -> Result<Quote, QuoteError> {
        let draft = self.draft(consumer_id, cart).await?;
        self.lock(&draft).await
    }

    /// Prices `cart` for a consumer. Nothing is promised yet, and nothing kept but the record of a price that is wrong.
    pub async fn draft(&self, consumer_id: &str, cart: &Cart) -> Result<Draft, QuoteError> {
        let asked = cart;
        let cart = checked(cart)?;
        let now = self.clock.now();
        let request = Asked::new(consumer_id, (asked, &cart), now, self.sources());
        let context = self.context(&request).await?;
        let shop = request.shop.known().flatten();
        let shop = shop.ok_or_else(|| StorageError::Unavailable(format!("the store {} is not known", cart.store_id)))?;
        let (id, expires_at) = (self.ids.new_id("quo"), now + self.lock_for);
        let price = match self.engine.pipeline.price(&context) {
            Ok(price) => price,
            Err(error) if is_the_carts(&error) => return Err(of_the_cart(&error)),
            Err(error) => {
                let record = QuoteRecord {
                    id: id.clone(),
                    consumer_id: consumer_id.to_owned(),
                    store_id: cart.store_id.clone(),
                    expires_at,
                    order_id: None,
                    kept_until: Some(kept_until(expires_at)),
                    context,
                    price: None,
                    shown: None,
                    invalid: Some(error.to_string()),
                };
                tracing::error!(quote.id = %id, %error, "a price is wrong; it is kept and not shown");
                if let Err(error) = self.quotes.save_invalid(&record).await {
                    tracing::warn!(quote.id = %id, %error, "the record of a wrong price could not be kept");
                }
                return Err(QuoteError::WrongPrice(id));
            }
        };
        let (delivery, market) = (request.is_delivery(), shop.menu.store.country);
        let terms = QuoteTerms {
            id,
            consumer_id: consumer_id.to_owned(),
            store_id: cart.store_id.clone(),
            market: market.as_str().to_owned(),
            delivery,
            address_id: if delivery { cart.address_id.clone() } else { None },
            limited: limited_components(&context, &price),
            reprices: None,
            price: price.clone(),
            expires_at,
        };
        let employee = request.consumer.known().flatten().is_some_and(|consumer| consumer.employee);
        Ok(Draft { terms, record: Record { context, price }, market, employee })
    }

    /// Signs the terms, and keeps the quote with the record of our price.
    pub async fn lock(&self, draft: &Draft) -> Result<Quote, QuoteError> {
        let quote = draft.terms.clone().signed(&self.signer);
        self.quotes.save(&quote, &draft.record).await?;
        Ok(quote)
    }

    /// Prices what an old quote was for again, and keeps the fresh quote.
    pub async fn renew(&self, old: &QuoteTerms) -> Result<Quote, QuoteError> {
        let lines = old.price.lines.iter().map(|line| CartLine { item_id: line.item_id.to_string(), quantity: line.quantity });
        let cart = Cart {
            store_id: old.store_id.clone(),
            lines: lines.collect(),
            fulfilment: if old.delivery { CartFulfilment::Delivery } else { CartFulfilment::Pickup },
            address_id: old.address_id.clone(),
            tip: old.price.tip.minor,
        };
        self.quote(&old.consumer_id, &cart).await
    }

    fn sources(&self) -> Sources<'_, C, U, P> {
        Sources {
            catalog: &self.catalog,
            consumers: &self.consumers,
            promotions: &self.promotions,
            markets: self.engine.markets.as_ref(),
        }
    }

    /// Everything that the price of a cart depends on. The account is judged first, whatever is read first.
    async fn context(&self, request: &Asked<'_>) -> Result<Context, QuoteError> {
        let engine = &self.engine;
        let (providers, timer) = (providers(), engine.timer.as_ref());
        let found = providers.context(request, timer, &engine.last_answers);
        // Not known in time is no reason against a quote: submit asks for the account again.
        let account = select(request.consumer.get().boxed(), timer.sleep(CONSUMER.timeout));
        let (found, _) = join(found, account).await;
        match request.consumer.known() {
            Some(None) => return Err(QuoteError::NoConsumer),
            Some(Some(consumer)) if request.is_delivery() => {
                let address = request.cart.address_id.as_deref();
                if address.is_some_and(|id| consumer.address(id).is_none()) {
                    return Err(QuoteError::invalid("address_id", "this is none of your addresses"));
                }
            }
            _ => {}
        }
        if let Some(Some(shop)) = request.shop.known() {
            let market = shop.in_market()?;
            let employee = request.consumer.known().flatten().is_some_and(|consumer| consumer.employee);
            market.admit(request.consumer_id, employee)?;
            let highest = market.limits.tip;
            if request.cart.tip > highest {
                return Err(QuoteError::invalid("tip", format!("a tip is between 0 and {highest} minor units")));
            }
        }
        let mut context = found.map_err(|missing| why(request, &missing))?;
        context.tip = request.cart.tip;
        context.attributes["fulfilment"] = json!(request.cart.fulfilment);
        context.attributes["now"] = json!(request.now);
        Ok(context)
    }
}

/// Why there is no context: what the store says of the cart, or that it says nothing.
fn why(request: &Asked<'_>, missing: &ContextError) -> QuoteError {
    let refused = match request.shop.known() {
        Some(None) => Some(QuoteError::NoStore(request.cart.store_id.clone())),
        Some(Some(shop)) => request.lines(&shop).err(),
        None => None,
    };
    refused.unwrap_or_else(|| StorageError::Unavailable(missing.to_string()).into())
}

/// Whether a context has no price because of what the consumer sent.
fn is_the_carts(error: &PricingError) -> bool {
    match error {
        PricingError::Empty | PricingError::NegativeTip | PricingError::Money(_) => true,
        PricingError::OutOfRange { field, .. } => field == "tip" || field.starts_with("lines"),
        PricingError::Wrong(_) => false,
    }
}

fn of_the_cart(error: &PricingError) -> QuoteError {
    match error {
        PricingError::NegativeTip => QuoteError::invalid("tip", error.to_string()),
        PricingError::Empty => QuoteError::invalid("lines", error.to_string()),
        _ => QuoteError::invalid("lines", format!("the cart can't be priced: {error}")),
    }
}
