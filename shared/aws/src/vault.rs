//! Envelope encryption of personal data: AES-256-GCM for each field, under data keys that a key service wraps.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryout_environment::StorageError;
use carryout_onboarding::ports::{DataKey, Keys, Vault};
use std::collections::BTreeMap;

/// A vault that encrypts each form under a data key of its own.
///
/// An encrypted value is `v1.<wrapped key>.<nonce and ciphertext>`, both in base64url. The key is bound to one applicant, and the
/// field's name is authenticated with the value, so a value can't be decrypted for another applicant or as another field.
#[derive(Debug, Clone)]
pub struct EncryptingVault<K>(pub K);

fn cipher(key: &DataKey) -> Result<LessSafeKey, StorageError> {
    UnboundKey::new(&AES_256_GCM, &key.key).map(LessSafeKey::new).map_err(|_| broken("the data key is not usable"))
}

fn encrypt(key: &LessSafeKey, wrapped: &str, field: &str, value: String) -> Result<String, StorageError> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| broken("no random nonce"))?;
    let mut encrypted = value.into_bytes();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(field.as_bytes()), &mut encrypted)
        .map_err(|_| broken("a value can't be encrypted"))?;
    Ok(format!("v1.{wrapped}.{}", URL_SAFE_NO_PAD.encode([nonce.as_slice(), &encrypted].concat())))
}

fn decrypt(key: &LessSafeKey, field: &str, encrypted: &str) -> Option<String> {
    let mut bytes = URL_SAFE_NO_PAD.decode(encrypted).ok()?;
    let nonce: [u8; NONCE_LEN] = bytes.get(..NONCE_LEN)?.try_into().ok()?;
    let value = bytes.get_mut(NONCE_LEN..)?;
    let plain = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(field.as_bytes()), value).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

fn broken(reason: &str) -> StorageError {
    StorageError::Corrupt(reason.to_owned())
}

impl<K: Keys> Vault for EncryptingVault<K> {
    async fn seal(&self, applicant_id: &str, values: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StorageError> {
        if values.is_empty() {
            return Ok(values);
        }
        let fresh = self.0.fresh(applicant_id).await?;
        let (key, wrapped) = (cipher(&fresh)?, URL_SAFE_NO_PAD.encode(&fresh.wrapped));
        values
            .into_iter()
            .map(|(field, value)| encrypt(&key, &wrapped, &field, value).map(|encrypted| (field, encrypted)))
            .collect()
    }

    async fn open(&self, applicant_id: &str, sealed: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StorageError> {
        let unreadable = |field: &str| broken(&format!("{field} can't be decrypted"));
        let mut keys: BTreeMap<&str, LessSafeKey> = BTreeMap::new();
        let mut opened = BTreeMap::new();
        for (field, value) in &sealed {
            let parts = value.strip_prefix("v1.").and_then(|parts| parts.split_once('.'));
            let (wrapped, value) = parts.ok_or_else(|| unreadable(field))?;
            if !keys.contains_key(wrapped) {
                let bytes = URL_SAFE_NO_PAD.decode(wrapped).map_err(|_| unreadable(field))?;
                keys.insert(wrapped, cipher(&self.0.unwrap(applicant_id, &bytes).await?)?);
            }
            let value = keys.get(wrapped).and_then(|key| decrypt(key, field, value)).ok_or_else(|| unreadable(field))?;
            opened.insert(field.clone(), value);
        }
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Wraps a key by prefixing the applicant's id. Counts its calls.
    #[derive(Default)]
    struct Plain(AtomicUsize);

    impl Keys for Plain {
        async fn fresh(&self, applicant_id: &str) -> Result<DataKey, StorageError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let mut key = [0; 32];
            rand::fill(&mut key).unwrap();
            Ok(DataKey { key, wrapped: [applicant_id.as_bytes(), &key].concat() })
        }

        async fn unwrap(&self, applicant_id: &str, wrapped: &[u8]) -> Result<DataKey, StorageError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let key = wrapped.strip_prefix(applicant_id.as_bytes()).and_then(|key| key.try_into().ok());
            let key = key.ok_or_else(|| StorageError::Corrupt("wrapped for another applicant".to_owned()))?;
            Ok(DataKey { key, wrapped: wrapped.to_vec() })
        }
    }

    fn one(field: &str, value: &str) -> BTreeMap<String, String> {
        [(field.to_owned(), value.to_owned())].into()
    }

    #[tokio::test]
    async fn value_decrypts_for_its_applicant_and_field_only() {
        let vault = EncryptingVault(Plain::default());
        let sealed = vault.seal("apl_1", one("legal_name", "Jo Example")).await.unwrap();
        assert!(!sealed["legal_name"].contains("Jo"));
        assert_ne!(sealed, vault.seal("apl_1", one("legal_name", "Jo Example")).await.unwrap(), "equal values look alike");
        assert_eq!(vault.open("apl_1", sealed.clone()).await.unwrap()["legal_name"], "Jo Example");
        assert!(vault.open("apl_2", sealed.clone()).await.is_err());
        assert!(vault.open("apl_1", one("email", &sealed["legal_name"])).await.is_err());
        assert!(vault.open("apl_1", one("legal_name", "v1.00.x")).await.is_err());
        assert!(vault.open("apl_1", one("legal_name", "Jo Example")).await.is_err());
    }

    #[tokio::test]
    async fn form_uses_one_data_key_and_each_key_is_unwrapped_once() {
        let vault = EncryptingVault(Plain::default());
        let form = [("email", "jo@example.com"), ("phone", "+1 212 555 0100")]
            .map(|(field, value)| (field.to_owned(), value.to_owned()));
        let mut sealed = vault.seal("apl_1", form.into()).await.unwrap();
        sealed.extend(vault.seal("apl_1", one("legal_name", "Jo Example")).await.unwrap());
        assert_eq!(vault.0.0.swap(0, Ordering::Relaxed), 2);
        let opened = vault.open("apl_1", sealed).await.unwrap();
        assert_eq!((opened["email"].as_str(), opened["legal_name"].as_str()), ("jo@example.com", "Jo Example"));
        assert_eq!(vault.0.0.load(Ordering::Relaxed), 2);
        vault.seal("apl_1", BTreeMap::new()).await.unwrap();
        assert_eq!(vault.0.0.load(Ordering::Relaxed), 2, "an empty form requests no key");
    }
}
