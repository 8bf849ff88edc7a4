//! Consumers, near stores that deliver to them.

use crate::ids::{id, stream};
use crate::people::HERITAGES;
use crate::places::near;
use crate::prices::in_market;
use crate::stores::{Sited, address_in};
use carryout_checkout::consumer::{Address, Consumer, PaymentMethod, StoredCredit};
use carryout_checkout::store::Location;
use carryout_market::{MarketId, MarketType, ids};
use carryout_money::{Money, allocate};
use fastrand::Rng;
use std::collections::BTreeMap;

const CONSUMERS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;
/// The oldest account is six years old.
const OLDEST_DAYS: i64 = 6 * 365;
/// What each consumer has at most, of addresses and of payment methods.
const AT_MOST: usize = 3;
/// Each first address has this many stores that never close, a restaurant among them.
const ALWAYS_SERVING: usize = 3;
/// Addresses are at most this far from a store, in metres. Every store delivers farther.
const NEIGHBOUR: f64 = 1_500.0;

/// Stripe's test tokens of cards that work.
/// Source: <https://docs.stripe.com/testing>
const WORKING: &[Card] = &[
    ("pm_card_visa", "Visa", "4242"),
    ("pm_card_mastercard", "Mastercard", "4444"),
    ("pm_card_amex", "American Express", "0005"),
    ("pm_card_visa_debit", "Visa", "5556"),
    ("pm_card_discover", "Discover", "1117"),
];
const DECLINED: Card = ("pm_card_visa_chargeDeclined", "Visa", "0002");
const INSUFFICIENT_FUNDS: Card = ("pm_card_visa_chargeDeclinedInsufficientFunds", "Visa", "9995");

/// Token, brand, last four digits.
type Card = (&'static str, &'static str, &'static str);

/// All consumers, over the markets in proportion to their stores.
pub(crate) fn generate(seed: u64, now_ms: i64, stores: &[Sited]) -> Vec<Consumer> {
    let of_market = |country| stores.iter().filter(move |sited| sited.city.country == country);
    let weights = crate::MARKETS.map(|country| of_market(country).count() as u64);
    let places = crate::MARKETS.into_iter().zip(allocate(CONSUMERS, &weights));
    let places = places.flat_map(|(country, count)| (0..count).map(move |in_market| (country, in_market == 0)));
    let mut phones = Phones { seed, given: BTreeMap::new() };
    places
        .enumerate()
        .map(|(index, (country, plain))| {
            let market: Vec<_> = of_market(country).collect();
            consumer(seed, index, plain, now_ms, country, &market, &mut phones)
        })
        .collect()
}

fn consumer(
    seed: u64,
    index: usize,
    plain: bool,
    now_ms: i64,
    country: MarketId,
    market: &[&Sited],
    phones: &mut Phones,
) -> Consumer {
    let mut rng = stream(seed, "consumer", index);
    let (home, location) = home_of(plain, market, &mut rng);
    let days = if plain { rng.i64(400..=1_500) } else { rng.i64(1..OLDEST_DAYS) };
    // From two orders a year to one every other day; today's milliseconds keep accounts from opening all at once.
    let orders_placed = (days * rng.i64(1..=90) / 180) as u32;
    let created_at = now_ms - days * DAY_MS - rng.i64(0..DAY_MS);
    Consumer {
        id: id("con", seed, index),
        name: name_in(country, &mut rng),
        phone: phones.next(country, home.city.area_codes),
        country,
        created_at,
        orders_placed: if plain { orders_placed.max(10) } else { orders_placed },
        blocked: !plain && is_blocked(seed, index),
        employee: false,
        addresses: addresses(seed, index, home, location, market, &mut rng),
        payment_methods: payment_methods(seed, index, plain, &mut rng),
        credits: if plain { Vec::new() } else { credits(seed, index, country) },
    }
}

/// One in five has a credit.
fn credits(seed: u64, index: usize, country: MarketId) -> Vec<StoredCredit> {
    const CREDITS: [(&str, i64); 3] = [("Gift card", 2_500), ("For the long wait", 500), ("For inviting a friend", 1_000)];
    let mut rng = stream(seed, "credit", index);
    if rng.usize(0..5) > 0 {
        return Vec::new();
    }
    let (name, cents) = CREDITS[rng.usize(..CREDITS.len())];
    let amount = Money::new(in_market(cents, country), crate::currency(country));
    vec![StoredCredit { id: id("cre", seed, index), name: name.to_owned(), amount }]
}

/// One in each hundred.
fn is_blocked(seed: u64, index: usize) -> bool {
    stream(seed, "blocked", index / 100).usize(0..100) == index % 100
}

fn name_in(country: MarketId, rng: &mut Rng) -> String {
    let people = HERITAGES.iter().flat_map(|heritage| std::iter::repeat_n(heritage, usize::from(heritage.share_in(country))));
    let people: Vec<_> = people.collect();
    let heritage = people[rng.usize(..people.len())];
    let given = heritage.given[rng.usize(..heritage.given.len())];
    let first = rng.usize(..heritage.family.len());
    let family = heritage.family[first];
    if heritage.two_family_names {
        let other = first + 1 + rng.usize(..heritage.family.len() - 1);
        format!("{given} {family} {}", heritage.family[other % heritage.family.len()])
    } else {
        format!("{given} {family}")
    }
}

/// The store next to which someone lives, and their door. Enough stores that never close deliver there.
///
/// A plain consumer lives in the hub of the market's largest city, whose stores scenarios count on.
fn home_of<'a>(plain: bool, market: &[&'a Sited], rng: &mut Rng) -> (&'a Sited, Location) {
    const ATTEMPTS: usize = 40;
    for _ in 0..if plain { 0 } else { ATTEMPTS } {
        let neighbour = market[rng.usize(..market.len())];
        let door = near(neighbour.store.store.location, NEIGHBOUR, rng);
        if enough_stores_serve(door, market) {
            return (neighbour, door);
        }
    }
    // The market's first store never closes and stands in a hub, less than 2 km from the hub's other stores, each of which
    // delivers at least 6 km.
    let door = near(market[0].store.store.location, NEIGHBOUR / 2.0, rng);
    (market[0], door)
}

