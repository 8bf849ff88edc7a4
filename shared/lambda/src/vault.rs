//! Seals personal data with AES-256-GCM, field by field, under keys that are derived for each applicant.

use crate::idempotency::hex;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac::{self, HMAC_SHA256},
    rand,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryout_onboarding::ports::Vault;
use carryout_workflow::{Secrets, StoreError};
use std::collections::BTreeMap;

/// A vault whose keys come from one secret: one key, or several with commas between them. The first seals, all of them open; so a
/// key is rotated by putting another one before it, and what it sealed stays readable for as long as it is kept.
///
/// A sealed value is `v1.<fingerprint of the key>.<nonce and ciphertext in base64url>`; the field is authenticated with it.
#[derive(Debug, Clone)]
pub struct SecretVault<S>(pub S);

/// The key of one applicant.
struct Key {
    key: LessSafeKey,
    /// Says which key was used, and nothing else about it.
    fingerprint: String,
}

impl Key {
    fn new(secret: &str, applicant_id: &str) -> Result<Self, StoreError> {
        let derived = hmac::sign(&hmac::Key::new(HMAC_SHA256, secret.as_bytes()), format!("applicant/{applicant_id}").as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| broken("a key can't be derived"))?;
        let fingerprint = hmac::sign(&hmac::Key::new(HMAC_SHA256, secret.as_bytes()), b"vault fingerprint");
        Ok(Self { key: LessSafeKey::new(key), fingerprint: hex(&fingerprint.as_ref()[..4]) })
    }

    fn seal(&self, field: &str, value: String) -> Result<String, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| broken("no randomness"))?;
        let mut sealed = value.into_bytes();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(field.as_bytes()), &mut sealed)
            .map_err(|_| broken("a value can't be sealed"))?;
        Ok(format!("v1.{}.{}", self.fingerprint, URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    fn open(&self, field: &str, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(&format!("v1.{}.", self.fingerprint))?).ok()?;
        let nonce: [u8; NONCE_LEN] = bytes.get(..NONCE_LEN)?.try_into().ok()?;
        let value = bytes.get_mut(NONCE_LEN..)?;
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(field.as_bytes()), value).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

fn keys_in(secret: &str) -> impl Iterator<Item = &str> {
    secret.split(',').map(str::trim).filter(|key| !key.is_empty())
}

fn broken(reason: &str) -> StoreError {
    StoreError::Corrupt(reason.to_owned())
}

impl<S: Secrets> Vault for SecretVault<S> {
    async fn seal(&self, applicant_id: &str, values: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StoreError> {
        if values.is_empty() {
            return Ok(values);
        }
        let secret = self.0.secret().await?;
        let key = Key::new(keys_in(&secret.current).next().unwrap_or_default(), applicant_id)?;
        values.into_iter().map(|(field, value)| key.seal(&field, value).map(|sealed| (field, sealed))).collect()
    }

    async fn open(&self, applicant_id: &str, sealed: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StoreError> {
        if sealed.is_empty() {
            return Ok(sealed);
        }
        let secret = self.0.secret().await?;
        let keys = keys_in(&secret.current).chain(secret.previous.iter().flat_map(|previous| keys_in(previous)));
        let keys: Vec<Key> = keys.map(|key| Key::new(key, applicant_id)).collect::<Result<_, _>>()?;
        let open = |(field, sealed): (String, String)| {
            let opened = keys.iter().find_map(|key| key.open(&field, &sealed));
            opened.map(|value| (field.clone(), value)).ok_or_else(|| broken(&format!("{field} can't be opened")))
        };
        sealed.into_iter().map(open).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carryout_workflow::Secret;

    #[derive(Clone)]
    struct Fixed(&'static str, Option<&'static str>);

    impl Secrets for Fixed {
        async fn secret(&self) -> Result<Secret, StoreError> {
            Ok(Secret { current: self.0.to_owned(), previous: self.1.map(str::to_owned) })
        }
    }

    fn one(field: &str, value: &str) -> BTreeMap<String, String> {
        [(field.to_owned(), value.to_owned())].into()
    }

    #[tokio::test]
    async fn what_is_sealed_opens_for_its_applicant_and_field_only() {
        let vault = SecretVault(Fixed("key", None));
        let sealed = vault.seal("apl_1", one("legal_name", "Jo Example")).await.unwrap();
        assert!(!sealed["legal_name"].contains("Jo"));
        assert_ne!(sealed, vault.seal("apl_1", one("legal_name", "Jo Example")).await.unwrap(), "equal values look alike");
        assert_eq!(vault.open("apl_1", sealed.clone()).await.unwrap()["legal_name"], "Jo Example");
        assert!(vault.open("apl_2", sealed.clone()).await.is_err());
        assert!(vault.open("apl_1", one("email", &sealed["legal_name"])).await.is_err());
        assert!(vault.open("apl_1", one("legal_name", "v1.00.x")).await.is_err());
    }

    #[tokio::test]
    async fn a_rotated_key_still_opens() {
        let sealed = SecretVault(Fixed("old", None)).seal("apl_1", one("email", "jo@example.com")).await.unwrap();
        for keys in [Fixed("new", Some("old")), Fixed("newest,new, old", Some("new,old"))] {
            assert_eq!(SecretVault(keys).open("apl_1", sealed.clone()).await.unwrap()["email"], "jo@example.com");
        }
        assert!(SecretVault(Fixed("new", None)).open("apl_1", sealed).await.is_err());
    }
}
