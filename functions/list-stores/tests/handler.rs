//! `GET /v1/stores` over in-memory ports.

use carryout_checkout::store::{Location, Opening};
use carryout_lambda::http::{Problem, Request, Response};
use carryout_market::{MarketType, ids};
use carryout_testing::{
    ManualClock, Store,
    samples::{self, NOON},
};
use list_stores::handle;

/// A store at the point that is asked for, and a closed one a kilometre north of it.
async fn get(request: Request) -> Result<Response, Problem> {
    let clock = ManualClock::at(NOON);
    let store = Store::new(&clock);
    let here = samples::store("sto_here", ids::US, MarketType::Restaurant);
    let mut north = samples::store("sto_north", ids::US, MarketType::Restaurant);
    north.store.location = Location { lat: here.store.location.lat + 0.009, ..here.store.location };
    north.store.hours = vec![Opening { weekday: 3, from: 660, until: 1_320 }];
    store.put_store(north);
    store.put_store(here);
    handle(&store, &clock, &request).await
}

fn near(query: &[(&str, &str)]) -> Request {
    let mut request = Request::default();
    for (name, value) in [("lat", "40.715"), ("lng", "-73.998")].iter().chain(query) {
        request.query.insert((*name).to_owned(), vec![(*value).to_owned()]);
    }
    request
}

#[tokio::test]
async fn stores_come_nearest_first_with_distance_and_hours() {
    let stores = get(near(&[])).await.unwrap().json_body()["stores"].clone();
    assert_eq!(
        (&stores[0]["id"], &stores[0]["distance_metres"], &stores[0]["open_now"]),
        (&"sto_here".into(), &0.into(), &true.into())
    );
    assert_eq!((&stores[1]["open_now"], &stores[1]["opens_next"]), (&false.into(), &"Wed 11:00".into()));
    assert!(stores[0].get("opens_next").is_none());
    for query in [("radius", "900"), ("limit", "1")] {
        assert_eq!(get(near(&[query])).await.unwrap().json_body()["stores"].as_array().map(Vec::len), Some(1), "{query:?}");
    }
}

#[tokio::test]
async fn a_place_that_is_none_names_the_field() {
    for (query, field) in [
        (("lat", "north"), "lat"),
        (("lat", "91"), "lat"),
        (("lat", "NaN"), "lat"),
        (("lng", "180.5"), "lng"),
        (("lng", "inf"), "lng"),
        (("radius", "0"), "radius"),
        (("radius", "-5"), "radius"),
        (("radius", "20001"), "radius"),
        (("radius", "99999999999"), "radius"),
        (("limit", "0"), "limit"),
        (("limit", "101"), "limit"),
        (("limit", "1.5"), "limit"),
    ] {
        let problem = get(near(&[query])).await.unwrap_err();
        assert_eq!(
            (problem.status(), problem.code(), problem.wrong_field()),
            (400, "Request.InvalidField", Some(field)),
            "{query:?}"
        );
    }
    let mut nowhere = near(&[]);
    nowhere.query.remove("lng");
    assert_eq!(get(nowhere).await.unwrap_err().wrong_field(), Some("lng"));
}

#[tokio::test]
async fn a_store_comes_with_its_menu() {
    let of = |id: &str| Request { path_params: [("id".to_owned(), id.to_owned())].into(), ..Request::default() };
    let store = get(of("sto_here")).await.unwrap().json_body();
    assert_eq!((&store["id"], &store["items"][0]["name"]), (&"sto_here".into(), &"Ramen".into()));
    let problem = get(of("sto_none")).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (404, "Store.Unknown"));
}
