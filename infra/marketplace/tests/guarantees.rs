//! What every marketplace has, whatever its seed.

use carryout_checkout::consumer::Consumer;
use carryout_checkout::store::{Item, Location, Store, StoreWithMenu};
use carryout_market::{MarketId, MarketType, Markets, ids};
use carryout_marketplace::Marketplace;
use std::collections::{BTreeMap, BTreeSet};

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;
const SEEDS: [u64; 6] = [0, 1, 7, 42, 20_260_101, u64::MAX];

fn each_marketplace(check: impl Fn(&Marketplace)) {
    SEEDS.into_iter().for_each(|seed| check(&Marketplace::generate(seed, NOW)));
}

fn each_market(check: impl Fn(MarketId, Vec<&StoreWithMenu>, Vec<&Consumer>)) {
    each_marketplace(|all| {
        for country in Markets::embedded().unwrap().ids() {
            let stores = all.stores.iter().filter(|each| each.store.country == country).collect();
            check(country, stores, all.consumers.iter().filter(|each| each.country == country).collect());
        }
    });
}

fn items(all: &Marketplace) -> impl Iterator<Item = (&Store, &Item)> {
    all.stores.iter().flat_map(|each| each.items.iter().map(|item| (&each.store, item)))
}

/// Open from 0:00 until 24:00 on all seven days.
fn never_closes(store: &Store) -> bool {
    let days: Vec<_> = store.hours.iter().map(|opening| (opening.weekday, opening.from, opening.until)).collect();
    days == (1..=7).map(|day| (day, 0, 1_440)).collect::<Vec<_>>()
}

fn always_serves(store: &Store) -> bool {
    store.accepting_orders && never_closes(store)
}

fn delivers_to(store: &Store, door: Location) -> bool {
    store.location.metres_to(door) <= f64::from(store.delivery_radius)
}

fn assert_unique<'a>(what: &str, ids: impl Iterator<Item = &'a String>) {
    let mut seen = BTreeSet::new();
    for id in ids {
        assert!(seen.insert(id), "two {what} are {id}");
    }
}

#[test]
fn the_same_seed_gives_the_same_marketplace_and_another_seed_another() {
    assert_eq!(Marketplace::generate(42, NOW), Marketplace::generate(42, NOW));
    let (one, other) = (Marketplace::generate(42, NOW), Marketplace::generate(43, NOW));
    assert!(one.stores.iter().zip(&other.stores).all(|(one, other)| one.store.id != other.store.id && one.items != other.items));
    assert_ne!(one.consumers, other.consumers);
}

#[test]
fn the_time_moves_account_ages_and_nothing_else() {
    let (one, mut later) = (Marketplace::generate(42, NOW), Marketplace::generate(42, NOW + 5));
    later.consumers.iter_mut().for_each(|consumer| consumer.created_at -= 5);
    assert_eq!(one, later);
}

#[test]
fn each_market_has_its_number_of_stores_in_the_right_mix() {
    each_market(|country, stores, _| {
        let count = |market_type| stores.iter().filter(|each| each.store.market_type == market_type).count();
        let mix = (count(MarketType::Restaurant), count(MarketType::Grocery), count(MarketType::Retail));
        let expected = match country {
            ids::US => (108, 24, 12),
            ids::CA | ids::AU => (47, 10, 5),
            ids::NZ | ids::PR => (24, 6, 3),
            _ => (0, 0, 0),
        };
        assert_eq!(mix, expected, "{country}");
    });
}

#[test]
fn there_are_at_least_320_stores_and_14_cuisines() {
    each_marketplace(|all| {
        assert!(all.stores.len() >= 320);
        let restaurants = all.stores.iter().filter(|each| each.store.market_type == MarketType::Restaurant);
        let cuisines: BTreeSet<_> = restaurants.map(|each| &each.store.cuisine).collect();
        assert!(cuisines.len() >= 14, "{cuisines:?}");
    });
}