fn enough_stores_serve(door: Location, market: &[&Sited]) -> bool {
    let delivers = |sited: &&&Sited| door.metres_to(sited.store.store.location) < f64::from(sited.store.store.delivery_radius);
    let serving: Vec<_> = market.iter().filter(|sited| sited.always_serves()).filter(delivers).collect();
    serving.len() >= ALWAYS_SERVING && serving.iter().any(|sited| sited.store.store.market_type == MarketType::Restaurant)
}

fn addresses(seed: u64, index: usize, home: &Sited, door: Location, market: &[&Sited], rng: &mut Rng) -> Vec<Address> {
    let address = |nth: usize, label: &str, neighbour: &Sited, location, rng: &mut Rng| Address {
        id: id("adr", seed, index * AT_MOST + nth),
        label: label.to_owned(),
        line: line_in(neighbour, rng),
        city: neighbour.city.name.to_owned(),
        location,
    };
    let same_city: Vec<_> = market.iter().filter(|sited| sited.city.name == home.city.name).collect();
    let mut all = vec![address(0, "Home", home, door, rng)];
    for (nth, label) in ["Work", "Parents"].into_iter().enumerate().take(extra(rng)) {
        let neighbour = same_city[rng.usize(..same_city.len())];
        let location = near(neighbour.store.store.location, NEIGHBOUR, rng);
        all.push(address(nth + 1, label, neighbour, location, rng));
    }
    all
}

/// How many more than one: mostly none.
fn extra(rng: &mut Rng) -> usize {
    [0, 0, 0, 1, 1, 2][rng.usize(..6)]
}

