//! Finding stores, reading menus, and whether the service answers at all.

use crate::harness::{Harness, assert_problem, at_sea, eventually, settled_at};
use anyhow::{Context as _, Result};
use carryout::client::Reply;
use carryout_checkout::store::{Location, Opening, StoreWithMenu};
use carryout_lambda::ids::new_id;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use reqwest::Method;
use serde_json::{Value, json};

async fn get(harness: &Harness, path: &str) -> Result<Reply> {
    harness.client.send(Method::GET, path, &[], None).await
}

/// The stores at a query, once as many are listed as are expected: an index may lag.
async fn listed(harness: &Harness, query: &str, expected: usize) -> Result<Vec<Value>> {
    eventually(&format!("{expected} stores at {query}"), async || {
        let list: Value = get(harness, &format!("/v1/stores?{query}")).await?.expect(200)?;
        let stores = list["stores"].as_array().context("no list")?.clone();
        Ok((stores.len() == expected).then_some(stores))
    })
    .await
}

fn ids(stores: &[Value]) -> Vec<&str> {
    stores.iter().filter_map(|store| store["id"].as_str()).collect()
}

/// Stores so many metres north of a point.
async fn north_of(harness: &Harness, point: Location, metres: &[f64]) -> Result<Vec<StoreWithMenu>> {
    let marketplace = carryout::marketplace(1);
    let template = marketplace.stores.first().context("the marketplace is empty")?;
    let at = |metres: &f64| settled_at(template, Location { lat: point.lat + metres / 111_195.0, ..point });
    let stores: Vec<StoreWithMenu> = metres.iter().map(at).collect();
    for store in &stores {
        harness.write_store(store).await?;
    }
    Ok(stores)
}

#[tokio::test]
async fn stores_near_a_point_come_nearest_first_and_none_beyond_the_radius() -> Result<()> {
    let (harness, point) = (Harness::set().await?, at_sea());
    let stores = north_of(&harness, point, &[3_000.0, 400.0, 7_000.0, 1_500.0, 30_000.0]).await?;
    let id = |nth: usize| stores[nth].store.id.as_str();
    let at = format!("lat={}&lng={}", point.lat, point.lng);

    let all = listed(&harness, &format!("{at}&radius=20000"), 4).await?;
    assert_eq!(ids(&all), [id(1), id(3), id(0), id(2)]);
    let metres: Vec<i64> = all.iter().filter_map(|store| store["distance_metres"].as_i64()).collect();
    for (metres, expected) in metres.iter().zip([400, 1_500, 3_000, 7_000]) {
        assert!((metres - expected).abs() <= expected / 100, "{metres} instead of {expected}");
    }
    assert!(all.iter().all(|store| store["open_now"] == true && store.get("opens_next").is_none()));
    assert_eq!(ids(&listed(&harness, &format!("{at}&radius=1600"), 2).await?), [id(1), id(3)]);
    assert_eq!(ids(&listed(&harness, &at, 3).await?), [id(1), id(3), id(0)], "5 km unless asked otherwise");
    assert_eq!(ids(&listed(&harness, &format!("{at}&radius=20000&limit=2"), 2).await?), [id(1), id(3)]);
    assert_eq!(ids(&listed(&harness, &format!("{at}&radius=100"), 0).await?), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_closed_store_says_when_it_opens() -> Result<()> {
    let (harness, point) = (Harness::set().await?, at_sea());
    let marketplace = carryout::marketplace(1);
    let mut store = settled_at(marketplace.stores.first().context("the marketplace is empty")?, point);
    // Open for one hour, the day after tomorrow by its own clock: closed now, whenever that is.
    let opens = Timestamp::now().to_zoned(TimeZone::get(&store.store.time_zone)?).date().checked_add(2.days())?;
    store.store.hours =
        vec![Opening { weekday: opens.weekday().to_monday_one_offset(), from: 11 * 60 + 30, until: 12 * 60 + 30 }];
    harness.write_store(&store).await?;
    let expected = format!("{} 11:30", opens.strftime("%a"));

    let listed = listed(&harness, &format!("lat={}&lng={}", point.lat, point.lng), 1).await?;
    assert_eq!((&listed[0]["open_now"], &listed[0]["opens_next"]), (&json!(false), &json!(expected)));
    let menu: Value = get(&harness, &format!("/v1/stores/{}", store.store.id)).await?.expect(200)?;
    assert_eq!((&menu["open_now"], &menu["opens_next"]), (&json!(false), &json!(expected)));
    Ok(())
}

#[tokio::test]
async fn a_menu_is_read_in_its_own_order_with_prices_and_stock() -> Result<()> {
    let harness = Harness::set().await?;
    let mut store = north_of(&harness, at_sea(), &[0.0]).await?.swap_remove(0);
    // Against the order of their ids.
    store.items.reverse();
    harness.write_store(&store).await?;
    let menu: StoreWithMenu = get(&harness, &format!("/v1/stores/{}", store.store.id)).await?.expect(200)?;
    assert_eq!(menu, store);
    Ok(())
}

#[tokio::test]
async fn a_wrong_search_names_the_parameter() -> Result<()> {
    let harness = Harness::set().await?;
    for (query, field) in [
        ("lng=1", "lat"),
        ("lat=1", "lng"),
        ("lat=north&lng=1", "lat"),
        ("lat=91&lng=1", "lat"),
        ("lat=NaN&lng=1", "lat"),
        ("lat=1&lng=181", "lng"),
        ("lat=1&lng=1&radius=0", "radius"),
        ("lat=1&lng=1&radius=20001", "radius"),
        ("lat=1&lng=1&radius=-5", "radius"),
        ("lat=1&lng=1&limit=0", "limit"),
        ("lat=1&lng=1&limit=101", "limit"),
        ("lat=1&lng=1&limit=few", "limit"),
    ] {
        let reply = get(&harness, &format!("/v1/stores?{query}")).await?;
        eprintln!("{query}: {}", reply.body);
        assert_problem(&reply, 400, "Request.InvalidField", Some(field));
    }
    assert_problem(&get(&harness, &format!("/v1/stores/{}", new_id("sto"))).await?, 404, "Store.Unknown", None);
    Ok(())
}

#[tokio::test]
async fn the_service_is_healthy_and_ready() -> Result<()> {
    let harness = Harness::set().await?;
    for path in ["/health", "/ready"] {
        let reply = get(&harness, path).await?;
        assert_eq!((reply.status, &reply.body), (200, &json!({ "status": "ok" })), "{path}");
    }
    Ok(())
}