#[test]
fn each_market_spreads_over_several_cities() {
    each_market(|country, stores, _| {
        let cities: BTreeSet<_> = stores.iter().map(|each| &each.store.city).collect();
        assert!(cities.len() >= 3, "{country}: {cities:?}");
    });
}

#[test]
fn ids_are_unique_and_name_their_kind() {
    each_marketplace(|all| {
        assert_unique("stores", all.stores.iter().map(|each| &each.store.id));
        assert_unique("items", items(all).map(|(_, item)| &item.id));
        assert_unique("consumers", all.consumers.iter().map(|each| &each.id));
        assert_unique("addresses", all.consumers.iter().flat_map(|each| &each.addresses).map(|each| &each.id));
        assert_unique("payment methods", all.consumers.iter().flat_map(|each| &each.payment_methods).map(|each| &each.id));
        assert!(all.stores.iter().all(|each| each.store.id.starts_with("sto_")));
        assert!(items(all).all(|(store, item)| item.id.starts_with("itm_") && item.store_id == store.id));
        assert!(all.consumers.iter().all(|each| each.id.starts_with("con_")));
        assert!(all.consumers.iter().flat_map(|each| &each.addresses).all(|each| each.id.starts_with("adr_")));
        assert!(all.consumers.iter().flat_map(|each| &each.payment_methods).all(|each| each.id.starts_with("pay_")));
    });
}

#[test]
fn no_two_stores_of_a_city_share_a_name() {
    each_marketplace(|all| {
        let mut seen = BTreeSet::new();
        for StoreWithMenu { store, .. } in &all.stores {
            assert!(seen.insert((&store.city, &store.name)), "two {} in {}", store.name, store.city);
            assert!(!store.name.contains(['{', '}']) && !store.name.contains(" No. "), "{} isn't a sign", store.name);
        }
    });
}

#[test]
fn every_amount_is_in_the_currency_of_the_country_and_positive() {
    each_marketplace(|all| {
        for StoreWithMenu { store, items } in &all.stores {
            let fees = [
                store.delivery_fee,
                store.service_fee_min,
                store.service_fee_max,
                store.small_order_minimum,
                store.small_order_fee_max,
            ];
            for amount in items.iter().map(|item| item.price).chain(fees) {
                assert_eq!(
                    amount.currency,
                    Markets::embedded().unwrap().market(store.country).unwrap().currency,
                    "{}",
                    store.name
                );
                assert!(amount.minor > 0, "{}: {amount}", store.name);
            }
            assert!(store.service_fee_min.minor < store.service_fee_max.minor);
        }
    });
}

#[test]
fn stores_of_a_city_share_its_tax_rate_and_time_zone_and_cities_differ() {
    each_marketplace(|all| {
        let mut cities = BTreeMap::new();
        for StoreWithMenu { store, .. } in &all.stores {
            let known = cities.entry(&store.city).or_insert((store.tax_rate, &store.time_zone));
            assert_eq!(*known, (store.tax_rate, &store.time_zone), "{}", store.city);
        }
        let rates: BTreeSet<_> = cities.values().map(|(rate, _)| rate).collect();
        assert!(rates.len() >= 10);
    });
}

#[test]
fn every_time_zone_is_known() {
    each_marketplace(|all| {
        for StoreWithMenu { store, .. } in &all.stores {
            assert!(store.opens_next(NOW).is_some(), "{} in {}", store.name, store.time_zone);
            assert!(!never_closes(store) || store.is_open(NOW), "{} in {}", store.name, store.time_zone);
        }
    });
}

#[test]
fn radius_preparation_and_rating_are_in_range() {
    each_marketplace(|all| {
        for StoreWithMenu { store, .. } in &all.stores {
            assert!((3_000..=8_000).contains(&store.delivery_radius), "{}", store.delivery_radius);
            assert!((5..=40).contains(&store.prep_minutes), "{}", store.prep_minutes);
            assert!((38..=49).contains(&store.rating_tenths), "{}", store.rating_tenths);
        }
    });
}

