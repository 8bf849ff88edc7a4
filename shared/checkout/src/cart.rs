//! A cart, and the reasons why it has no quote.

use crate::codes::{CONSUMER_UNKNOWN, ITEM_UNKNOWN, MARKET_UNKNOWN, PRICE_WRONG, REQUEST_INVALID, STORE_UNKNOWN};
use carryout_environment::{ErrorCode, HasErrorCode, STORAGE_UNAVAILABLE, StorageError};
use carryout_market::NotServed;
use serde::{Deserialize, Serialize};

/// Lines of a cart, at most. The order, its items and its idempotency record must fit into one transaction of 100.
pub const MAX_LINES: usize = 90;
/// Units of a line, at most.
pub const MAX_QUANTITY: u32 = 999;

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
    /// The store's market is not open.
    #[error(transparent)]
    NotServed(#[from] NotServed),
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

impl HasErrorCode for QuoteError {
    const CODES: &'static [ErrorCode] =
        &[REQUEST_INVALID, CONSUMER_UNKNOWN, STORE_UNKNOWN, MARKET_UNKNOWN, ITEM_UNKNOWN, PRICE_WRONG, STORAGE_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => REQUEST_INVALID,
            Self::NoConsumer => CONSUMER_UNKNOWN,
            Self::NoStore(_) => STORE_UNKNOWN,
            Self::NotServed(_) => MARKET_UNKNOWN,
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
            Self::NoStore(_) | Self::NotServed(_) => Some("store_id"),
            Self::NoConsumer | Self::WrongPrice(_) | Self::Storage(_) => None,
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }
}

/// The cart with lines of the same item added up, if its fields are in range.
pub(crate) fn checked(cart: &Cart) -> Result<Cart, QuoteError> {
    if cart.lines.is_empty() {
        return Err(QuoteError::invalid("lines", "the cart is empty: add an item"));
    }
    if cart.tip < 0 {
        return Err(QuoteError::invalid("tip", "a tip is not negative"));
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
