//! The logistics partner: deliveries within reach.

use crate::books::{Call, partition};
use crate::documents::{Documents, DocumentsError, update};
use crate::faults::FaultKind;
use crate::{Partner, Reply, fit_for_ids, key_hash, order_in};
use carryout_lambda::http::Request;
use carryout_lambda::idempotency::validation_hash;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["deliver", "lookup", "cancel", "coverage"];
/// The longest way that a courier goes.
const MAX_METRES: u64 = 12_000;
/// How far a courier gets in a minute: 20 km/h.
const METRES_PER_MINUTE: u64 = 333;
/// The mean radius of the earth (IUGG).
const EARTH_METRES: f64 = 6_371_008.8;

/// A point in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    lat: f64,
    lng: f64,
}

/// Where a courier collects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pickup {
    name: String,
    address: String,
    #[serde(flatten)]
    point: Point,
}

/// Where a courier delivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dropoff {
    name: String,
    phone: String,
    address: String,
    #[serde(flatten)]
    point: Point,
}

/// A delivery that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryRequest {
    order_id: String,
    consumer_id: String,
    pickup: Pickup,
    dropoff: Dropoff,
    ready_in_minutes: u64,
}

/// Whether a delivery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// A courier will come.
    Scheduled,
    /// No courier will come.
    Cancelled,
}

/// A delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    id: String,
    status: DeliveryStatus,
    eta_minutes: u64,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    #[serde(flatten)]
    request: DeliveryRequest,
}

impl Delivery {
    /// Whether a courier will come.
    pub fn is_live(&self) -> bool {
        self.status == DeliveryStatus::Scheduled
    }
}

/// Whether two points can be connected.
#[derive(Debug, Deserialize)]
pub struct Coverage {
    from: Point,
    to: Point,
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Route {
    Deliver { key: String, request: Box<DeliveryRequest> },
    Lookup { order_id: String },
    Cancel { order_id: String, id: String },
    Coverage(Coverage),
}

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str]) -> Option<Result<(Call, Route), Reply>> {
    let route = match (request.method.as_str(), segments) {
        ("POST", ["v1", "deliveries"]) => deliver(request),
        ("GET", ["v1", "deliveries"]) => match request.query_param("order_id").filter(|id| fit_for_ids(id)) {
            Some(order_id) => Ok(Route::Lookup { order_id: order_id.to_owned() }),
            None => Err(Partner::Logistics.error(400, "invalid_request", "order_id is missing")),
        },
        ("POST", ["v1", "deliveries", id, "cancel"]) => match order_in("dlv_", id) {
            Some(order_id) => Ok(Route::Cancel { order_id: order_id.to_owned(), id: (*id).to_owned() }),
            None => Err(unknown(id)),
        },
        ("POST", ["v1", "coverage"]) => Partner::Logistics.body(request).map(Route::Coverage),
        _ => return None,
    };
    Some(route.map(|route| (call(&route, request), route)))
}

fn deliver(request: &Request) -> Result<Route, Reply> {
    let partner = Partner::Logistics;
    let key = request.header("idempotency-key").filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| partner.error(400, "idempotency_key_missing", "the header Idempotency-Key is missing"))?;
    let body: DeliveryRequest = partner.body(request)?;
    if !fit_for_ids(&body.order_id) {
        return Err(partner.error(400, "invalid_request", "order_id is not valid"));
    }
    Ok(Route::Deliver { key: key.to_owned(), request: Box::new(body) })
}

fn call(route: &Route, request: &Request) -> Call {
    let (operation, order_id, consumer_id) = match route {
        Route::Deliver { request, .. } => ("deliver", Some(&request.order_id), Some(&request.consumer_id)),
        Route::Lookup { order_id } => ("lookup", Some(order_id), None),
        Route::Cancel { order_id, .. } => ("cancel", Some(order_id), None),
        Route::Coverage(_) => ("coverage", None, None),
    };
    let key = request.header("idempotency-key").map(str::to_owned);
    Call { partner: Partner::Logistics, operation, order_id: order_id.cloned(), consumer_id: consumer_id.cloned(), key }
}

