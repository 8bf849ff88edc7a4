use crate::call::{Http, send};
use carryout_checkout::{
    legacy::{LegacyOrder, LegacySink, Upserted},
    partners::LEGACY,
    ports::CallError,
};
use serde::Deserialize;

/// A legacy system behind HTTP: `PUT /orders/{id}` with a [`LegacyOrder`], answered by whether it was applied.
#[derive(Clone)]
pub struct HttpLegacy {
    http: Http,
    base_url: String,
}

#[derive(Deserialize)]
struct Answer {
    applied: bool,
}

impl HttpLegacy {
    /// The system below `base_url`.
    pub fn new(http: Http, base_url: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into() }
    }
}

impl LegacySink for HttpLegacy {
    async fn upsert(&self, order: &LegacyOrder) -> Result<Upserted, CallError> {
        let request = self.http.client().put(format!("{}/orders/{}", self.base_url, order.id)).json(order);
        let answer: Answer = send(&LEGACY, request).await?;
        Ok(if answer.applied { Upserted::Applied } else { Upserted::Older })
    }
}