#[test]
fn openings_begin_in_their_day_end_after_they_begin_and_do_not_overlap() {
    each_marketplace(|all| {
        for StoreWithMenu { store, .. } in &all.stores {
            for opening in &store.hours {
                assert!((1..=7).contains(&opening.weekday));
                assert!(opening.from < 1_440 && opening.from < opening.until && opening.until <= 1_440 + 360);
            }
            for pair in store.hours.windows(2) {
                let begins = |at: usize| u32::from(pair[at].from) + 1_440 * pair[at].weekday as u32;
                let first_ends = u32::from(pair[0].until) + 1_440 * pair[0].weekday as u32;
                assert!(first_ends <= begins(1), "{}: {pair:?}", store.name);
            }
        }
    });
}

#[test]
fn some_kitchens_serve_past_midnight() {
    each_market(|country, stores, _| {
        let late = stores.iter().filter(|each| each.store.hours.iter().any(|opening| opening.until > 1_440)).count();
        assert!(late >= 1, "{country}");
    });
}

#[test]
fn each_market_has_six_restaurants_two_groceries_and_a_shop_that_always_serve() {
    each_market(|country, stores, _| {
        let count = |market_type| {
            let always = stores.iter().filter(|each| always_serves(&each.store));
            always.filter(|each| each.store.market_type == market_type).count()
        };
        assert!(count(MarketType::Restaurant) >= 6, "{country}");
        assert!(count(MarketType::Grocery) >= 2, "{country}");
        assert!(count(MarketType::Retail) >= 1, "{country}");
    });
}

#[test]
fn each_market_has_an_open_store_that_does_not_accept_orders() {
    each_market(|country, stores, _| {
        assert!(stores.iter().any(|each| !each.store.accepting_orders && never_closes(&each.store)), "{country}");
    });
}

#[test]
fn each_market_has_a_store_that_opens_once_a_week() {
    each_market(|country, stores, _| {
        let narrow =
            |store: &Store| store.accepting_orders && store.hours.len() == 1 && store.hours[0].until - store.hours[0].from <= 300;
        assert!(stores.iter().any(|each| narrow(&each.store)), "{country}");
    });
}

#[test]
fn each_market_has_one_item_that_ran_out_in_a_restaurant_and_in_a_grocery_that_always_serve() {
    each_market(|country, stores, _| {
        for market_type in [MarketType::Restaurant, MarketType::Grocery] {
            let of_type = stores.iter().filter(|each| each.store.market_type == market_type && always_serves(&each.store));
            let ran_out = of_type.map(|each| each.items.iter().filter(|item| item.stock == 0 && item.available).count());
            assert!(ran_out.clone().any(|count| count == 1), "{country} {market_type}");
            assert!(ran_out.clone().all(|count| count <= 1), "{country} {market_type}");
        }
    });
}

#[test]
fn a_few_items_are_unavailable_but_none_where_stores_never_close() {
    each_market(|country, stores, _| {
        let (all_night, rest): (Vec<_>, Vec<_>) = stores.iter().partition(|each| never_closes(&each.store));
        let unavailable =
            |stores: &[&&StoreWithMenu]| stores.iter().flat_map(|each| &each.items).filter(|item| !item.available).count();
        assert_eq!(unavailable(&all_night), 0, "{country}");
        assert!(unavailable(&rest) >= 1, "{country}");
    });
}

#[test]
fn stock_is_in_the_range_of_its_trade() {
    each_marketplace(|all| {
        for (store, item) in items(all).filter(|(_, item)| item.stock > 0) {
            let range = match store.market_type {
                MarketType::Restaurant => 40..=400,
                MarketType::Grocery => 5..=120,
                MarketType::Retail => 5..=60,
            };
            assert!(range.contains(&item.stock), "{}: {} of {}", store.name, item.stock, item.name);
        }
    });
}