pub(crate) async fn serve(
    documents: &impl Documents,
    route: &Route,
    now_ms: i64,
    fault: Option<&FaultKind>,
) -> Result<Reply, DocumentsError> {
    match route {
        Route::Deliver { key, request } => create(documents, key, request, now_ms, fault).await,
        Route::Lookup { order_id } => {
            let stored = documents.list(&partition(order_id)).await?;
            let deliveries = stored.into_iter().filter(|(sk, _)| sk.starts_with("delivery#")).map(|(_, document)| document.value);
            Ok(Reply::new(200, json!({ "deliveries": deliveries.collect::<Vec<_>>() })))
        }
        Route::Cancel { order_id, id } => {
            update(documents, &partition(order_id), &format!("delivery#{id}"), |delivery: Option<Delivery>| {
                match (delivery, fault) {
                    (Some(_), Some(FaultKind::Decline { code })) => {
                        (None, Partner::Logistics.error(422, code, "the sandbox was told not to call the courier off"))
                    }
                    (Some(delivery), _) => {
                        let delivery = Delivery { status: DeliveryStatus::Cancelled, ..delivery };
                        let reply = Reply::new(200, json!(delivery));
                        (Some(delivery), reply)
                    }
                    (None, _) => (None, unknown(id)),
                }
            })
            .await
        }
        Route::Coverage(Coverage { from, to }) => {
            let metres = distance_metres(*from, *to);
            Ok(Reply::new(200, json!({ "available": metres <= MAX_METRES, "distance_metres": metres })))
        }
    }
}

async fn create(
    documents: &impl Documents,
    key: &str,
    request: &DeliveryRequest,
    now_ms: i64,
    fault: Option<&FaultKind>,
) -> Result<Reply, DocumentsError> {
    let partner = Partner::Logistics;
    let id = format!("dlv_{}_{}", request.order_id, key_hash(key));
    let metres = distance_metres(request.pickup.point, request.dropoff.point);
    update(documents, &partition(&request.order_id), &format!("delivery#{id}"), |existing: Option<Delivery>| {
        if let Some(existing) = existing {
            let same = validation_hash(&json!(existing.request)) == validation_hash(&json!(request));
            let reply = if same {
                Reply::new(201, json!(existing)).replayed()
            } else {
                partner.error(409, "idempotency_key_reused", "this Idempotency-Key was used for another delivery")
            };
            return (None, reply);
        }
        if let Some(FaultKind::Decline { code }) = fault {
            return (None, partner.error(422, code, "the sandbox was told to refuse the delivery"));
        }
        if metres > MAX_METRES {
            return (None, partner.error(422, "out_of_range", "no courier goes that far"));
        }
        let eta_minutes = request.ready_in_minutes + metres.div_ceil(METRES_PER_MINUTE);
        let delivery = Delivery {
            id: id.clone(),
            status: DeliveryStatus::Scheduled,
            eta_minutes,
            created_at: now_ms,
            request: request.clone(),
        };
        let reply = Reply::new(201, json!(delivery));
        (Some(delivery), reply)
    })
    .await
}

fn unknown(id: &str) -> Reply {
    Partner::Logistics.error(404, "not_found", &format!("there is no delivery {id}"))
}

/// The way as the crow flies, by the haversine formula. Metres, to the nearest.
fn distance_metres(from: Point, to: Point) -> u64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let haversine = half(from.lat, to.lat) + from.lat.to_radians().cos() * to.lat.to_radians().cos() * half(from.lng, to.lng);
    // A cast of a float saturates; no two points are further apart than 20 037 508 m.
    (2.0 * EARTH_METRES * haversine.clamp(0.0, 1.0).sqrt().asin()).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let at = |lat, lng| Point { lat, lng };
        assert_eq!(distance_metres(at(37.77, -122.42), at(37.77, -122.42)), 0);
        assert!((111_190..111_200).contains(&distance_metres(at(0.0, 0.0), at(0.0, 1.0))));
        assert!((20_015_000..20_015_200).contains(&distance_metres(at(0.0, 0.0), at(0.0, 180.0))));
    }
}
