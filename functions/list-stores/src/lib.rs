//! Finds stores near a point, and one store with its menu. Anybody may look.

use carryout_checkout::{
    codes::STORE_UNKNOWN,
    ports::Catalog,
    store::{Item, Location, Store},
};
use carryout_environment::{Clock, StorageError};
use carryout_lambda::http::{Problem, Request, Response};
use serde::Serialize;

/// How far stores are looked for unless asked otherwise. Metres.
const RADIUS: u32 = 5_000;
/// How far they are looked for at most. Metres.
const MAX_RADIUS: u32 = 20_000;
/// How many are listed unless asked otherwise.
const LIMIT: usize = 20;
/// How many are listed at most.
const MAX_LIMIT: usize = 100;

/// A store in a list.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    store: &'a Store,
    open_now: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_next: Option<String>,
    distance_metres: u32,
}

/// A store with its menu.
#[derive(Serialize)]
struct Opened<'a> {
    #[serde(flatten)]
    store: &'a Store,
    open_now: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_next: Option<String>,
    items: &'a [Item],
}

#[derive(Serialize)]
struct List<'a> {
    stores: Vec<Listed<'a>>,
}

/// `GET /v1/stores?lat&lng` and `GET /v1/stores/{id}`.
pub async fn handle(catalog: &impl Catalog, clock: &impl Clock, request: &Request) -> Result<Response, Problem> {
    if request.path_params.contains_key("id") { menu(catalog, clock, request).await } else { near(catalog, clock, request).await }
}

async fn near(catalog: &impl Catalog, clock: &impl Clock, request: &Request) -> Result<Response, Problem> {
    let coordinate = |name: &'static str| -> Result<f64, Problem> {
        request.query_as(name)?.ok_or_else(|| Problem::invalid_field(name, format!("say where: {name} in degrees")))
    };
    let (lat, lng) = (coordinate("lat")?, coordinate("lng")?);
    let field = if (-90.0..=90.0).contains(&lat) { "lng" } else { "lat" };
    let point = Location::new(lat, lng)
        .ok_or_else(|| Problem::invalid_field(field, "lat is between -90 and 90 degrees, lng between -180 and 180"))?;
    let radius = in_range("radius", request.query_as("radius")?.unwrap_or(RADIUS), MAX_RADIUS)?;
    let limit = in_range("limit", request.query_as("limit")?.unwrap_or(LIMIT), MAX_LIMIT)?;
    let now = clock.now();
    let stores = catalog.near(point, radius, limit).await.map_err(|error| unavailable(&error))?;
    let listed = stores.iter().map(|store| {
        let open_now = store.is_open(now);
        let opens_next = if open_now { None } else { store.opens_next(now) };
        Listed { store, open_now, opens_next, distance_metres: point.metres_to(store.location).round() as u32 }
    });
    Ok(Response::json(200, &List { stores: listed.collect() }))
}

async fn menu(catalog: &impl Catalog, clock: &impl Clock, request: &Request) -> Result<Response, Problem> {
    let id = request.path_param("id")?;
    let found = catalog.store(id).await.map_err(|error| unavailable(&error))?;
    let found = found.ok_or_else(|| Problem::from_code(404, STORE_UNKNOWN, format!("there is no store {id}")))?;
    let (store, now) = (&found.store, clock.now());
    let open_now = store.is_open(now);
    let opens_next = if open_now { None } else { store.opens_next(now) };
    Ok(Response::json(200, &Opened { store, open_now, opens_next, items: &found.items }))
}

fn in_range<T: PartialOrd + From<u8> + std::fmt::Display>(field: &'static str, value: T, max: T) -> Result<T, Problem> {
    if (T::from(1)..=max).contains(&value) {
        return Ok(value);
    }
    Err(Problem::invalid_field(field, format!("{field} is out of range")))
}

fn unavailable(error: &StorageError) -> Problem {
    Problem::from_code(503, error.code(), "stores can't be read right now").retry_after(1).caused_by(error)
}