#[test]
fn menus_have_a_believable_length_and_name_no_item_twice() {
    each_marketplace(|all| {
        for StoreWithMenu { store, items } in &all.stores {
            let range = match store.market_type {
                MarketType::Restaurant => 12..=30,
                MarketType::Grocery => 25..=40,
                MarketType::Retail => 12..=30,
            };
            assert!(range.contains(&items.len()), "{} sells {} items", store.name, items.len());
            assert_unique(&store.name, items.iter().map(|item| &item.name));
        }
    });
}

#[test]
fn sections_are_not_interrupted() {
    each_marketplace(|all| {
        for StoreWithMenu { store, items } in &all.stores {
            let mut sections: Vec<_> = items.iter().map(|item| &item.section).collect();
            sections.dedup();
            assert!(sections.len() >= 3, "{}", store.name);
            assert_unique(&store.name, sections.into_iter());
        }
    });
}

#[test]
fn two_stores_of_one_cuisine_have_different_menus() {
    each_marketplace(|all| {
        let mut seen = BTreeSet::new();
        for StoreWithMenu { store, items } in &all.stores {
            let menu: Vec<_> = items.iter().map(|item| (&item.name, item.price.minor)).collect();
            assert!(seen.insert(menu), "{} copies a menu", store.name);
        }
    });
}

