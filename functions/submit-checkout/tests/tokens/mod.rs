//! An issuer of tokens for handler tests: a fresh key, and a verifier that knows it and the samples' noon.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use carryout_lambda::{
    http::Request,
    token::{JwksError, JwksSource, TokenAlgorithm, TokenVerifier},
};
use carryout_testing::samples::NOON;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The key set, as it is.
#[derive(Clone)]
pub struct FixedJwks(Value);

impl JwksSource for FixedJwks {
    async fn fetch(&self) -> Result<Value, JwksError> {
        Ok(self.0.clone())
    }
}

pub struct Issuer {
    pkcs8: Vec<u8>,
    keys: Value,
}

impl Issuer {
    pub fn new() -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let key =
            json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) });
        Self { pkcs8: pkcs8.as_ref().to_vec(), keys: json!({ "keys": [key] }) }
    }

    pub fn verifier(&self) -> TokenVerifier<FixedJwks> {
        let keys = FixedJwks(self.keys.clone());
        TokenVerifier::with_clock("https://issuer", "carryout", TokenAlgorithm::Es256, keys, || NOON)
    }

    /// `request` with a token of `subject` that expires `seconds` after noon.
    pub fn signed(&self, request: Request, subject: &str, roles: &[&str], seconds: i64) -> Request {
        let claims =
            json!({ "iss": "https://issuer", "aud": "carryout", "sub": subject, "roles": roles, "exp": NOON / 1_000 + seconds });
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&self.pkcs8)).unwrap();
        let mut request = request;
        request.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        request
    }
}
