//! The logistics partner: deliveries within a range.

use crate::call::{Call, FaultKind, Operation, Partner, Reply, json_body};
use crate::callbacks::Time;
use crate::documents::{Documents, DocumentsError, order_partition, update};
use crate::ids::{is_valid_id, key_hash, order_in};
use crate::partner::{Effect, OrderDocuments, PartnerBooks, PartnerCall, PlayedPartner};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::http::Request;
use carryout_lambda::idempotency::validation_hash;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;

const DELIVER: &Operation = &Operation::effect("deliver").declinable();
const LOOKUP: &Operation = &Operation::read("lookup");
const CANCEL: &Operation = &Operation::effect("cancel").declinable();
const COVERAGE: &Operation = &Operation::read("coverage");

/// The longest distance of a delivery. Metres.
const MAX_METRES: u64 = 12_000;
/// The speed of a courier: 20 km/h.
const METRES_PER_MINUTE: u64 = 333;
/// The mean radius of the earth (IUGG).
const EARTH_METRES: f64 = 6_371_008.8;

/// A point in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    lat: f64,
    lng: f64,
}

/// The place where a courier collects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pickup {
    name: String,
    address: String,
    #[serde(flatten)]
    point: Point,
}

/// The place where a courier delivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dropoff {
    name: String,
    phone: String,
    address: String,
    #[serde(flatten)]
    point: Point,
}

/// A requested delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryRequest {
    order_id: String,
    consumer_id: String,
    pickup: Pickup,
    dropoff: Dropoff,
    ready_in_minutes: u64,
}

/// The status of a delivery.
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

/// A request for coverage between two points.
#[derive(Debug, Deserialize)]
pub struct Coverage {
    from: Point,
    to: Point,
}

/// The couriers.
pub(crate) struct Logistics;

/// A request to the couriers.
#[derive(Debug)]
enum LogisticsRequest {
    Deliver { key: String, request: Box<DeliveryRequest> },
    Lookup { order_id: String },
    Cancel { order_id: String, id: String },
    Coverage(Coverage),
}

impl<P: Ports> PlayedPartner<P> for Logistics {
    fn partner(&self) -> Partner {
        Partner::Logistics
    }

    fn operations(&self) -> &'static [&'static Operation] {
        &[DELIVER, LOOKUP, CANCEL, COVERAGE]
    }

    fn route(&self, request: &Request, segments: &[&str], _: &Settings) -> Option<Result<PartnerCall<P>, Reply>> {
        let asked = match (request.method.as_str(), segments) {
            ("POST", ["v1", "deliveries"]) => deliver(request),
            ("GET", ["v1", "deliveries"]) => match request.query_param("order_id").filter(|id| is_valid_id(id)) {
                Some(order_id) => Ok(LogisticsRequest::Lookup { order_id: order_id.to_owned() }),
                None => Err(Reply::invalid("order_id is missing")),
            },
            ("POST", ["v1", "deliveries", id, "cancel"]) => match order_in("dlv_", id) {
                Some(order_id) => Ok(LogisticsRequest::Cancel { order_id: order_id.to_owned(), id: (*id).to_owned() }),
                None => Err(unknown(id)),
            },
            ("POST", ["v1", "coverage"]) => json_body(request).map(LogisticsRequest::Coverage),
            _ => return None,
        };
        Some(asked.map(|asked| PartnerCall::new(request, call(&asked, request), asked)))
    }

    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError> {
        let deliveries: Vec<Delivery> = order.of("delivery")?;
        let live = deliveries.iter().filter(|delivery| delivery.status == DeliveryStatus::Scheduled).count();
        Ok(PartnerBooks { entries: vec![("deliveries", json!(deliveries))], summary: vec![("live_deliveries", live.into())] })
    }
}

impl<P: Ports> Effect<P> for LogisticsRequest {
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        _: &'a PartnerCall<P>,
        fault: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>> {
        Box::pin(async move { Ok(serve(&sandbox.documents, self, sandbox.time.now_ms(), fault).await?) })
    }
}

