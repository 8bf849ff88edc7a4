use crate::call::{Http, send};
use carryout_checkout::{
    order::{FraudFacts, Order},
    partners::FRAUD,
    ports::{CallError, Fraud, FraudVerdict},
};
use serde::Deserialize;
use serde_json::json;

/// The fraud service.
#[derive(Clone)]
pub struct HttpFraud {
    http: Http,
    base_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Approve,
    Reject,
}

#[derive(Deserialize)]
struct CheckBody {
    decision: Decision,
    score: u8,
    #[serde(default)]
    reason: String,
}

impl HttpFraud {
    /// The service below `base_url`.
    pub fn new(http: Http, base_url: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into() }
    }
}

impl Fraud for HttpFraud {
    async fn check(&self, order: &Order, facts: FraudFacts) -> Result<FraudVerdict, CallError> {
        let total = order.total();
        let request = self.http.client().post(format!("{}/v1/checks", self.base_url)).json(&json!({
            "order_id": order.id,
            "consumer_id": order.consumer.id,
            "amount": total.minor,
            "currency": total.currency,
            "account_age_days": facts.account_age_days,
            "orders_placed": facts.orders_placed,
            "abroad": facts.abroad,
        }));
        let body: CheckBody = send(&FRAUD, request).await?;
        Ok(FraudVerdict { approved: matches!(body.decision, Decision::Approve), score: body.score, reason: body.reason })
    }
}
