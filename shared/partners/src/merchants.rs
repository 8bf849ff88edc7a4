use crate::call::{Http, send};
use carryout_checkout::{
    order::Order,
    partners::MERCHANT,
    ports::{CallError, Merchants},
};
use serde_json::{Value, json};

/// The merchants' order systems.
#[derive(Clone)]
pub struct HttpMerchants {
    http: Http,
    base_url: String,
    answer_to: String,
}

impl HttpMerchants {
    /// The service below `base_url`; merchants answer to the webhook at `answer_to`.
    pub fn new(http: Http, base_url: impl Into<String>, answer_to: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into(), answer_to: answer_to.into() }
    }

    fn url(&self, order: &Order) -> String {
        format!("{}/v1/stores/{}/orders/{}", self.base_url, order.store.id, order.id)
    }
}

impl Merchants for HttpMerchants {
    async fn send(&self, order: &Order, wants_answer: bool) -> Result<(), CallError> {
        let lines = order.quote.terms.price.lines.iter().map(|line| json!({ "name": line.name, "quantity": line.quantity }));
        let request = self.http.client().put(self.url(order)).json(&json!({
            "consumer_id": order.consumer.id,
            "consumer_name": order.consumer.name,
            "fulfilment": if order.is_delivery() { "delivery" } else { "pickup" },
            "lines": lines.collect::<Vec<_>>(),
            "answer_to": wants_answer.then_some(&self.answer_to),
        }));
        let _received: Value = send(&MERCHANT, request).await?;
        Ok(())
    }

    async fn cancel(&self, order: &Order) -> Result<(), CallError> {
        let request = self.http.client().post(format!("{}/cancel", self.url(order)));
        let _cancelled: Value = send(&MERCHANT, request).await?;
        Ok(())
    }
}
