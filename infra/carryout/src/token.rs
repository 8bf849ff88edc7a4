//! The local issuer: signs the bearer tokens that a local cloud accepts. Its key never leaves `.carryout/`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

use local_cloud::project;

/// The `iss` claim of local tokens.
pub const ISSUER: &str = "https://issuer.carryout.local";
/// The `aud` claim of every token for Carryout.
pub const AUDIENCE: &str = "carryout";
/// The only algorithm that local tokens are signed with.
pub const ALGORITHM: &str = "ES256";

/// A P-256 key pair and what follows from it.
#[derive(Debug)]
pub struct Issuer {
    pkcs8: Vec<u8>,
    /// The public point: `04`, x, y.
    public: Vec<u8>,
}

#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    roles: &'a [String],
    iat: i64,
    exp: i64,
}

impl Issuer {
    /// Reads the key pair, or makes one on first use.
    pub fn ensure(path: &Path) -> Result<Self> {
        let pkcs8 = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .map_err(|_| anyhow!("cannot make a key pair"))?;
                project::write_atomically(path, made.as_ref(), 0o600)?;
                made.as_ref().to_vec()
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|reason| {
            anyhow!("{} is not a P-256 key ({reason}); remove it, and the next command makes another", path.display())
        })?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self { pkcs8, public })
    }

    /// Signs a token for a consumer, valid from `now` for `lifetime`.
    pub fn sign(&self, consumer: &str, roles: &[String], now: Timestamp, lifetime: SignedDuration) -> Result<String> {
        if lifetime <= SignedDuration::ZERO {
            bail!("a token must live for some time; ask for --ttl 1h");
        }
        let issued = now.as_second();
        let expires = issued.checked_add(lifetime.as_secs()).context("the token would outlive the calendar")?;
        let claims = Claims { iss: ISSUER, aud: AUDIENCE, sub: consumer, roles, iat: issued, exp: expires };
        let header = Header { kid: Some(self.key_id()?), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&self.pkcs8)).context("cannot sign the token")
    }

    /// The public key as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> Result<Value> {
        let (x, y) = self.coordinates()?;
        Ok(json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": ALGORITHM, "kid": self.key_id()?,
        }] }))
    }

    /// The key's thumbprint (RFC 7638): the hash of its required members in alphabetical order.
    fn key_id(&self) -> Result<String> {
        let (x, y) = self.coordinates()?;
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes())))
    }

    fn coordinates(&self) -> Result<(String, String)> {
        match self.public.split_first() {
            Some((4, point)) if point.len() == 64 => {
                let (x, y) = point.split_at(32);
                Ok((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
            }
            _ => bail!("the public key is not an uncompressed P-256 point"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn verified(token: &str, jwks: &JwkSet, audience: &str) -> jsonwebtoken::errors::Result<Value> {
        let key_id = decode_header(token)?.kid.unwrap();
        let key = DecodingKey::from_jwk(jwks.find(&key_id).unwrap())?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[ISSUER]);
        decode::<Value>(token, &key, &validation).map(|data| data.claims)
    }

    fn jwks(issuer: &Issuer) -> JwkSet {
        serde_json::from_value(issuer.jwks().unwrap()).unwrap()
    }

    #[test]
    fn a_token_verifies_with_the_published_keys() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issuer::ensure(&folder.path().join("issuer.pk8")).unwrap();
        let roles = ["operator".to_owned()];
        let token = issuer.sign("consumer-1", &roles, Timestamp::now(), SignedDuration::from_mins(5)).unwrap();

        let claims = verified(&token, &jwks(&issuer), AUDIENCE).unwrap();
        assert_eq!(claims["sub"], "consumer-1");
        assert_eq!(claims["roles"], json!(["operator"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert!(verified(&token, &jwks(&issuer), "somebody-else").is_err());
    }

    #[test]
    fn an_expired_token_does_not_verify() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = Issuer::ensure(&folder.path().join("issuer.pk8")).unwrap();
        let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
        let token = issuer.sign("consumer-1", &[], yesterday, SignedDuration::from_hours(1)).unwrap();
        assert!(verified(&token, &jwks(&issuer), AUDIENCE).is_err());
        assert!(issuer.sign("consumer-1", &[], yesterday, SignedDuration::ZERO).is_err());
    }

    #[test]
    fn the_key_is_made_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer.pk8");
        let first = Issuer::ensure(&path).unwrap().jwks().unwrap();
        assert_eq!(Issuer::ensure(&path).unwrap().jwks().unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer.pk8");
        fs::write(&path, "not a key").unwrap();
        let error = Issuer::ensure(&path).unwrap_err().to_string();
        assert!(error.contains("remove it"), "{error}");
    }
}
