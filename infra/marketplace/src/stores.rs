//! Stores with their menus.

use crate::assortment::{Article, Assortment};
use crate::cities::{City, Neighbourhood, cities_of};
use crate::groceries::{FARMERS_MARKET, GROCERIES, QUICK, local_shelf};
use crate::hours::Hours;
use crate::ids::{id, stream};
use crate::menus::{CUISINES, drinks};
use crate::places::near;
use crate::prices::{PriceList, in_market};
use crate::shops::{PHARMACY, SHOPS};
use carryout_checkout::store::{Item, Location, Store, StoreWithMenu};
use carryout_market::{MarketId, MarketType, ids};
use carryout_money::{Money, Rate};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// No menu is longer, so that an item's index is its store's times this, plus its place.
const ITEMS_PER_STORE: usize = 64;

/// How far hub stores deliver, in metres: beyond every other store of their hub.
const HUB_RADIUS: RangeInclusive<u32> = 6_000..=8_000;

/// A store and where its site is, from which consumers get neighbours' addresses.
pub(crate) struct Sited {
    pub store: StoreWithMenu,
    pub city: &'static City,
    pub neighbourhood: &'static Neighbourhood,
}

impl Sited {
    /// Whether it never closes and takes orders.
    pub(crate) fn always_serves(&self) -> bool {
        self.store.store.accepting_orders && is_open_around_the_clock(&self.store.store)
    }
}

/// A store before its details: what, where, when.
struct Plan {
    assortment: &'static Assortment,
    city: &'static City,
    neighbourhood: &'static Neighbourhood,
    hours: Hours,
    delivery_radius: RangeInclusive<u32>,
    accepting_orders: bool,
    /// What is wrong with one item at least.
    shortage: Option<Shortage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shortage {
    /// The menu still offers an item that has run out.
    SoldOut,
    /// An item is not on offer.
    Unavailable,
}

/// All stores, market by market.
pub(crate) fn generate(seed: u64) -> Vec<Sited> {
    let mut names = BTreeSet::new();
    let plans = crate::MARKETS.into_iter().flat_map(|country| plans_of(seed, country));
    plans.enumerate().map(|(index, plan)| open(seed, index, &plan, &mut names)).collect()
}

/// How many restaurants, groceries and shops a market has.
const fn size_of(country: MarketId) -> (usize, usize, usize) {
    match country {
        ids::CA | ids::AU => (47, 10, 5),
        ids::NZ | ids::PR => (24, 6, 3),
        _ => (108, 24, 12),
    }
}

/// The market's stores. First those that scenarios rely on: in each city's hub two restaurants and a grocery that never
/// close; in the largest city also a pharmacy that never closes, a kitchen that takes no orders, one that serves past midnight,
/// and a farmers' market.
fn plans_of(seed: u64, country: MarketId) -> Vec<Plan> {
    let mut rng = stream(seed, "market", crate::MARKETS.iter().position(|market| *market == country).unwrap_or_default());
    let cities = cities_of(country);
    let night_kitchens: Vec<_> = CUISINES.iter().filter(|cuisine| cuisine.all_night).collect();
    let mut night_kitchens = Deck::new(weighted(night_kitchens, country), &mut rng);
    let (restaurants, groceries, shops) = size_of(country);

    let mut plans = Vec::with_capacity(restaurants + groceries + shops);
    for (nth, city) in cities.iter().enumerate() {
        let all_night = |assortment, shortage| Plan {
            assortment,
            city,
            neighbourhood: city.hub(),
            hours: Hours::AroundTheClock,
            delivery_radius: HUB_RADIUS,
            accepting_orders: true,
            shortage,
        };
        let largest = nth == 0;
        let sold_out = largest.then_some(Shortage::SoldOut);
        plans.extend(night_kitchens.draw(&mut rng).map(|cuisine| all_night(cuisine, sold_out)));
        plans.extend(night_kitchens.draw(&mut rng).map(|cuisine| all_night(cuisine, None)));
        plans.push(all_night(&QUICK, sold_out));
        if largest {
            plans.push(all_night(&PHARMACY, None));
            let full = night_kitchens.draw(&mut rng).map(|cuisine| all_night(cuisine, None));
            plans.extend(full.map(|plan| Plan { accepting_orders: false, ..plan }));
            let late = night_kitchens.draw(&mut rng).map(|cuisine| all_night(cuisine, Some(Shortage::Unavailable)));
            plans.extend(late.map(|plan| Plan { hours: Hours::Late, ..plan }));
            plans.push(Plan { hours: Hours::SaturdayMorning, ..all_night(&FARMERS_MARKET, None) });
        }
    }

    let city_of_store: Vec<_> = cities.iter().flat_map(|city| std::iter::repeat_n(*city, city.weight as usize)).collect();
    for (market_type, assortments, wanted) in [
        (MarketType::Restaurant, CUISINES, restaurants),
        (MarketType::Grocery, GROCERIES, groceries),
        (MarketType::Retail, SHOPS, shops),
    ] {
        let planned = plans.iter().filter(|plan| plan.assortment.market_type == market_type).count();
        let mut deck = Deck::new(weighted(assortments.iter(), country), &mut rng);
        for _ in planned..wanted {
            let (Some(assortment), Some(city)) = (deck.draw(&mut rng), rng.choice(city_of_store.iter().copied())) else {
                continue;
            };
            plans.push(Plan {
                assortment,
                city,
                neighbourhood: &city.neighbourhoods[rng.usize(..city.neighbourhoods.len())],
                hours: assortment.hours[rng.usize(..assortment.hours.len())],
                delivery_radius: 3_000..=7_000,
                accepting_orders: rng.u8(..) >= 6,
                shortage: None,
            });
        }
    }
    plans
}

/// Cards that come in a random order, all of them once before any comes again.
struct Deck<T> {
    cards: Vec<T>,
    next: usize,
}

impl<T: Copy> Deck<T> {
    fn new(mut cards: Vec<T>, rng: &mut Rng) -> Self {
        rng.shuffle(&mut cards);
        Self { cards, next: 0 }
    }

