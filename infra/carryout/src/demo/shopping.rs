//! Finds who orders what where: consumers and stores of the marketplace that fit a scenario.

use anyhow::{Context as _, Result};
use carryout_checkout::{
    cart::{Cart, CartFulfilment, CartLine},
    consumer::{Consumer, PaymentMethod},
    store::StoreWithMenu,
};
use carryout_market::{MarketId, MarketType};
use carryout_marketplace::Marketplace;
use std::collections::BTreeSet;

/// A consumer, what they order, and what they pay with.
#[derive(Debug, Clone)]
pub struct Basket {
    /// Who orders.
    pub consumer: Consumer,
    /// What.
    pub cart: Cart,
    /// What they pay with.
    pub payment_method: PaymentMethod,
}

/// What kind of store is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// One that is open and takes orders.
    Open,
    /// One that is closed now.
    Closed,
    /// One that is open and takes no orders.
    NotAccepting,
    /// An open one with an item that has run out.
    WithSoldOut,
}

/// Picks consumers and stores; every consumer at most once, so that a fault set for one touches no other order.
pub struct Shopper<'a> {
    marketplace: &'a Marketplace,
    now: i64,
    used: BTreeSet<String>,
}

impl<'a> Shopper<'a> {
    /// Shops in `marketplace` at `now` (milliseconds since the Unix epoch).
    pub fn new(marketplace: &'a Marketplace, now: i64) -> Self {
        Self { marketplace, now, used: BTreeSet::new() }
    }

    /// A consumer of the market who was not picked before, and a store that fits and delivers to them.
    pub fn pick(&mut self, country: MarketId, market_type: MarketType, wanted: Wanted) -> Result<(Consumer, StoreWithMenu)> {
        let found =
            self.marketplace.consumers.iter().filter(|consumer| consumer.country == country && !consumer.blocked).find_map(
                |consumer| {
                    if self.used.contains(&consumer.id) {
                        return None;
                    }
                    let store = self.stores(country, market_type, wanted).find(|store| delivers(store, consumer))?;
                    Some((consumer.clone(), store.clone()))
                },
            );
        let (consumer, store) =
            found.with_context(|| format!("no {market_type} store in {country} fits {wanted:?}; seed again"))?;
        self.used.insert(consumer.id.clone());
        Ok((consumer, store))
    }

    /// The stores that are open, take orders, and deliver to `consumer`.
    pub fn reachable<'b>(&self, consumer: &'b Consumer) -> impl Iterator<Item = &'a StoreWithMenu> + use<'a, 'b> {
        let (marketplace, now) = (self.marketplace, self.now);
        marketplace.stores.iter().filter(move |store| {
            store.store.country == consumer.country
                && store.store.is_open(now)
                && store.store.accepting_orders
                && delivers(store, consumer)
        })
    }

    /// Another consumer to whom `store` delivers.
    pub fn another(&mut self, store: &StoreWithMenu) -> Result<Consumer> {
        let country = store.store.country;
        let mut others = self.marketplace.consumers.iter().filter(|consumer| consumer.country == country && !consumer.blocked);
        let other = others.find(|consumer| !self.used.contains(&consumer.id) && delivers(store, consumer));
        let other = other.with_context(|| format!("{} has nobody else to deliver to", store.store.name))?.clone();
        self.used.insert(other.id.clone());
        Ok(other)
    }

    fn stores(&self, country: MarketId, market_type: MarketType, wanted: Wanted) -> impl Iterator<Item = &'a StoreWithMenu> {
        let now = self.now;
        self.marketplace
            .stores
            .iter()
            .filter(move |store| store.store.country == country && store.store.market_type == market_type)
            .filter(move |store| {
                let (open, accepting) = (store.store.is_open(now), store.store.accepting_orders);
                let sold_out = store.items.iter().any(|item| item.available && item.stock == 0);
                match wanted {
                    Wanted::Open => open && accepting && !sold_out,
                    Wanted::Closed => !open,
                    Wanted::NotAccepting => open && !accepting,
                    Wanted::WithSoldOut => open && accepting && sold_out,
                }
            })
    }
}

/// The first card of a consumer, which works.
pub fn working_card(consumer: &Consumer) -> Result<PaymentMethod> {
    consumer.payment_methods.first().cloned().context("the consumer has no payment method")
}

/// A card of a consumer that is declined.
pub fn declined_card(consumer: &Consumer) -> Result<PaymentMethod> {
    let declined = consumer.payment_methods.iter().find(|method| method.token.contains("chargeDeclined"));
    declined.cloned().context("the consumer has no declined card")
}

/// A cart of the first `lines` items that are in stock, delivered to the consumer's first address.
pub fn delivery(consumer: &Consumer, store: &StoreWithMenu, lines: usize) -> Cart {
    let in_stock = store.items.iter().filter(|item| item.available && item.stock >= 20);
    let lines = in_stock
        .take(lines)
        .enumerate()
        .map(|(index, item)| CartLine { item_id: item.id.clone(), quantity: 1 + index as u32 % 3 });
    Cart {
        store_id: store.store.id.clone(),
        lines: lines.collect(),
        fulfilment: CartFulfilment::Delivery,
        address_id: consumer.addresses.first().map(|address| address.id.clone()),
        tip: 300,
    }
}

/// The same to be fetched.
pub fn pickup(consumer: &Consumer, store: &StoreWithMenu) -> Cart {
    Cart { fulfilment: CartFulfilment::Pickup, address_id: None, tip: 0, ..delivery(consumer, store, 2) }
}

fn delivers(store: &StoreWithMenu, consumer: &Consumer) -> bool {
    let home = consumer.addresses.first().map(|address| address.location);
    home.is_some_and(|home| store.store.location.metres_to(home) < f64::from(store.store.delivery_radius))
}
