//! Prices a cart and locks the price.

use crate::{
    audit::{QuoteRecord, kept_until},
    market::Country,
    ports::{Catalog, Consumers, Promotions, Quotes},
    providers::{Asked, LastAnswers, providers},
};
use carryout_environment::{Clock, ErrorCode, HasErrorCode, Ids, STORAGE_UNAVAILABLE, Signer, StorageError, Timer};
use carryout_pricing::{CONSUMER, Context, Flag, NoContext, Pipeline, Price, PricingError, Quote, QuoteTerms, Record, limited};
use futures::{
    FutureExt as _,
    future::{join, select},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Lines of a cart, at most. The order, its items and its idempotency record must fit into one transaction of 100.
pub const MAX_LINES: usize = 90;
/// Units of a line, at most.
pub const MAX_QUANTITY: u32 = 999;
/// A tip, at most, in minor units.
pub const MAX_TIP: i64 = 100_000;

/// A cart to be priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cart {
    /// The store.
    pub store_id: String,
    /// What is bought. Lines of the same item are added up.
    pub lines: Vec<CartLine>,
    /// How it reaches the consumer.
    pub fulfilment: CartFulfilment,
    /// Where it is delivered to. Needed for a delivery.
    #[serde(default)]
    pub address_id: Option<String>,
    /// A tip for the courier, in minor units of the store's currency.
    #[serde(default)]
    pub tip: i64,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartLine {
    /// The item.
    pub item_id: String,
    /// How many, 1 to 999.
    pub quantity: u32,
}

/// How a cart reaches the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CartFulfilment {
    /// A courier brings it.
    Delivery,
    /// The consumer fetches it.
    Pickup,
}

/// Why a cart has no quote.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QuoteError {
    /// A field of the cart is wrong.
    #[error("{problem}")]
    Invalid {
        /// The field, as a path: `lines[2].quantity`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The account does not exist.
    #[error("there is no account for this token")]
    NoConsumer,
    /// The store does not exist.
    #[error("there is no store {0}")]
    NoStore(String),
    /// The store does not sell the item.
    #[error("{store} has no item {item}")]
    NoItem {
        /// The field, as a path.
        field: String,
        /// The store's name.
        store: String,
        /// The item's id.
        item: String,
    },
    /// The price does not add up, so nobody sees it. Its record is kept under this id.
    #[error("the price of this cart came out wrong and is not shown; its record is {0}")]
    WrongPrice(String),
    /// A store could not be asked.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A field of a request is wrong.
pub const REQUEST_INVALID: ErrorCode =
    ErrorCode::permanent("Request.InvalidField", "Correct the field and send the request again.");
/// The account does not exist.
pub const CONSUMER_UNKNOWN: ErrorCode = ErrorCode::permanent("Consumer.Unknown", "Sign up first.");
/// The store does not exist.
pub const STORE_UNKNOWN: ErrorCode = ErrorCode::permanent("Store.Unknown", "Find stores with GET /v1/stores?lat=…&lng=….");
/// The item does not exist.
pub const ITEM_UNKNOWN: ErrorCode = ErrorCode::permanent("Item.Unknown", "Read the store's menu with GET /v1/stores/{id}.");
/// The validator refused the price.
pub const PRICE_WRONG: ErrorCode =
    ErrorCode::permanent("Price.Wrong", "Nothing is charged. Tell support the record's id, or choose other items.");

impl HasErrorCode for QuoteError {
    const CODES: &'static [ErrorCode] =
        &[REQUEST_INVALID, CONSUMER_UNKNOWN, STORE_UNKNOWN, ITEM_UNKNOWN, PRICE_WRONG, STORAGE_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => REQUEST_INVALID,
            Self::NoConsumer => CONSUMER_UNKNOWN,
            Self::NoStore(_) => STORE_UNKNOWN,
            Self::NoItem { .. } => ITEM_UNKNOWN,
            Self::WrongPrice(_) => PRICE_WRONG,
            Self::Storage(error) => error.code(),
        }
    }
}

impl QuoteError {
    /// The field that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } | Self::NoItem { field, .. } => Some(field),
            Self::NoStore(_) => Some("store_id"),
            Self::NoConsumer | Self::WrongPrice(_) | Self::Storage(_) => None,
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }
}

