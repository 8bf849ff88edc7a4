//! Bearer tokens: who is asking, checked inside each function.
//!
//! Issuer, audience, algorithm and the address of the keys are configuration. The algorithm in particular is never taken from
//! the token.

use crate::clock::SystemClock;
use crate::config::Reader;
use crate::http::{Problem, Request};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How far the clocks of issuer and function may differ. Seconds.
pub const LEEWAY_SECONDS: i64 = 30;
/// How long fetched keys are used before they are fetched again, so that a withdrawn key is forgotten. Milliseconds.
const KEYS_MAX_AGE_MS: i64 = 15 * 60 * 1_000;
/// The least time between two fetches, so that tokens with made-up key ids can't cause a flood. Milliseconds.
const REFETCH_INTERVAL_MS: i64 = 30_000;
/// The same while there are no keys at all.
const FIRST_FETCH_INTERVAL_MS: i64 = 1_000;
/// How long fetching the keys may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The one algorithm that tokens are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    Es256,
    /// RSA PKCS #1 with SHA-256.
    Rs256,
}

impl FromStr for TokenAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "ES256" => Ok(Self::Es256),
            "RS256" => Ok(Self::Rs256),
            _ => Err(UnknownAlgorithm),
        }
    }
}

/// The name of an algorithm that tokens are not signed with here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be ES256 or RS256")]
pub struct UnknownAlgorithm;

/// Where the issuer's public keys come from.
pub trait JwksSource: Send + Sync + 'static {
    /// The key set as RFC 7517 has it: `{"keys": […]}`.
    fn fetch(&self) -> impl Future<Output = Result<Value, JwksError>> + Send;
}

/// The key set could not be had.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The issuer did not answer, or not with a key set. Keys that were fetched before stay in use.
    #[error("the issuer's keys could not be fetched: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What came has no `keys`.
    #[error("what the issuer answered is not a key set")]
    NotAKeySet,
}

/// The issuer's key set by HTTP.
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

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The token's subject: for consumers, the consumer's id.
    pub subject: String,
    /// The token's `roles`.
    pub roles: Vec<String>,
}

impl Identity {
    /// Whether the token has this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// # Errors
    ///
    /// 403 `Token.RoleMissing`.
    pub fn require_role(&self, role: &str) -> Result<(), Problem> {
        if self.has_role(role) {
            return Ok(());
        }
        Err(Problem::new(403, "Token.RoleMissing", format!("this needs the role {role}"))
            .advice("Ask for a token with the role."))
    }
}

/// Checks bearer tokens. Clones share the fetched keys.
pub struct TokenVerifier<S = HttpJwks>(Arc<Shared<S>>);

struct Shared<S> {
    algorithm: TokenAlgorithm,
    validation: Validation,
    source: S,
    keys: RwLock<Option<Keys>>,
    /// When keys were last asked for. Holding it is the right to ask: whoever waits for it finds the answer of the one before.
    last_fetch_ms: tokio::sync::Mutex<Option<i64>>,
    now_ms: Box<dyn Fn() -> i64 + Send + Sync>,
}

#[derive(Clone)]
struct Keys {
    by_id: Arc<HashMap<String, DecodingKey>>,
    fetched_ms: i64,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    // RFC 7519 allows fractions.
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    roles: Vec<String>,
}

impl TokenVerifier<HttpJwks> {
    /// A verifier as configured by `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_ALGORITHM` and `JWKS_URL`.
    pub fn from_config(config: &mut Reader) -> Self {
        let (issuer, audience) = (config.required("TOKEN_ISSUER"), config.required("TOKEN_AUDIENCE"));
        let algorithm = config.parsed("TOKEN_ALGORITHM");
        Self::new(issuer, audience, algorithm, HttpJwks::new(config.required("JWKS_URL")))
    }
}