fn line_in(neighbour: &Sited, rng: &mut Rng) -> String {
    let street = address_in(neighbour.neighbourhood, rng);
    let (flat, letter) = (rng.u8(1..=24), char::from(b'A' + rng.u8(0..6)));
    match (neighbour.city.country, rng.bool()) {
        (_, true) => street,
        (ids::CA, false) => format!("Unit {flat}, {street}"),
        (ids::AU | ids::NZ, false) => format!("{flat}/{street}"),
        (ids::PR, false) => format!("Apto. {flat}{letter}, {street}"),
        (_, false) => format!("Apt {flat}{letter}, {street}"),
    }
}

fn payment_methods(seed: u64, index: usize, plain: bool, rng: &mut Rng) -> Vec<PaymentMethod> {
    let mut working = WORKING.to_vec();
    rng.shuffle(&mut working);
    let mut cards: Vec<_> = working.drain(..1).collect();
    if plain {
        cards.push(DECLINED);
    }
    for _ in 0..extra(rng) {
        let card = match rng.u8(0..10) {
            0 | 1 => Some(DECLINED),
            2 | 3 => Some(INSUFFICIENT_FUNDS),
            _ => working.pop(),
        };
        cards.extend(card.filter(|card| cards.len() < AT_MOST && !cards.contains(card)));
    }
    let method = |(nth, (token, brand, last4)): (usize, Card)| PaymentMethod {
        id: id("pay", seed, index * AT_MOST + nth),
        token: token.to_owned(),
        brand: brand.to_owned(),
        last4: last4.to_owned(),
    };
    cards.into_iter().enumerate().map(method).collect()
}

/// Telephone numbers that nobody has.
struct Phones {
    seed: u64,
    /// How many numbers of an area code are given, by country code and area code.
    given: BTreeMap<String, u32>,
}

impl Phones {
    /// A number in the area code of `area_codes` of which the fewest numbers are given.
    ///
    /// North America keeps 555-0100 to 555-0199 of each area code for fiction, the Australian ACMA the landlines 5550 xxxx
    /// and thirty mobiles. New Zealand keeps none; 021 555 0xx is this project's choice.
    fn next(&mut self, country: MarketId, area_codes: &[&str]) -> String {
        if country == ids::AU
            && let Some(mobile) = self.australian_mobile()
        {
            return mobile;
        }
        let code = match country {
            ids::AU => "+61",
            ids::NZ => "+64",
            _ => "+1",
        };
        let prefixes = area_codes.iter().map(|area| format!("{code}{area}"));
        let prefix = prefixes.min_by_key(|prefix| self.given.get(prefix).copied().unwrap_or(0)).unwrap_or_default();
        let nth = self.count(&prefix);
        // 37 has no factor in common with 100 or 10 000, so that no number comes twice before all have come.
        let start = stream(self.seed, &prefix, 0).u32(0..10_000);
        let number = nth * 37 + start;
        match country {
            ids::AU => format!("{prefix}5550{:04}", number % 10_000),
            ids::NZ => format!("{prefix}5550{:02}", number % 100),
            _ => format!("{prefix}55501{:02}", number % 100),
        }
    }

    fn australian_mobile(&mut self) -> Option<String> {
        let nth = self.count("+614");
        AUSTRALIAN_MOBILES.get(nth as usize).map(|number| format!("+61491{number}"))
    }

    /// How many numbers were given under `prefix` before this one.
    fn count(&mut self, prefix: &str) -> u32 {
        let given = self.given.entry(prefix.to_owned()).or_default();
        *given += 1;
        *given - 1
    }
}

/// The mobile numbers that the ACMA keeps for fiction, behind 0491.
/// Source: <https://www.acma.gov.au/phone-numbers-use-tv-shows-films-and-creative-works>
const AUSTRALIAN_MOBILES: &[&str] = &[
    "570006", "570156", "570157", "570158", "570159", "570110", "570313", "570737", "571266", "571491", "571804", "572549",
    "572665", "572983", "573770", "573087", "574118", "574632", "575254", "575789", "576398", "576801", "577426", "577644",
    "578957", "578148", "578888", "579212", "579760", "579455",
];
