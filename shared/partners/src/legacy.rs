use crate::call::{Http, send};
use carryout_checkout::{partners::PartnerPolicy, ports::CallError};
use carryout_environment::StorageError;
use carryout_migration::{
    mirror::{LegacyOrder, LegacySink, Upserted},
    parity::{LegacyPriceRequest, LegacyPrices},
    partners::LEGACY,
};
use carryout_onboarding::legacy::{LegacyKey, LegacyRecord, LegacySystem};
use carryout_pricing::Price;
use reqwest::Url;
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
    agreement: PartnerPolicy,
}

impl HttpLegacyPrices {
    /// The system below `base_url`, given as long as `agreement` says.
    pub fn new(http: Http, base_url: impl Into<String>, agreement: PartnerPolicy) -> Self {
        Self { http, base_url: base_url.into(), agreement }
    }
}

impl LegacyPrices for HttpLegacyPrices {
    async fn price(&self, request: &LegacyPriceRequest) -> Result<Price, CallError> {
        send(&self.agreement, self.http.client().post(format!("{}/prices", self.base_url)).json(request)).await
    }
}

/// The applicants of a legacy system behind HTTP: `GET` and `PUT /applicants/{owner}?country=&market_type=`. Without an address it
/// knows nobody.
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

    /// Nothing where there is no such system, or no address can be made of its own.
    fn url(&self, key: LegacyKey<'_>) -> Option<Url> {
        let LegacyKey { owner, country, market_type } = key;
        let mut url = Url::parse(&self.base_url).ok()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["applicants", owner]);
        url.query_pairs_mut().extend_pairs([("country", country), ("market_type", market_type)]);
        Some(url)
    }
}

fn unavailable(error: CallError) -> StorageError {
    StorageError::Unavailable(error.to_string())
}

impl LegacySystem for HttpLegacyApplicants {
    async fn record(&self, key: LegacyKey<'_>) -> Result<Option<LegacyRecord>, StorageError> {
        let Some(url) = self.url(key) else { return Ok(None) };
        let known: KnownApplicant = send(&LEGACY, self.http.client().get(url)).await.map_err(unavailable)?;
        Ok(known.record)
    }

    async fn mirror(&self, key: LegacyKey<'_>, version: u64, record: &LegacyRecord) -> Result<(), StorageError> {
        let Some(url) = self.url(key) else { return Ok(()) };
        let put = self.http.client().put(url).json(&json!({ "version": version, "record": record }));
        send::<Value>(&LEGACY, put).await.map(drop).map_err(unavailable)
    }
}
