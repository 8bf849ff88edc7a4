//! Prices an order again after something about its lines turned out otherwise: one is missing, was weighed, or is another item.
//!
//! Nothing is looked up but the price of a substitute: fees, promotions, taxes and credits are those of the context that is kept
//! with the order's quote. So what did not change costs what it cost. Limited promotions and credits give no more than the order
//! has reserved of them ([`crate::redemptions`]). Every time begins with what was ordered: send all changes together.

use crate::{
    cart::MAX_QUANTITY,
    codes::{ITEM_UNKNOWN, ORDER_ENDED, ORDER_UNKNOWN, PRICE_WRONG, REQUEST_INVALID},
    ledger,
    order::{Order, OrderStatus},
    ports::{Catalog, Orders, QuoteRecords, Quotes},
    quoting::PriceEngine,
    store::StoreWithMenu,
};
use carryout_environment::{Clock, ErrorCode, HasErrorCode, Ids, STORAGE_CORRUPT, STORAGE_UNAVAILABLE, Signer, StorageError};
use carryout_money::Money;
use carryout_pricing::{
    ChargeKind, ComponentId, Context, ContextLine, PriceDifference, PricingError, Quote, QuoteTerms, Record, Weight, differences,
    limited_components,
};
use serde::{Deserialize, Serialize};

/// What turned out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepriceBody {
    /// The lines of the order that changed, each once. The others stay as they were ordered.
    pub lines: Vec<LineChange>,
}

/// How a line changed: exactly one of `quantity`, `weight` and `substitute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineChange {
    /// The line's place in the order, from 0.
    pub line: usize,
    /// How many there are, 0 to 999; with 0 the line is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// What all of them weigh, for an item that is sold by weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// The item that it is instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Substitute>,
}

/// Another item of the same store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Substitute {
    /// The item, at the price that the store asks now.
    pub item_id: String,
    /// How many, 1 to 999; without it, as many as were ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
}

/// What the order costs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repriced {
    /// The order.
    pub order_id: String,
    /// The price, kept as a quote that belongs to the order.
    pub quote: Quote,
    /// Every component in which it differs from what was ordered.
    pub differences: Vec<PriceDifference>,
    /// What is held for the order and what was paid for it, by its ledger.
    pub authorized: Money,
    /// By how much the total is above that. Absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceeds_authorized: Option<Money>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requester<'a> {
    /// An operator, who may ask for every order.
    Operator,
    /// Somebody with these roles. `store:<id>` lets them ask for the orders of that store.
    Roles(&'a [String]),
}

impl Requester<'_> {
    fn may_see(self, order: &Order) -> bool {
        match self {
            Self::Operator => true,
            Self::Roles(roles) => roles.iter().any(|role| role.strip_prefix(STORE_ROLE) == Some(order.store.id.as_str())),
        }
    }
}

/// What a store's role begins with; its id follows.
pub const STORE_ROLE: &str = "store:";

/// Why there is no other price.
#[derive(Debug, thiserror::Error)]
pub enum RepriceError {
    /// A field of the request is wrong.
    #[error("{problem}")]
    Invalid {
        /// The field, as a path: `lines[0].weight`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such order, or it is another store's.
    #[error("there is no order {0}")]
    Unknown(String),
    /// Nothing is left of the order.
    #[error("the order is {0}: there is nothing to price")]
    Ended(OrderStatus),
    /// The store does not sell the substitute.
    #[error("{store} has no item {item}")]
    NoItem {
        /// The field, as a path.
        field: String,
        /// The store's name.
        store: String,
        /// The item's id.
        item: String,
    },
    /// The price does not add up, so nobody sees it.
    #[error("the price came out wrong and is not shown: {0}")]
    WrongPrice(#[source] PricingError),
    /// A store could not be asked, or what it holds does not fit together.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for RepriceError {
    const CODES: &'static [ErrorCode] =
        &[REQUEST_INVALID, ORDER_UNKNOWN, ORDER_ENDED, ITEM_UNKNOWN, PRICE_WRONG, STORAGE_UNAVAILABLE, STORAGE_CORRUPT];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => REQUEST_INVALID,
            Self::Unknown(_) => ORDER_UNKNOWN,
            Self::Ended(_) => ORDER_ENDED,
            Self::NoItem { .. } => ITEM_UNKNOWN,
            Self::WrongPrice(_) => PRICE_WRONG,
            Self::Storage(error) => error.code(),
        }
    }
}

