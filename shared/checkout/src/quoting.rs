//! Prices a cart and locks the price.

use crate::{
    consumer::Consumer,
    market::Country,
    ports::{Catalog, Clock, Consumers, Ids, Quotes},
    store::StoreWithMenu,
};
use carryout_pricing::{Context, ContextLine, PricingError, Quote, QuoteTerms, Seal, price};
use carryout_workflow::{Coded, ErrorCode, Plan, StoreError, run::STORE_UNAVAILABLE};
use serde::{Deserialize, Serialize};
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
    /// A store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
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

impl Coded for QuoteError {
    const CODES: &'static [ErrorCode] = &[REQUEST_INVALID, CONSUMER_UNKNOWN, STORE_UNKNOWN, ITEM_UNKNOWN, STORE_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => REQUEST_INVALID,
            Self::NoConsumer => CONSUMER_UNKNOWN,
            Self::NoStore(_) => STORE_UNKNOWN,
            Self::NoItem { .. } => ITEM_UNKNOWN,
            Self::Store(error) => error.code(),
        }
    }
}

impl QuoteError {
    /// The field that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } | Self::NoItem { field, .. } => Some(field),
            Self::NoStore(_) => Some("store_id"),
            Self::NoConsumer | Self::Store(_) => None,
        }
    }

    fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }
}

/// A priced cart that is not locked yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What would be promised.
    pub terms: QuoteTerms,
    /// What the price depends on.
    pub context: Context,
    /// The store's country.
    pub market: Country,
    /// Whether the consumer works here.
    pub employee: bool,
}

/// Prices carts.
#[derive(Clone)]
pub struct Quoting<C, U, Q, S, T, I> {
    /// Stores.
    pub catalog: C,
    /// Consumers.
    pub consumers: U,
    /// Where quotes are kept.
    pub quotes: Q,
    /// Signs quotes.
    pub seal: S,
    /// Tells the time.
    pub clock: T,
    /// Makes ids.
    pub ids: I,
    /// How long a quote holds. Milliseconds.
    pub lock_for: i64,
}

impl<C: Catalog, U: Consumers, Q: Quotes, S: Seal, T: Clock, I: Ids> Quoting<C, U, Q, S, T, I> {
    /// Prices `cart` for a consumer, and keeps the quote.
    pub async fn quote(&self, consumer_id: &str, cart: &Cart) -> Result<Quote, QuoteError> {
        let draft = self.draft(consumer_id, cart).await?;
        self.lock(draft.terms).await
    }

    /// Prices `cart` for a consumer. Nothing is promised yet, and nothing kept.
    pub async fn draft(&self, consumer_id: &str, cart: &Cart) -> Result<Draft, QuoteError> {
        let asked = cart;
        let cart = checked(cart)?;
        let mut plan = Plan::new(|| 0.0);
        let consumer =
            plan.task("consumer", (), |()| async { self.consumers.consumer(consumer_id).await?.ok_or(QuoteError::NoConsumer) });
        let store = plan.task("store", (), |()| async {
            self.catalog.store(&cart.store_id).await?.ok_or_else(|| QuoteError::NoStore(cart.store_id.clone()))
        });
        let draft = plan.task("price", (&consumer, &store), |(consumer, store): (Arc<Consumer>, Arc<StoreWithMenu>)| {
            let draft = self.priced(asked, &cart, &consumer, &store);
            async move { draft }
        });
        // The tasks' handles share the error, so it is cloned out of them.
        plan.run().await.map_err(Arc::unwrap_or_clone)?;
        let draft = draft.output().ok_or_else(|| StoreError::Unavailable("the plan did not finish".to_owned()))?;
        Ok(Draft::clone(&draft))
    }

    /// Signs the terms and keeps the quote.
    pub async fn lock(&self, terms: QuoteTerms) -> Result<Quote, QuoteError> {
        let quote = terms.sealed(&self.seal);
        self.quotes.save(&quote).await?;
        Ok(quote)
    }

    /// Prices what an old quote was for again, and keeps the fresh quote.
    pub async fn renew(&self, old: &QuoteTerms) -> Result<Quote, QuoteError> {
        let lines = old.price.lines.iter().map(|line| CartLine { item_id: line.item_id.clone(), quantity: line.quantity });
        let cart = Cart {
            store_id: old.store_id.clone(),
            lines: lines.collect(),
            fulfilment: if old.delivery { CartFulfilment::Delivery } else { CartFulfilment::Pickup },
            address_id: old.address_id.clone(),
            tip: old.price.tip.minor,
        };
        self.quote(&old.consumer_id, &cart).await
    }

    /// `cart` is `asked` with lines of the same item added up; an error names the line of `asked`.
    fn priced(&self, asked: &Cart, cart: &Cart, consumer: &Consumer, store: &StoreWithMenu) -> Result<Draft, QuoteError> {
        let delivery = cart.fulfilment == CartFulfilment::Delivery;
        if delivery && cart.address_id.as_deref().is_some_and(|id| consumer.address(id).is_none()) {
            return Err(QuoteError::invalid("address_id", "this is none of your addresses"));
        }
        if !store.store.has_fees_in_its_currency() {
            return Err(QuoteError::invalid("store_id", format!("{} has no prices", store.store.name)));
        }
        let currency = store.store.country.currency();
        let mut lines = Vec::with_capacity(cart.lines.len());
        for line in &cart.lines {
            let index = || asked.lines.iter().position(|other| other.item_id == line.item_id).unwrap_or_default();
            let item = store.item(&line.item_id).ok_or_else(|| QuoteError::NoItem {
                field: format!("lines[{}].item_id", index()),
                store: store.store.name.clone(),
                item: line.item_id.clone(),
            })?;
            if item.price.currency != currency {
                let field = format!("lines[{}].item_id", index());
                return Err(QuoteError::invalid(field, format!("{} is not sold in {currency}", item.name)));
            }
            lines.push(ContextLine::new(&item.id, &item.name, line.quantity, item.price.minor));
        }
        let context = Context {
            fees: store.store.fees(delivery),
            taxes: store.store.country.taxes(store.store.tax_rate),
            tip: cart.tip,
            ..Context::new(currency, lines)
        };
        let price = price(&context).map_err(|error| match error {
            PricingError::Empty => QuoteError::invalid("lines", error.to_string()),
            PricingError::NegativeTip => QuoteError::invalid("tip", error.to_string()),
            PricingError::OutOfRange { .. } | PricingError::Money(_) => {
                QuoteError::invalid("lines", format!("the cart can't be priced: {error}"))
            }
            // Not the consumer's mistake, and never a price to show.
            PricingError::Wrong(_) => StoreError::Unavailable(error.to_string()).into(),
        })?;
        let terms = QuoteTerms {
            id: self.ids.new_id("quo"),
            consumer_id: consumer.id.clone(),
            store_id: store.store.id.clone(),
            market: store.store.country.code().to_owned(),
            delivery,
            address_id: if delivery { cart.address_id.clone() } else { None },
            price,
            expires_at: self.clock.now() + self.lock_for,
        };
        Ok(Draft { terms, context, market: store.store.country, employee: consumer.employee })
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
