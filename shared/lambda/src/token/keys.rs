//! The issuer's public keys: fetched, cached, and refreshed when a token names an unknown one.

use super::TokenAlgorithm;
use carryout_environment::Clock;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long fetched keys are used before they are fetched again, so that a withdrawn key expires. Milliseconds.
pub(super) const KEYS_MAX_AGE_MS: i64 = 15 * 60 * 1_000;
/// The shortest time between two fetches, so that tokens with made-up key ids can't cause a flood. Milliseconds.
const REFETCH_INTERVAL_MS: i64 = 30_000;
/// The shortest time between two fetches while there are no keys at all. Milliseconds.
pub(super) const FIRST_FETCH_INTERVAL_MS: i64 = 1_000;
/// How long fetching the keys may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Provides the issuer's public keys.
pub trait JwksSource: Send + Sync + 'static {
    /// Fetches the key set of RFC 7517: `{"keys": […]}`.
    fn fetch(&self) -> impl Future<Output = Result<Value, JwksError>> + Send;
}

/// The key set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The issuer did not answer, or its answer was no key set. Keys that were fetched before stay in use.
    #[error("the issuer's keys could not be fetched: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer has no `keys`.
    #[error("the issuer's answer is not a key set")]
    NotAKeySet,
}

/// Fetches the issuer's key set over HTTP.
#[derive(Debug, Clone)]
pub struct HttpJwks {
    url: String,
}

impl HttpJwks {
    /// The key set at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }
}

impl JwksSource for HttpJwks {
    async fn fetch(&self) -> Result<Value, JwksError> {
        let unavailable = |error: reqwest::Error| JwksError::Unavailable(error.into());
        // Fetches are minutes apart, so keeping a connection would only cost memory. A proxy in the environment is ignored: the
        // issuer is reached directly.
        let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).no_proxy().build().map_err(unavailable)?;
        let response = client.get(&self.url).send().await.and_then(reqwest::Response::error_for_status).map_err(unavailable)?;
        response.json().await.map_err(unavailable)
    }
}

/// Why no key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// No keys were ever fetched.
    Unavailable,
    /// The issuer has no such key.
    Unknown,
}

/// Keys by id, shared by all requests of a process.
pub(super) struct KeyCache<S> {
    algorithm: TokenAlgorithm,
    source: S,
    clock: Arc<dyn Clock>,
    keys: RwLock<Option<Keys>>,
    /// The time of the last fetch. Its lock is the right to fetch: a request that waits for it finds the answer of the one before.
    last_fetch_ms: tokio::sync::Mutex<Option<i64>>,
}

#[derive(Clone)]
struct Keys {
    by_id: Arc<HashMap<String, DecodingKey>>,
    fetched_ms: i64,
}

impl<S: JwksSource> KeyCache<S> {
    /// An empty cache. Fetches nothing before the first [`Self::key`].
    pub(super) fn new(algorithm: TokenAlgorithm, source: S, clock: Arc<dyn Clock>) -> Self {
        Self { algorithm, source, clock, keys: RwLock::new(None), last_fetch_ms: tokio::sync::Mutex::new(None) }
    }

    /// The key with this id; the only key if `id` is `None`.
    pub(super) async fn key(&self, id: Option<&str>) -> Result<DecodingKey, NoKey> {
        let known = self.known();
        let aged = known.as_ref().is_none_or(|keys| self.clock.now() - keys.fetched_ms >= KEYS_MAX_AGE_MS);
        let found = known.as_ref().and_then(|keys| keys.find(id));
        if let (Some(key), false) = (&found, aged) {
            return Ok(key.clone());
        }
        self.refetch(known.as_ref().map(|keys| keys.fetched_ms)).await;
        self.known().ok_or(NoKey::Unavailable)?.find(id).ok_or(NoKey::Unknown)
    }

    fn known(&self) -> Option<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless another request has done so since `seen_ms`, or the last fetch was too recent.
    async fn refetch(&self, seen_ms: Option<i64>) {
        let mut last_fetch = self.last_fetch_ms.lock().await;
        let (known, now) = (self.known(), self.clock.now());
        let interval = if known.is_some() { REFETCH_INTERVAL_MS } else { FIRST_FETCH_INTERVAL_MS };
        let already = known.is_some_and(|keys| Some(keys.fetched_ms) != seen_ms);
        if already || last_fetch.is_some_and(|last| now - last < interval) {
            return;
        }
        *last_fetch = Some(now);
        match self.source.fetch().await.and_then(|set| self.usable(&set)) {
            Ok(by_id) => {
                let keys = Keys { by_id: Arc::new(by_id), fetched_ms: now };
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
            }
            Err(error) => {
                tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "the issuer's cached keys stay in use");
            }
        }
    }

    /// The keys of a set that are meant for signatures with the configured algorithm.
    fn usable(&self, set: &Value) -> Result<HashMap<String, DecodingKey>, JwksError> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(JwksError::NotAKeySet)?;
        let usable = keys.iter().filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
            let fits = match (&jwk.algorithm, self.algorithm) {
                (AlgorithmParameters::EllipticCurve(key), TokenAlgorithm::Es256) => key.curve == EllipticCurve::P256,
                (AlgorithmParameters::RSA(_), TokenAlgorithm::Rs256) => true,
                _ => false,
            };
            let signs = key.get("use").is_none_or(|usage| usage == "sig");
            (fits && signs)
                .then(|| Some((jwk.common.key_id.clone().unwrap_or_default(), DecodingKey::from_jwk(&jwk).ok()?)))
                .flatten()
        });
        Ok(usable.collect())
    }
}

impl Keys {
    fn find(&self, id: Option<&str>) -> Option<DecodingKey> {
        match id {
            Some(id) => self.by_id.get(id).cloned(),
            None => self.by_id.values().next().filter(|_| self.by_id.len() == 1).cloned(),
        }
    }
}