impl RepriceError {
    /// The field of the request that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } | Self::NoItem { field, .. } => Some(field),
            _ => None,
        }
    }

    fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }
}

/// Prices orders again.
pub struct Reprice<'a, O, C, R, Q, S, T, I> {
    /// Reads orders.
    pub orders: &'a O,
    /// What substitutes cost.
    pub catalog: &'a C,
    /// What orders' prices depended on.
    pub records: &'a R,
    /// Where quotes are kept.
    pub quotes: &'a Q,
    /// Computes prices.
    pub engine: &'a PriceEngine,
    /// Signs quotes.
    pub signer: &'a S,
    /// Tells the time.
    pub clock: &'a T,
    /// Makes ids.
    pub ids: &'a I,
    /// How long the price holds. Milliseconds.
    pub lock_for: i64,
}

impl<O: Orders, C: Catalog, R: QuoteRecords, Q: Quotes, S: Signer, T: Clock, I: Ids> Reprice<'_, O, C, R, Q, S, T, I> {
    /// What the order costs with the changes of `body`. The order stays as it is.
    pub async fn reprice(&self, order_id: &str, body: &RepriceBody, requester: Requester<'_>) -> Result<Repriced, RepriceError> {
        let unknown = || RepriceError::Unknown(order_id.to_owned());
        let order = self.orders.order(order_id).await?.filter(|order| requester.may_see(order)).ok_or_else(unknown)?;
        if matches!(order.status, OrderStatus::Failed | OrderStatus::Cancelled | OrderStatus::Parked) {
            return Err(RepriceError::Ended(order.status));
        }
        let terms = &order.quote.terms;
        let corrupt = |detail: &dyn std::fmt::Display| StorageError::Corrupt(format!("order {order_id}: {detail}"));
        let record = self.records.record(&terms.id).await?.ok_or_else(|| corrupt(&"what its price depended on is gone"))?;
        let substitutes = body.lines.iter().any(|change| change.substitute.is_some());
        let store = if substitutes { self.catalog.store(&order.store.id).await? } else { None };
        let context = as_reserved(changed(record.context, body, store.as_ref())?, terms);
        let price = self.engine.pipeline().price(&context).map_err(|error| match error {
            PricingError::Wrong(_) => RepriceError::WrongPrice(error),
            error => RepriceError::invalid("lines", format!("the order can't be priced so: {error}")),
        })?;
        let balance = ledger::fold(&order.ledger).map_err(|error| corrupt(&error))?;
        let authorized = Money { minor: balance.authorized.amount + balance.charged.amount, ..price.total };
        let above = Money { minor: price.total.minor - authorized.minor, ..price.total };
        let differences = differences(&terms.price, &price);
        let quote = QuoteTerms {
            id: self.ids.new_id("quo"),
            limited: limited_components(&context, &price),
            price,
            reprices: Some(order.id.clone()),
            expires_at: self.clock.now() + self.lock_for,
            ..terms.clone()
        }
        .signed(self.signer);
        self.quotes.save(&quote, &Record { context, price: quote.terms.price.clone() }).await?;
        Ok(Repriced {
            order_id: order.id,
            quote,
            differences,
            authorized,
            exceeds_authorized: (above.minor > 0).then_some(above),
        })
    }
}