fn deliver(request: &Request) -> Result<LogisticsRequest, Reply> {
    let key = request.header("idempotency-key").filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| Reply::error(400, "idempotency_key_missing", "the header Idempotency-Key is missing"))?;
    let body: DeliveryRequest = json_body(request)?;
    if !is_valid_id(&body.order_id) {
        return Err(Reply::invalid("order_id is not valid"));
    }
    Ok(LogisticsRequest::Deliver { key: key.to_owned(), request: Box::new(body) })
}

fn call(route: &LogisticsRequest, request: &Request) -> Call {
    let (operation, order_id, consumer_id) = match route {
        LogisticsRequest::Deliver { request, .. } => (DELIVER, Some(&request.order_id), Some(&request.consumer_id)),
        LogisticsRequest::Lookup { order_id } => (LOOKUP, Some(order_id), None),
        LogisticsRequest::Cancel { order_id, .. } => (CANCEL, Some(order_id), None),
        LogisticsRequest::Coverage(_) => (COVERAGE, None, None),
    };
    let key = request.header("idempotency-key").map(str::to_owned);
    Call { partner: Partner::Logistics, operation, order_id: order_id.cloned(), consumer_id: consumer_id.cloned(), key }
}

async fn serve(
    documents: &impl Documents,
    route: &LogisticsRequest,
    now_ms: i64,
    fault: Option<&FaultKind>,
) -> Result<Reply, DocumentsError> {
    match route {
        LogisticsRequest::Deliver { key, request } => create(documents, key, request, now_ms, fault).await,
        LogisticsRequest::Lookup { order_id } => {
            let stored = documents.list(&order_partition(order_id)).await?;
            let deliveries = stored.into_iter().filter(|(sk, _)| sk.starts_with("delivery#")).map(|(_, document)| document.value);
            Ok(Reply::new(200, json!({ "deliveries": deliveries.collect::<Vec<_>>() })))
        }
        LogisticsRequest::Cancel { order_id, id } => {
            update(documents, &order_partition(order_id), &format!("delivery#{id}"), |delivery: Option<Delivery>| {
                match (delivery, fault) {
                    (Some(_), Some(FaultKind::Decline { code })) => {
                        (None, Reply::error(422, code, "injected fault: the cancellation is refused"))
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
        LogisticsRequest::Coverage(Coverage { from, to }) => {
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
    let id = format!("dlv_{}_{}", request.order_id, key_hash(key));
    let metres = distance_metres(request.pickup.point, request.dropoff.point);
    update(documents, &order_partition(&request.order_id), &format!("delivery#{id}"), |existing: Option<Delivery>| {
        if let Some(existing) = existing {
            let same = validation_hash(&json!(existing.request)) == validation_hash(&json!(request));
            let reply = if same {
                Reply::new(201, json!(existing)).replayed()
            } else {
                Reply::error(409, "idempotency_key_reused", "this Idempotency-Key was used for another delivery")
            };
            return (None, reply);
        }
        if let Some(FaultKind::Decline { code }) = fault {
            return (None, Reply::error(422, code, "injected fault: the delivery is refused"));
        }
        if metres > MAX_METRES {
            return (None, Reply::error(422, "out_of_range", "the distance exceeds the delivery range"));
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
    Reply::error(404, "not_found", &format!("unknown delivery {id}"))
}

/// The great-circle distance, by the haversine formula. Metres, rounded.
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
    fn distances_are_great_circles() {
        let at = |lat, lng| Point { lat, lng };
        assert_eq!(distance_metres(at(37.77, -122.42), at(37.77, -122.42)), 0);
        assert!((111_190..111_200).contains(&distance_metres(at(0.0, 0.0), at(0.0, 1.0))));
        assert!((20_015_000..20_015_200).contains(&distance_metres(at(0.0, 0.0), at(0.0, 180.0))));
    }
}