impl<S: JwksSource> TokenVerifier<S> {
    /// A verifier for tokens of one issuer, for one audience. Fetches nothing before the first token.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, algorithm: TokenAlgorithm, source: S) -> Self {
        Self::with_clock(issuer, audience, algorithm, source, || SystemClock.now_ms())
    }

    /// The same with another clock. Milliseconds since the Unix epoch.
    pub fn with_clock(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        algorithm: TokenAlgorithm,
        source: S,
        now_ms: impl Fn() -> i64 + Send + Sync + 'static,
    ) -> Self {
        let mut validation = Validation::new(match algorithm {
            TokenAlgorithm::Es256 => Algorithm::ES256,
            TokenAlgorithm::Rs256 => Algorithm::RS256,
        });
        validation.set_issuer(&[issuer.into()]);
        validation.set_audience(&[audience.into()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked here, against the clock above.
        validation.validate_exp = false;
        Self(Arc::new(Shared {
            algorithm,
            validation,
            source,
            keys: RwLock::new(None),
            last_fetch_ms: tokio::sync::Mutex::new(None),
            now_ms: Box::new(now_ms),
        }))
    }

    /// Who sent `request`.
    ///
    /// # Errors
    ///
    /// 401 with the code `Token.Missing`, `Token.Expired` or `Token.Invalid`; 503 `Token.KeysUnavailable` where the issuer's
    /// keys can't be had.
    pub async fn verify(&self, request: &Request) -> Result<Identity, Problem> {
        let shared = &self.0;
        let token = bearer(request).ok_or_else(|| {
            Problem::new(401, "Token.Missing", "this needs a bearer token in the Authorization header")
                .header("www-authenticate", "Bearer")
        })?;
        let header = jsonwebtoken::decode_header(token).map_err(|error| invalid(&error))?;
        if !shared.validation.algorithms.contains(&header.alg) {
            return Err(refused("Token.Invalid", "the token is signed with another algorithm"));
        }
        let key = shared.key(header.kid.as_deref()).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &shared.validation).map_err(|error| invalid(&error))?.claims;
        let (now, leeway) = ((shared.now_ms)() as f64 / 1_000.0, LEEWAY_SECONDS as f64);
        // JSON has no number that isn't one, so these comparisons are total.
        if claims.exp + leeway <= now {
            return Err(refused("Token.Expired", "the token has expired").advice("Get a fresh token."));
        }
        if claims.nbf.is_some_and(|not_before| not_before - leeway > now) {
            return Err(refused("Token.Invalid", "the token is not valid yet"));
        }
        if claims.sub.is_empty() {
            return Err(refused("Token.Invalid", "the token has no subject"));
        }
        Ok(Identity { subject: claims.sub, roles: claims.roles })
    }
}

impl<S> Clone for TokenVerifier<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for TokenVerifier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("issuer", &self.0.validation.iss)
            .field("algorithm", &self.0.algorithm)
            .finish_non_exhaustive()
    }
}

impl<S: JwksSource> Shared<S> {
    /// The key of this id; the only one there is where the token names none.
    async fn key(&self, id: Option<&str>) -> Result<DecodingKey, Problem> {
        let known = self.known();
        let aged = known.as_ref().is_none_or(|keys| (self.now_ms)() - keys.fetched_ms >= KEYS_MAX_AGE_MS);
        let found = known.as_ref().and_then(|keys| keys.find(id));
        if let (Some(key), false) = (&found, aged) {
            return Ok(key.clone());
        }
        self.refetch(known.as_ref().map(|keys| keys.fetched_ms)).await;
        let keys = self
            .known()
            .ok_or_else(|| Problem::new(503, "Token.KeysUnavailable", "tokens can't be checked right now").retry_after(2))?;
        keys.find(id).ok_or_else(|| refused("Token.Invalid", "the token is signed with an unknown key"))
    }

    fn known(&self) -> Option<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless somebody has since those of `seen_ms`, or it was tried too recently.
    async fn refetch(&self, seen_ms: Option<i64>) {
        let mut last_fetch = self.last_fetch_ms.lock().await;
        let (known, now) = (self.known(), (self.now_ms)());
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
            Err(error) => tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "keeping the keys that are known"),
        }
    }

    /// The keys that fit the configured algorithm, and are meant for signatures.
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

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.trim().split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

fn invalid(error: &jsonwebtoken::errors::Error) -> Problem {
    refused("Token.Invalid", "the token is not valid").caused_by(error)
}