/// The context with the lines as they are now. `store` is there where something is substituted.
fn changed(mut context: Context, body: &RepriceBody, store: Option<&StoreWithMenu>) -> Result<Context, RepriceError> {
    if body.lines.is_empty() {
        return Err(RepriceError::invalid("lines", "name at least one line that changed"));
    }
    let ordered = context.lines.clone();
    let mut removed = Vec::new();
    for (place, change) in body.lines.iter().enumerate() {
        let field = |member: &str| format!("lines[{place}].{member}");
        let Some(line) = ordered.get(change.line) else {
            return Err(RepriceError::invalid(field("line"), format!("the order has no line {}: the first is 0", change.line)));
        };
        if body.lines[..place].iter().any(|other| other.line == change.line) {
            return Err(RepriceError::invalid(field("line"), format!("line {} is named twice", change.line)));
        }
        let in_range = |quantity: u32| (1..=MAX_QUANTITY).contains(&quantity);
        let now = &mut context.lines[change.line];
        match (change.quantity, change.weight, &change.substitute) {
            (Some(0), None, None) => removed.push(change.line),
            (Some(_), None, None) if line.weight.is_some() => {
                return Err(RepriceError::invalid(
                    field("quantity"),
                    format!("{} is sold by weight: send its weight", line.name),
                ));
            }
            (Some(quantity), None, None) if in_range(quantity) => now.quantity = quantity,
            (Some(_), None, None) => {
                return Err(RepriceError::invalid(field("quantity"), format!("a quantity is between 0 and {MAX_QUANTITY}")));
            }
            (None, Some(weight), None) if line.weight.is_some() && weight.thousandths() > 0 => now.weight = Some(weight),
            (None, Some(_), None) if line.weight.is_some() => {
                return Err(RepriceError::invalid(field("weight"), "a weight is above 0: remove the line with the quantity 0"));
            }
            (None, Some(_), None) => {
                return Err(RepriceError::invalid(field("weight"), format!("{} is not sold by weight", line.name)));
            }
            (None, None, Some(substitute)) => {
                if substitute.quantity.is_some_and(|quantity| !in_range(quantity)) {
                    let problem = format!("a quantity is between 1 and {MAX_QUANTITY}");
                    return Err(RepriceError::invalid(field("substitute.quantity"), problem));
                }
                if context.lines.iter().any(|other| *other.item_id == *substitute.item_id) {
                    let problem = "the order has this item already: change that line";
                    return Err(RepriceError::invalid(field("substitute.item_id"), problem));
                }
                context.lines[change.line] = of_store(substitute, line.quantity, store, &field("substitute.item_id"))?;
            }
            (None, None, None) => {
                return Err(RepriceError::invalid(field("quantity"), "send one of quantity, weight and substitute"));
            }
            _ => {
                return Err(RepriceError::invalid(field("quantity"), "send one of quantity, weight and substitute, not two"));
            }
        }
    }
    if removed.len() == ordered.len() {
        return Err(RepriceError::invalid("lines", "nothing would be left: give everything back instead"));
    }
    let mut place = 0;
    context.lines.retain(|_| {
        let keep = !removed.contains(&place);
        place += 1;
        keep
    });
    Ok(context)
}

/// The line of a substitute.
fn of_store(
    substitute: &Substitute,
    ordered: u32,
    store: Option<&StoreWithMenu>,
    field: &str,
) -> Result<ContextLine, RepriceError> {
    let item = store.and_then(|store| store.item(&substitute.item_id)).ok_or_else(|| RepriceError::NoItem {
        field: field.to_owned(),
        store: store.map_or_else(|| "the store".to_owned(), |store| store.store.name.clone()),
        item: substitute.item_id.clone(),
    })?;
    Ok(item.line(substitute.quantity.unwrap_or(ordered)))
}

/// The context in which what is limited gives no more than the order has reserved.
fn as_reserved(mut context: Context, terms: &QuoteTerms) -> Context {
    let taken = terms.limited_amounts();
    let reserved =
        |component: ComponentId| taken.iter().find(|taken| *taken.component == component).map_or(0, |taken| taken.amount);
    for promotion in context.promotions.iter_mut().filter(|promotion| !promotion.limits.are_none()) {
        let reserved = reserved(ComponentId::charge(ChargeKind::Discount, promotion.id.as_str()));
        promotion.cap = Some(promotion.cap.map_or(reserved, |cap| cap.min(reserved)));
    }
    for credit in &mut context.credits {
        credit.amount = credit.amount.min(reserved(ComponentId::charge(ChargeKind::Credit, credit.id.as_str())));
    }
    context
}
