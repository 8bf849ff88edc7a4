use super::keys::{FIRST_FETCH_INTERVAL_MS, KEYS_MAX_AGE_MS};
use super::*;
use crate::testing::SigningKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

const NOW: i64 = 1_800_000_000;

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
        let clock = SetClock(Arc::clone(&self.now));
        TokenVerifier::with_clock("https://issuer", "carryout", TokenAlgorithm::Es256, self.clone(), clock)
    }
}

struct SetClock(Arc<AtomicI64>);

impl Clock for SetClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
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
    let signer = SigningKey::new("k1");
    let source = Source::of(Some(vec![signer.jwk()]));
    let verifier = source.verifier();
    assert_eq!(source.fetches(), 0);
    for _ in 0..3 {
        let identity = verifier.clone().verify(&request(&signer.token(&claims()))).await.unwrap();
        assert_eq!(identity.subject, "con_1");
        assert_eq!(identity.require_role("operator"), Ok(()));
        assert_eq!(identity.require_role("admin").unwrap_err().code(), "Token.RoleMissing");
    }
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn every_claim_is_checked() {
    let signer = SigningKey::new("k1");
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
        assert_eq!(code(verifier.verify(&request(&signer.token(&claims))).await), expected, "{claims}");
    }
}

#[tokio::test]
async fn a_token_can_not_choose_its_algorithm() {
    let signer = SigningKey::new("k1");
    let verifier = Source::of(Some(vec![signer.jwk()])).verifier();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(json!({ "alg": "none", "kid": "k1" })), part(claims()));
    assert_eq!(code(verifier.verify(&request(&unsigned)).await), "Token.Invalid");
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
    let with_public_key_as_secret = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(signer.public())).unwrap();
    assert_eq!(code(verifier.verify(&request(&with_public_key_as_secret)).await), "Token.Invalid");
}

#[tokio::test]
async fn a_signature_of_another_key_is_refused() {
    let (signer, forger) = (SigningKey::new("k1"), SigningKey::new("k1"));
    let verifier = Source::of(Some(vec![signer.jwk()])).verifier();
    assert_eq!(code(verifier.verify(&request(&forger.token(&claims()))).await), "Token.Invalid");
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
    let (first, second) = (SigningKey::new("k1"), SigningKey::new("k2"));
    let source = Source::of(Some(vec![first.jwk()]));
    let verifier = source.verifier();
    assert_eq!(code(verifier.verify(&request(&second.token(&claims()))).await), "Token.Invalid");
    source.set(Some(vec![second.jwk()]));
    source.pass(29_999);
    assert_eq!(code(verifier.verify(&request(&second.token(&claims()))).await), "Token.Invalid");
    assert_eq!(source.fetches(), 1);
    source.pass(1);
    assert_eq!(code(verifier.verify(&request(&second.token(&claims()))).await), "con_1");
    assert_eq!(source.fetches(), 2);
    assert_eq!(code(verifier.verify(&request(&first.token(&claims()))).await), "Token.Invalid", "it was withdrawn");
}

#[tokio::test]
async fn known_keys_stay_in_use_while_the_issuer_is_away() {
    let signer = SigningKey::new("k1");
    let source = Source::of(Some(vec![signer.jwk()]));
    let verifier = source.verifier();
    verifier.verify(&request(&signer.token(&claims()))).await.unwrap();
    source.set(None);
    source.pass(KEYS_MAX_AGE_MS);
    let later = with("exp", NOW + 3_600);
    assert_eq!(code(verifier.verify(&request(&signer.token(&later))).await), "con_1");
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn without_any_keys_the_client_is_asked_to_come_back() {
    let signer = SigningKey::new("k1");
    let source = Source::of(None);
    let verifier = source.verifier();
    let problem = verifier.verify(&request(&signer.token(&claims()))).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Token.KeysUnavailable", true));
    source.set(Some(vec![signer.jwk()]));
    source.pass(FIRST_FETCH_INTERVAL_MS);
    assert_eq!(code(verifier.verify(&request(&signer.token(&claims()))).await), "con_1");
}

#[tokio::test]
async fn keys_of_other_kinds_are_passed_over() {
    let signer = SigningKey::new("k1");
    let mut encryption = signer.jwk();
    encryption["use"] = "enc".into();
    encryption["kid"] = "k2".into();
    let keys = vec![json!({ "kty": "oct", "k": "AA", "kid": "k3" }), json!({ "kty": "strange" }), encryption, signer.jwk()];
    let verifier = Source::of(Some(keys)).verifier();
    assert_eq!(code(verifier.verify(&request(&signer.token(&claims()))).await), "con_1");
    let other = signer.with_id("k2");
    assert_eq!(code(verifier.verify(&request(&other.token(&claims()))).await), "Token.Invalid");
}