#[test]
fn every_text_is_non_empty_and_written_in_proper_letters() {
    let proper = |text: &str| {
        !text.trim().is_empty()
            && text.trim() == text
            && !text.contains("  ")
            && text.chars().all(|letter| {
                matches!(letter, ' '..='~' | '×' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{17f}' | '\u{1a0}'..='\u{1b0}' | '\u{1e00}'..='\u{1eff}')
            })
    };
    each_marketplace(|all| {
        for StoreWithMenu { store, .. } in &all.stores {
            for text in [&store.name, &store.cuisine, &store.address, &store.city] {
                assert!(proper(text), "{text:?}");
            }
        }
        for (_, item) in items(all) {
            assert!(proper(&item.name) && proper(&item.section) && proper(&item.description), "{item:?}");
            assert!(item.description.ends_with('.'), "{:?} isn't a sentence", item.description);
        }
        for consumer in &all.consumers {
            let texts = consumer.addresses.iter().flat_map(|address| [&address.label, &address.line, &address.city]);
            texts.chain([&consumer.name]).for_each(|text| assert!(proper(text), "{text:?}"));
        }
    });
}

#[test]
fn a_store_with_its_menu_fits_into_60_kilobytes() {
    each_marketplace(|all| {
        for store in &all.stores {
            assert!(serde_json::to_vec(store).unwrap().len() < 60_000, "{}", store.store.name);
        }
    });
}

#[test]
fn a_thousand_consumers_are_spread_in_proportion_to_the_stores() {
    each_marketplace(|all| assert_eq!(all.consumers.len(), 1_000));
    each_market(|country, stores, consumers| {
        assert!((2..=4).contains(&(consumers.len() / stores.len())), "{country}: {} for {}", consumers.len(), stores.len());
    });
}

#[test]
fn account_ages_and_orders_fit_together() {
    each_marketplace(|all| {
        for consumer in &all.consumers {
            let days = (NOW - consumer.created_at) / DAY_MS;
            assert!((1..=6 * 366).contains(&days), "{days}");
            assert!(i64::from(consumer.orders_placed) <= days, "{} orders in {days} days", consumer.orders_placed);
        }
    });
}

#[test]
fn one_consumer_in_a_hundred_is_blocked() {
    each_marketplace(|all| {
        let blocked = all.consumers.iter().filter(|each| each.blocked).count();
        assert!((5..=10).contains(&blocked), "{blocked}");
    });
}

#[test]
fn telephone_numbers_are_unique_and_from_the_ranges_for_fiction() {
    each_marketplace(|all| {
        assert_unique("telephone numbers", all.consumers.iter().map(|each| &each.phone));
        for Consumer { phone, country, .. } in &all.consumers {
            let fictional = match *country {
                ids::US | ids::CA | ids::PR => phone.len() == 12 && phone.starts_with("+1") && phone[5..].starts_with("55501"),
                ids::AU => {
                    phone.len() == 12
                        && (phone.starts_with("+61491") || (phone.starts_with("+61") && phone[4..].starts_with("5550")))
                }
                ids::NZ => phone.len() == 11 && phone.starts_with("+64215550"),
                _ => false,
            };
            assert!(fictional, "{phone}");
        }
    });
}

#[test]
fn consumers_have_one_to_three_addresses_each_near_a_store_that_delivers_there() {
    each_market(|_, stores, consumers| {
        for consumer in consumers {
            assert!((1..=3).contains(&consumer.addresses.len()));
            for address in &consumer.addresses {
                let near = |store: &Store| store.location.metres_to(address.location) < 2_000.0;
                assert!(
                    stores.iter().any(|each| near(&each.store) && delivers_to(&each.store, address.location)),
                    "nothing near {}",
                    address.line
                );
            }
        }
    });
}

#[test]
fn three_stores_that_always_serve_deliver_to_each_first_address_one_a_restaurant() {
    each_market(|_, stores, consumers| {
        for consumer in consumers {
            let door = consumer.addresses[0].location;
            let serving = stores.iter().filter(|each| always_serves(&each.store) && delivers_to(&each.store, door));
            let types: Vec<_> = serving.map(|each| each.store.market_type).collect();
            assert!(types.len() >= 3 && types.contains(&MarketType::Restaurant), "{}: {types:?}", consumer.addresses[0].line);
        }
    });
}

#[test]
fn the_first_card_works_and_later_ones_may_be_declined() {
    let known = BTreeMap::from([
        ("pm_card_visa", ("Visa", "4242")),
        ("pm_card_mastercard", ("Mastercard", "4444")),
        ("pm_card_amex", ("American Express", "0005")),
        ("pm_card_visa_debit", ("Visa", "5556")),
        ("pm_card_discover", ("Discover", "1117")),
        ("pm_card_visa_chargeDeclined", ("Visa", "0002")),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", ("Visa", "9995")),
    ]);
    each_marketplace(|all| {
        let mut declined = BTreeSet::new();
        for consumer in &all.consumers {
            let methods = &consumer.payment_methods;
            assert!((1..=3).contains(&methods.len()));
            assert_unique("cards", methods.iter().map(|method| &method.token));
            assert!(!methods[0].token.contains("Declined"));
            for method in methods {
                assert_eq!(known.get(method.token.as_str()), Some(&(method.brand.as_str(), method.last4.as_str())));
            }
            declined.extend(methods.iter().map(|method| &method.token).filter(|token| token.contains("Declined")));
        }
        assert_eq!(declined.len(), 2);
    });
}

#[test]
fn the_first_consumer_of_each_market_is_plain_and_reaches_the_stores_of_every_scenario() {
    each_market(|country, stores, consumers| {
        let plain = consumers[0];
        assert!(!plain.blocked && plain.created_at < NOW - 366 * DAY_MS && plain.orders_placed >= 10, "{country}: {plain:?}");
        assert_eq!(plain.payment_methods[1].token, "pm_card_visa_chargeDeclined", "{country}");

        let door = plain.addresses[0].location;
        let reaches = |what: &str, matches: &dyn Fn(&StoreWithMenu) -> bool| {
            assert!(stores.iter().any(|each| delivers_to(&each.store, door) && matches(each)), "{country}: {what}");
        };
        for market_type in [MarketType::Restaurant, MarketType::Grocery, MarketType::Retail] {
            reaches(market_type.name(), &|each| each.store.market_type == market_type && always_serves(&each.store));
        }
        reaches("accepts no orders", &|each| !each.store.accepting_orders && never_closes(&each.store));
        reaches("opens once a week", &|each| each.store.hours.len() == 1);
        reaches("ran out", &|each| always_serves(&each.store) && each.items.iter().any(|item| item.available && item.stock == 0));
    });
}