fn refused(code: &str, detail: &str) -> Problem {
    Problem::new(401, code, detail).header("www-authenticate", "Bearer error=\"invalid_token\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    const NOW: i64 = 1_800_000_000;

    struct Signer {
        id: &'static str,
        pkcs8: Vec<u8>,
        public: Vec<u8>,
    }

    impl Signer {
        fn new(id: &'static str) -> Self {
            let pkcs8 =
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap().as_ref().to_vec();
            let public =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap().public_key().as_ref().to_vec();
            Self { id, pkcs8, public }
        }

        fn jwk(&self) -> Value {
            let (x, y) = self.public[1..].split_at(32);
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
        }

        fn token(&self, claims: &Value) -> Request {
            let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::ES256) };
            request(&jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.pkcs8)).unwrap())
        }
    }

    fn request(token: &str) -> Request {
        Request { headers: vec![("authorization".into(), format!("Bearer {token}"))], ..Request::default() }
    }

    fn claims() -> Value {
        json!({ "iss": "https://issuer", "aud": "carryout", "sub": "con_1", "exp": NOW + 600, "roles": ["operator"] })
    }

    fn with(member: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims();
        claims[member] = value.into();
        claims
    }

    /// Keys that a test may change, and a count of fetches.
    #[derive(Clone, Default)]
    struct Source {
        keys: Arc<Mutex<Option<Vec<Value>>>>,
        fetches: Arc<AtomicUsize>,
        now: Arc<AtomicI64>,
    }

    impl Source {
        fn of(keys: Option<Vec<Value>>) -> Self {
            let source = Self::default();
            source.now.store(NOW * 1_000, Ordering::Relaxed);
            source.set(keys);
            source
        }

        fn set(&self, keys: Option<Vec<Value>>) {
            *self.keys.lock().unwrap() = keys;
        }

        fn pass(&self, ms: i64) {
            self.now.fetch_add(ms, Ordering::Relaxed);
        }

        fn fetches(&self) -> usize {
            self.fetches.load(Ordering::Relaxed)
        }

        fn verifier(&self) -> TokenVerifier<Self> {
            let now = Arc::clone(&self.now);
            TokenVerifier::with_clock("https://issuer", "carryout", TokenAlgorithm::Es256, self.clone(), move || {
                now.load(Ordering::Relaxed)
            })
        }
    }

    impl JwksSource for Source {
        async fn fetch(&self) -> Result<Value, JwksError> {
            self.fetches.fetch_add(1, Ordering::Relaxed);
            let keys = self.keys.lock().unwrap().clone();
            keys.map(|keys| json!({ "keys": keys })).ok_or_else(|| JwksError::Unavailable("no answer".into()))
        }
    }

    fn code(result: Result<Identity, Problem>) -> String {
        result.map_or_else(|problem| problem.code().to_owned(), |identity| identity.subject)
    }

    #[tokio::test]
    async fn a_good_token_says_who_asks_and_keys_are_fetched_once() {
        let signer = Signer::new("k1");
        let source = Source::of(Some(vec![signer.jwk()]));
        let verifier = source.verifier();
        assert_eq!(source.fetches(), 0);
        for _ in 0..3 {
            let identity = verifier.clone().verify(&signer.token(&claims())).await.unwrap();
            assert_eq!(identity.subject, "con_1");
            assert_eq!(identity.require_role("operator"), Ok(()));
            assert_eq!(identity.require_role("admin").unwrap_err().code(), "Token.RoleMissing");
        }
        assert_eq!(source.fetches(), 1);
    }

    #[tokio::test]
    async fn every_claim_is_checked() {
        let signer = Signer::new("k1");
        let verifier = Source::of(Some(vec![signer.jwk()])).verifier();
        for (claims, expected) in [
            (with("aud", json!(["other", "carryout"])), "con_1"),
            (with("iss", "https://other"), "Token.Invalid"),
            (with("aud", "other"), "Token.Invalid"),
            (with("aud", Value::Null), "Token.Invalid"),
            (with("sub", ""), "Token.Invalid"),
            (with("sub", Value::Null), "Token.Invalid"),
            (with("exp", Value::Null), "Token.Invalid"),
            (with("exp", NOW - 29), "con_1"),
            (with("exp", NOW - 30), "Token.Expired"),
            (with("nbf", NOW + 30), "con_1"),
            (with("nbf", NOW + 31), "Token.Invalid"),
            (with("roles", "operator"), "Token.Invalid"),
        ] {
            assert_eq!(code(verifier.verify(&signer.token(&claims)).await), expected, "{claims}");
        }
    }

    #[tokio::test]
    async fn a_token_can_not_choose_its_algorithm() {
        let signer = Signer::new("k1");
        let verifier = Source::of(Some(vec![signer.jwk()])).verifier();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let unsigned = format!("{}.{}.", part(json!({ "alg": "none", "kid": "k1" })), part(claims()));
        assert_eq!(code(verifier.verify(&request(&unsigned)).await), "Token.Invalid");
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
        let with_public_key_as_secret =
            jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&signer.public)).unwrap();
        assert_eq!(code(verifier.verify(&request(&with_public_key_as_secret)).await), "Token.Invalid");
    }

    #[tokio::test]
    async fn a_signature_of_another_key_is_refused() {
        let (signer, forger) = (Signer::new("k1"), Signer::new("k1"));
        let verifier = Source::of(Some(vec![signer.jwk()])).verifier();
        assert_eq!(code(verifier.verify(&forger.token(&claims())).await), "Token.Invalid");
        for nonsense in ["x", "a.b.c", "..", "é"] {
            assert_eq!(code(verifier.verify(&request(nonsense)).await), "Token.Invalid", "{nonsense}");
        }
    }

    #[tokio::test]
    async fn without_a_token_the_client_is_told_how_to_bring_one() {
        let verifier = Source::of(None).verifier();
        for header in [None, Some("Basic eA=="), Some("Bearer "), Some("Bearer")] {
            let headers = header.map(|value| ("authorization".to_owned(), value.to_owned())).into_iter().collect();
            let problem = verifier.verify(&Request { headers, ..Request::default() }).await.unwrap_err();
            assert_eq!(problem.code(), "Token.Missing");
            assert_eq!(problem.into_response("").header_value("www-authenticate"), Some("Bearer"));
        }
    }

    #[tokio::test]
    async fn an_unknown_key_is_looked_up_at_most_twice_a_minute() {
        let (first, second) = (Signer::new("k1"), Signer::new("k2"));
        let source = Source::of(Some(vec![first.jwk()]));
        let verifier = source.verifier();
        assert_eq!(code(verifier.verify(&second.token(&claims())).await), "Token.Invalid");
        source.set(Some(vec![second.jwk()]));
        source.pass(29_999);
        assert_eq!(code(verifier.verify(&second.token(&claims())).await), "Token.Invalid");
        assert_eq!(source.fetches(), 1);
        source.pass(1);
        assert_eq!(code(verifier.verify(&second.token(&claims())).await), "con_1");
        assert_eq!(source.fetches(), 2);
        assert_eq!(code(verifier.verify(&first.token(&claims())).await), "Token.Invalid", "it was withdrawn");
    }

    #[tokio::test]
    async fn known_keys_stay_in_use_while_the_issuer_is_away() {
        let signer = Signer::new("k1");
        let source = Source::of(Some(vec![signer.jwk()]));
        let verifier = source.verifier();
        verifier.verify(&signer.token(&claims())).await.unwrap();
        source.set(None);
        source.pass(KEYS_MAX_AGE_MS);
        let later = with("exp", NOW + 3_600);
        assert_eq!(code(verifier.verify(&signer.token(&later)).await), "con_1");
        assert_eq!(source.fetches(), 2);
    }

    #[tokio::test]
    async fn without_any_keys_the_client_is_asked_to_come_back() {
        let signer = Signer::new("k1");
        let source = Source::of(None);
        let verifier = source.verifier();
        let problem = verifier.verify(&signer.token(&claims())).await.unwrap_err();
        assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Token.KeysUnavailable", true));
        source.set(Some(vec![signer.jwk()]));
        source.pass(FIRST_FETCH_INTERVAL_MS);
        assert_eq!(code(verifier.verify(&signer.token(&claims())).await), "con_1");
    }

    #[tokio::test]
    async fn keys_of_other_kinds_are_passed_over() {
        let signer = Signer::new("k1");
        let mut encryption = signer.jwk();
        encryption["use"] = "enc".into();
        encryption["kid"] = "k2".into();
        let keys = vec![json!({ "kty": "oct", "k": "AA", "kid": "k3" }), json!({ "kty": "strange" }), encryption, signer.jwk()];
        let verifier = Source::of(Some(keys)).verifier();
        assert_eq!(code(verifier.verify(&signer.token(&claims())).await), "con_1");
        let other = Signer { id: "k2", ..signer };
        assert_eq!(code(verifier.verify(&other.token(&claims())).await), "Token.Invalid");
    }
}
