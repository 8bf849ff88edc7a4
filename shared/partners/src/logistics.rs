use crate::call::{Http, send};
use carryout_checkout::{
    consumer::Address,
    order::Order,
    partners::{COVERAGE, LOGISTICS},
    ports::{CallError, Delivery, Logistics},
    store::Location,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The logistics partner.
#[derive(Clone)]
pub struct HttpLogistics {
    http: Http,
    base_url: String,
}

#[derive(Deserialize)]
struct DeliveryBody {
    id: String,
    status: String,
    #[serde(default)]
    eta_minutes: u32,
}

#[derive(Deserialize)]
struct DeliveriesBody {
    deliveries: Vec<DeliveryBody>,
}

#[derive(Deserialize)]
struct CoverageBody {
    available: bool,
}

impl From<DeliveryBody> for Delivery {
    fn from(body: DeliveryBody) -> Self {
        Self { id: body.id, live: body.status != "cancelled", eta_minutes: body.eta_minutes }
    }
}

impl HttpLogistics {
    /// The service below `base_url`.
    pub fn new(http: Http, base_url: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.base_url)
    }
}

impl Logistics for HttpLogistics {
    async fn covers(&self, from: Location, to: Location) -> Result<bool, CallError> {
        let request = self.http.client().post(self.url("coverage")).json(&json!({ "from": from, "to": to }));
        let body: CoverageBody = send(&COVERAGE, request).await?;
        Ok(body.available)
    }

    async fn create(&self, key: &str, order: &Order, to: &Address) -> Result<Delivery, CallError> {
        let request = self.http.client().post(self.url("deliveries")).header("Idempotency-Key", key).json(&json!({
            "order_id": order.id,
            "consumer_id": order.consumer.id,
            "pickup": {
                "name": order.store.name,
                "address": order.store.address,
                "lat": order.store.location.lat,
                "lng": order.store.location.lng,
            },
            "dropoff": {
                "name": order.consumer.name,
                "phone": order.consumer.phone,
                "address": format!("{}, {}", to.line, to.city),
                "lat": to.location.lat,
                "lng": to.location.lng,
            },
            "ready_in_minutes": order.store.prep_minutes,
        }));
        let body: DeliveryBody = send(&LOGISTICS, request).await?;
        Ok(body.into())
    }

    async fn find(&self, order_id: &str) -> Result<Vec<Delivery>, CallError> {
        let request = self.http.client().get(self.url("deliveries")).query(&[("order_id", order_id)]);
        let body: DeliveriesBody = send(&LOGISTICS, request).await?;
        Ok(body.deliveries.into_iter().map(Delivery::from).collect())
    }

    async fn cancel(&self, delivery: &str) -> Result<(), CallError> {
        let request = self.http.client().post(self.url(&format!("deliveries/{delivery}/cancel")));
        let _cancelled: Value = send(&LOGISTICS, request).await?;
        Ok(())
    }
}
