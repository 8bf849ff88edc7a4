//! Bearer tokens: who is asking, checked inside each function.
//!
//! Issuer, audience, algorithm and the address of the keys are configuration. The algorithm in particular is never taken from
//! the token.

mod keys;
#[cfg(test)]
mod tests;

pub use keys::{HttpJwks, JwksError, JwksSource};

use crate::clock::SystemClock;
use crate::config::Reader;
use crate::http::{Problem, Request};
use carryout_environment::Clock;
use jsonwebtoken::{Algorithm, Validation};
use keys::{KeyCache, NoKey};
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// How far the clocks of issuer and function may differ. Seconds.
pub const LEEWAY_SECONDS: i64 = 30;
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
    validation: Validation,
    keys: KeyCache<S>,
    clock: Arc<dyn Clock>,
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
        Self::with_clock(issuer, audience, algorithm, source, SystemClock)
    }

    /// A verifier that reads the time from `clock`.
    pub fn with_clock(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        algorithm: TokenAlgorithm,
        source: S,
        clock: impl Clock + 'static,
    ) -> Self {
        let mut validation = Validation::new(match algorithm {
            TokenAlgorithm::Es256 => Algorithm::ES256,
            TokenAlgorithm::Rs256 => Algorithm::RS256,
        });
        validation.set_issuer(&[issuer.into()]);
        validation.set_audience(&[audience.into()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked here, against `clock`.
        validation.validate_exp = false;
        let clock: Arc<dyn Clock> = Arc::new(clock);
        Self(Arc::new(Shared { validation, keys: KeyCache::new(algorithm, source, Arc::clone(&clock)), clock }))
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
        let key = shared.keys.key(header.kid.as_deref()).await.map_err(|missing| match missing {
            NoKey::Unavailable => Problem::new(503, "Token.KeysUnavailable", "tokens can't be checked right now").retry_after(2),
            NoKey::Unknown => refused("Token.Invalid", "the token is signed with an unknown key"),
        })?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &shared.validation).map_err(|error| invalid(&error))?.claims;
        let (now, leeway) = (shared.clock.now() as f64 / 1_000.0, LEEWAY_SECONDS as f64);
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
            .field("algorithms", &self.0.validation.algorithms)
            .finish_non_exhaustive()
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
