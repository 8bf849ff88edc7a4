use crate::call::{Http, send};
use carryout_checkout::{
    legacy::{LegacyOrder, LegacySink, Upserted},
    parity::{LegacyPriceRequest, LegacyPrices},
    partners::{Agreement, LEGACY},
    ports::CallError,
};
use carryout_pricing::Price;
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

/// The prices of a legacy system behind HTTP: `POST /prices` with a [`LegacyPriceRequest`], answered by a [`Price`].
#[derive(Clone)]
pub struct HttpLegacyPrices {
    http: Http,
    base_url: String,
    agreement: Agreement,
}

impl HttpLegacyPrices {
    /// The system below `base_url`, given as long as `agreement` says.
    pub fn new(http: Http, base_url: impl Into<String>, agreement: Agreement) -> Self {
        Self { http, base_url: base_url.into(), agreement }
    }
}

impl LegacyPrices for HttpLegacyPrices {
    async fn price(&self, request: &LegacyPriceRequest) -> Result<Price, CallError> {
        send(&self.agreement, self.http.client().post(format!("{}/prices", self.base_url)).json(request)).await
    }
}
