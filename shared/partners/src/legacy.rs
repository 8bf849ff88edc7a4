use crate::call::{Http, send};
use carryout_checkout::{
    legacy::{LegacyOrder, LegacySink, Upserted},
    parity::{LegacyPriceRequest, LegacyPrices},
    partners::{Agreement, LEGACY},
    ports::CallError,
};
use carryout_onboarding::legacy::{LegacyRecord, LegacySystem};
use carryout_pricing::Price;
use carryout_workflow::StoreError;
use serde::Deserialize;
use serde_json::{Value, json};

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

/// The applicants of a legacy system behind HTTP: `GET` and `PUT /applicants/{owner}`, by market.
#[derive(Clone)]
pub struct HttpLegacyApplicants {
    http: Http,
    base_url: String,
}

#[derive(Deserialize)]
struct KnownApplicant {
    record: Option<LegacyRecord>,
}

impl HttpLegacyApplicants {
    /// The system below `base_url`.
    pub fn new(http: Http, base_url: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into() }
    }

    fn url(&self, owner: &str) -> String {
        format!("{}/applicants/{owner}", self.base_url)
    }
}

fn unavailable(error: CallError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

impl LegacySystem for HttpLegacyApplicants {
    async fn record(&self, owner: &str, country: &str, market_type: &str) -> Result<Option<LegacyRecord>, StoreError> {
        let get = self.http.client().get(self.url(owner)).query(&[("country", country), ("market_type", market_type)]);
        let known: KnownApplicant = send(&LEGACY, get).await.map_err(unavailable)?;
        Ok(known.record)
    }

    async fn mirror(&self, owner: &str, version: u64, record: &LegacyRecord) -> Result<(), StoreError> {
        let put = self.http.client().put(self.url(owner)).json(&json!({ "version": version, "record": record }));
        send::<Value>(&LEGACY, put).await.map(drop).map_err(unavailable)
    }
}