/// What prices are computed by, and what is kept from one cart to the next. One for the life of a process.
pub struct PriceEngine {
    pipeline: Pipeline,
    timer: Box<dyn Timer>,
    last_answers: LastAnswers,
}

impl PriceEngine {
    /// The standard pipeline, and a timer that ends the waiting for providers.
    pub fn standard(timer: impl Timer + 'static) -> Self {
        Self::new(Pipeline::standard(), timer)
    }

    /// The same with another pipeline, such as one with a market's own rules.
    pub fn new(pipeline: Pipeline, timer: impl Timer + 'static) -> Self {
        Self { pipeline, timer: Box::new(timer), last_answers: LastAnswers::default() }
    }

    /// What prices are computed by.
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }
}

/// A priced cart that is not locked yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What would be promised, at the price that the consumer is shown.
    pub terms: QuoteTerms,
    /// What our price depends on, and our price.
    pub record: Record,
    /// The store's country.
    pub market: Country,
    /// Whether the consumer works here; not, where the account could not be read in time.
    pub employee: bool,
}

impl Draft {
    /// Shows the price of another system in place of ours. It carries the engine 0.
    pub fn show(&mut self, price: Price) {
        self.terms.limited = limited(&self.record.context, &price);
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
        let request = Asked::new(consumer_id, (asked, &cart), now, &self.catalog, &self.consumers, &self.promotions);
        let context = self.context(&request).await?;
        let store = request.store.known().flatten();
        let store = store.ok_or_else(|| StorageError::Unavailable(format!("the store {} is not known", cart.store_id)))?;
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
        let (delivery, market) = (request.is_delivery(), store.store.country);
        let terms = QuoteTerms {
            id,
            consumer_id: consumer_id.to_owned(),
            store_id: cart.store_id.clone(),
            market: market.code().to_owned(),
            delivery,
            address_id: if delivery { cart.address_id.clone() } else { None },
            limited: limited(&context, &price),
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
        let mut context = found.map_err(|missing| why(request, &missing))?;
        context.tip = request.cart.tip;
        context.attributes["fulfilment"] = json!(request.cart.fulfilment);
        context.attributes["now"] = json!(request.now);
        Ok(context)
    }
}

/// Why there is no context: what the store says of the cart, or that it says nothing.
fn why(request: &Asked<'_>, missing: &NoContext) -> QuoteError {
    let refused = match request.store.known() {
        Some(None) => Some(QuoteError::NoStore(request.cart.store_id.clone())),
        Some(Some(store)) => request.lines(&store).err(),
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

/// The cart with lines of the same item added up, if its fields are in range.
fn checked(cart: &Cart) -> Result<Cart, QuoteError> {
    if cart.lines.is_empty() {
        return Err(QuoteError::invalid("lines", "the cart is empty: add an item"));
    }
    if !(0..=MAX_TIP).contains(&cart.tip) {
        return Err(QuoteError::invalid("tip", format!("a tip is between 0 and {MAX_TIP} minor units")));
    }
    if cart.fulfilment == CartFulfilment::Delivery && cart.address_id.is_none() {
        return Err(QuoteError::invalid("address_id", "a delivery needs one of your addresses"));
    }
    let mut lines: Vec<CartLine> = Vec::new();
    for (index, line) in cart.lines.iter().enumerate() {
        let field = format!("lines[{index}].quantity");
        let in_range = |quantity: u32| (1..=MAX_QUANTITY).contains(&quantity);
        if !in_range(line.quantity) {
            return Err(QuoteError::invalid(field, format!("a quantity is between 1 and {MAX_QUANTITY}")));
        }
        match lines.iter_mut().find(|known| known.item_id == line.item_id) {
            Some(known) if !in_range(known.quantity + line.quantity) => {
                return Err(QuoteError::invalid(field, format!("all lines of one item together are at most {MAX_QUANTITY}")));
            }
            Some(known) => known.quantity += line.quantity,
            None => lines.push(line.clone()),
        }
        if lines.len() > MAX_LINES {
            return Err(QuoteError::invalid("lines", format!("a cart has at most {MAX_LINES} different items")));
        }
    }
    Ok(Cart { lines, ..cart.clone() })
}