    /// The next card; none if the deck has none at all.
    fn draw(&mut self, rng: &mut Rng) -> Option<T> {
        if self.next == self.cards.len() {
            rng.shuffle(&mut self.cards);
            self.next = 0;
        }
        let card = self.cards.get(self.next).copied();
        self.next += 1;
        card
    }
}

/// Each assortment as often as it is common in `country`.
fn weighted(assortments: impl IntoIterator<Item = &'static Assortment>, country: MarketId) -> Vec<&'static Assortment> {
    let repeated = |each: &'static Assortment| std::iter::repeat_n(each, usize::from(each.share_in(country)));
    assortments.into_iter().flat_map(repeated).collect()
}

fn open(seed: u64, index: usize, plan: &Plan, names: &mut BTreeSet<String>) -> Sited {
    let mut rng = stream(seed, "store", index);
    let Plan { assortment, city, neighbourhood, .. } = *plan;
    let country = city.country;
    let money = |cents, step| Money::new(to_nearest(step, in_market(cents, country)), crate::currency(country));
    let centre = Location { lat: neighbourhood.lat, lng: neighbourhood.lng };
    let prep_minutes = match assortment.market_type {
        MarketType::Restaurant => rng.u16(12..=35),
        MarketType::Grocery => rng.u16(6..=20),
        MarketType::Retail => rng.u16(8..=25),
    };
    let store = Store {
        id: id("sto", seed, index),
        name: sign(plan, names, &mut rng),
        country,
        market_type: assortment.market_type,
        cuisine: assortment.name.to_owned(),
        address: address_in(neighbourhood, &mut rng),
        city: city.name.to_owned(),
        location: near(centre, neighbourhood.spread, &mut rng),
        time_zone: city.time_zone.to_owned(),
        hours: plan.hours.openings(&mut rng),
        accepting_orders: plan.accepting_orders,
        delivery_radius: rng.u32(plan.delivery_radius.clone()) / 100 * 100,
        delivery_fee: money(rng.i64(199..=599), 50),
        service_fee: Rate::from_milli_percent(1_000 * rng.i64(8..=15)),
        service_fee_min: money(rng.i64(100..=200), 25),
        service_fee_max: money(rng.i64(700..=1_200), 50),
        small_order_minimum: money(rng.i64(800..=1_500), 100),
        small_order_fee_max: money(rng.i64(200..=300), 50),
        tax_rate: Rate::from_milli_percent(city.tax_milli_percent),
        prep_minutes,
        rating_tenths: rng.u8(38..=49),
    };
    let items = menu(seed, index, plan, &store, &mut rng);
    Sited { store: StoreWithMenu { store, items }, city, neighbourhood }
}

/// A name that no other store has: a sign of the kind, and where all are taken, one with the neighbourhood or the street.
fn sign(plan: &Plan, taken: &mut BTreeSet<String>, rng: &mut Rng) -> String {
    let hood = plan.neighbourhood.name;
    let mut signs: Vec<&str> = plan.assortment.names_in(plan.city.country).collect();
    rng.shuffle(&mut signs);
    // People say "del Viejo San Juan", but "de Santurce".
    let here = |sign: &&str| sign.replace("{hood}", hood).replace("de Viejo", "del Viejo");
    let plain = signs.iter().map(here);
    let elsewhere = signs.iter().filter(|sign| !sign.contains("{hood}")).map(|sign| format!("{sign} {hood}"));
    let on_street = signs.iter().flat_map(|sign| {
        let sign = here(sign);
        plan.neighbourhood.streets.iter().map(move |street| format!("{sign}, {street}"))
    });
    let name = plain.chain(elsewhere).chain(on_street).find(|name| !taken.contains(name));
    let name = name.unwrap_or_else(|| format!("{} No. {}, {hood}", plan.assortment.name, taken.len() + 1));
    taken.insert(name.clone());
    name
}

/// A street address in the neighbourhood, one line.
pub(crate) fn address_in(neighbourhood: &Neighbourhood, rng: &mut Rng) -> String {
    let street = neighbourhood.streets[rng.usize(..neighbourhood.streets.len())];
    let number = rng.u16(8..=980);
    // Spanish puts the number behind the street.
    if street.starts_with("Calle")
        || street.starts_with("Avenida")
        || street.starts_with("Paseo")
        || street.starts_with("Carretera")
    {
        format!("{street} {number}, {}", neighbourhood.locality)
    } else {
        format!("{number} {street}, {}", neighbourhood.locality)
    }
}

fn menu(seed: u64, store_index: usize, plan: &Plan, store: &Store, rng: &mut Rng) -> Vec<Item> {
    let country = store.country;
    let never_closes = is_open_around_the_clock(store);
    let (length, stock) = match store.market_type {
        MarketType::Restaurant => (14..=24, 40..=400),
        MarketType::Grocery => (26..=38, 5..=120),
        MarketType::Retail => (12..=18, 5..=60),
    };
    let prices = PriceList::of(country, store.market_type, rng);
    let chosen = choose(plan.assortment, country, rng.usize(length), rng);
    let short = rng.usize(..chosen.len());
    let lacks = |place, shortage| place == short && plan.shortage == Some(shortage);
    let item = |(place, (section, article)): (usize, (&str, &Article))| Item {
        id: id("itm", seed, store_index * ITEMS_PER_STORE + place),
        store_id: store.id.clone(),
        name: article.name_in(country),
        description: article.description.to_owned(),
        section: section.to_owned(),
        price: Money::new(prices.price(article.cents, rng), crate::currency(country)),
        // One in fifty is off the menu today, but not where scenarios count on every item.
        available: (never_closes || rng.u8(0..50) != 0) && !lacks(place, Shortage::Unavailable),
        stock: if lacks(place, Shortage::SoldOut) { 0 } else { rng.u32(stock.clone()) },
        weight: article.weight,
        tax_class: None,
        deposit: article.deposit.map(|cents| Money::new(cents, crate::currency(country))),
    };
    chosen.into_iter().enumerate().map(item).collect()
}

/// `length` articles of the assortment and the market's own shelf, with at least one of each section.
fn choose(
    assortment: &'static Assortment,
    country: MarketId,
    length: usize,
    rng: &mut Rng,
) -> Vec<(&'static str, &'static Article)> {
    let local = match assortment.market_type {
        MarketType::Restaurant => Some(drinks(country)),
        MarketType::Grocery => Some(local_shelf(country)),
        MarketType::Retail => None,
    };
    let mut sections: Vec<(&str, Vec<&Article>)> = Vec::new();
    for section in assortment.sections.iter().chain(local.filter(|_| assortment.local_shelf)) {
        let mut articles: Vec<_> = section.articles.iter().collect();
        rng.shuffle(&mut articles);
        sections.push((section.name, articles));
    }
    let count = sections.iter().map(|(_, articles)| articles.len()).sum::<usize>();
    for _ in length..count {
        let long: Vec<_> = sections.iter_mut().filter(|(_, articles)| articles.len() > 1).collect();
        if let Some((_, articles)) = rng.choice(long) {
            articles.pop();
        }
    }
    sections.into_iter().flat_map(|(name, articles)| articles.into_iter().map(move |article| (name, article))).collect()
}

fn is_open_around_the_clock(store: &Store) -> bool {
    (1..=7).all(|day| store.hours.iter().any(|opening| opening.weekday == day && (opening.from, opening.until) == (0, 1_440)))
}

/// `minor` to the nearest multiple of `step`.
const fn to_nearest(step: i64, minor: i64) -> i64 {
    (minor + step / 2) / step * step
}
