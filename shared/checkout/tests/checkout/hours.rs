//! When a store is open, by its own clock.

use carryout_checkout::store::{Location, Opening, Store};
use carryout_market::{MarketType, ids};
use carryout_testing::samples;
use jiff::civil::date;

fn store(time_zone: &str, hours: &[(i8, u16, u16)]) -> Store {
    let hours = hours.iter().map(|&(weekday, from, until)| Opening { weekday, from: from * 60, until: until * 60 });
    Store { time_zone: time_zone.to_owned(), hours: hours.collect(), ..samples::store("s", ids::US, MarketType::Retail).store }
}

/// June 2026 by the clock of `zone`; the first is a Monday.
fn june(zone: &str, day: i8, hour: i8, minute: i8) -> i64 {
    date(2026, 6, day).at(hour, minute, 0, 0).in_tz(zone).unwrap().timestamp().as_millisecond()
}

#[test]
fn opens_to_the_minute_and_closes_to_the_minute() {
    let zone = "America/New_York";
    let store = store(zone, &[(1, 11, 22)]);
    for (hour, minute, open) in [(10, 59, false), (11, 0, true), (21, 59, true), (22, 0, false)] {
        assert_eq!(store.is_open(june(zone, 1, hour, minute)), open, "{hour}:{minute}");
        assert!(!store.is_open(june(zone, 2, hour, minute)), "another weekday");
    }
}

#[test]
fn an_opening_past_midnight_belongs_to_the_day_on_which_it_began() {
    let zone = "Australia/Sydney";
    // Friday and Sunday, from 18:00 to 02:00.
    let store = store(zone, &[(5, 18, 26), (7, 18, 26)]);
    for (day, hour, open) in
        [(5, 17, false), (5, 23, true), (6, 1, true), (6, 2, false), (6, 23, false), (7, 1, false), (8, 1, true), (8, 2, false)]
    {
        assert_eq!(store.is_open(june(zone, day, hour, 0)), open, "June {day}, {hour}:00");
    }
    assert_eq!(store.opens_next(june(zone, 6, 3, 0)).as_deref(), Some("Sun 18:00"));
}

#[test]
fn the_stores_own_clock_counts_not_ours() {
    let hours = [(2, 11, 22)];
    // Tuesday noon in New York is Wednesday in Auckland, and still Tuesday morning in Honolulu.
    let noon = samples::NOON;
    assert!(store("America/New_York", &hours).is_open(noon));
    assert!(!store("Pacific/Auckland", &hours).is_open(noon));
    assert!(!store("Pacific/Honolulu", &hours).is_open(noon));
    assert_eq!(store("Pacific/Honolulu", &hours).opens_next(noon).as_deref(), Some("Tue 11:00"));
    assert_eq!(store("Pacific/Auckland", &hours).opens_next(noon).as_deref(), Some("Tue 11:00"));
}

#[test]
fn daylight_saving_moves_the_opening_with_the_clock() {
    let store = store("America/New_York", &[(7, 11, 12)]);
    for (month, day, utc_hour) in [(3, 1, 16), (3, 8, 15), (11, 1, 16)] {
        let at = |hour| date(2026, month, day).at(hour, 30, 0, 0).in_tz("UTC").unwrap().timestamp().as_millisecond();
        assert!(store.is_open(at(utc_hour)), "{month}/{day}");
        assert!(!store.is_open(at(utc_hour - 1)) && !store.is_open(at(utc_hour + 1)), "{month}/{day}");
    }
}

#[test]
fn the_next_opening_is_the_earliest_to_come() {
    let zone = "America/New_York";
    let lunch_and_dinner = store(zone, &[(1, 18, 22), (1, 11, 14), (3, 9, 10)]);
    for (day, hour, next) in [(1, 9, "Mon 11:00"), (1, 15, "Mon 18:00"), (1, 23, "Wed 09:00"), (3, 10, "Mon 11:00")] {
        assert_eq!(lunch_and_dinner.opens_next(june(zone, day, hour, 0)).as_deref(), Some(next), "June {day}, {hour}:00");
    }
    assert_eq!(store(zone, &[(1, 11, 14)]).opens_next(june(zone, 1, 15, 0)).as_deref(), Some("Mon 11:00"), "in a week");
}

#[test]
fn a_store_without_hours_or_with_an_unknown_time_zone_is_closed() {
    for store in [store("America/New_York", &[]), store("America/Gotham", &[(2, 0, 24)])] {
        assert!(!store.is_open(samples::NOON));
        assert_eq!(store.opens_next(samples::NOON), None);
    }
}

#[test]
fn distances_are_right_to_half_a_percent() {
    let point = |lat, lng| Location::new(lat, lng).unwrap();
    // Statue of Liberty to Empire State Building: 8 250 m; Auckland to Suva crosses the date line: 2 145 km.
    let manhattan = point(40.689_2, -74.044_5).metres_to(point(40.748_4, -73.985_7));
    assert!((8_200.0..8_300.0).contains(&manhattan), "{manhattan}");
    let pacific = point(-36.848, 174.763).metres_to(point(-14.27, -170.7));
    assert!((2_850_000.0..2_950_000.0).contains(&pacific), "{pacific}");
    assert_eq!(point(1.0, 2.0).metres_to(point(1.0, 2.0)), 0.0);
    for (lat, lng) in [(91.0, 0.0), (0.0, -181.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
        assert_eq!(Location::new(lat, lng), None, "{lat} {lng}");
    }
}
