//! An issuer of tokens, for tests of handlers that check them.
#![expect(clippy::unwrap_used, reason = "a test that can't make a key or a token can't go on")]

use crate::http::Request;
use crate::token::{JwksError, JwksSource, TokenAlgorithm, TokenVerifier};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryout_environment::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The issuer of the tokens of [`TestIssuer`].
pub const ISSUER: &str = "https://issuer";
/// The audience of the tokens of [`TestIssuer`].
pub const AUDIENCE: &str = "carryout";

/// A key pair for ES256 with an id.
pub struct SigningKey {
    id: &'static str,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl SigningKey {
    /// A fresh key pair.
    pub fn new(id: &'static str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        Self { id, pkcs8: pkcs8.as_ref().to_vec(), public: pair.public_key().as_ref().to_vec() }
    }

    /// The same key pair under another id.
    #[must_use]
    pub fn with_id(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Value {
        let (x, y) = self.public[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": x, "y": y })
    }

    /// The public key's bytes, uncompressed.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.pkcs8)).unwrap()
    }
}

/// A key set that never changes.
#[derive(Clone)]
pub struct FixedJwks(Value);

impl JwksSource for FixedJwks {
    async fn fetch(&self) -> Result<Value, JwksError> {
        Ok(self.0.clone())
    }
}

/// Issues tokens at one moment, and makes the verifier that accepts them at that moment.
pub struct TestIssuer {
    key: SigningKey,
    now_ms: i64,
}

impl TestIssuer {
    /// An issuer with a fresh key. `now_ms` is the time of its verifier: milliseconds since the Unix epoch.
    pub fn at(now_ms: i64) -> Self {
        Self { key: SigningKey::new("k1"), now_ms }
    }

    /// A verifier of this issuer's tokens.
    pub fn verifier(&self) -> TokenVerifier<FixedJwks> {
        let keys = FixedJwks(json!({ "keys": [self.key.jwk()] }));
        TokenVerifier::with_clock(ISSUER, AUDIENCE, TokenAlgorithm::Es256, keys, FixedClock(self.now_ms))
    }

    /// Adds a token of `subject` to `request` that expires in `seconds`.
    pub fn signed(&self, mut request: Request, subject: &str, roles: &[&str], seconds: i64) -> Request {
        let expires = self.now_ms / 1_000 + seconds;
        let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": roles, "exp": expires });
        request.headers.push(("authorization".to_owned(), format!("Bearer {}", self.key.token(&claims))));
        request
    }
}

struct FixedClock(i64);

impl Clock for FixedClock {
    fn now(&self) -> i64 {
        self.0
    }
}
