use crate::{Aws, unavailable};
use aws_sdk_kms::{Client, operation::decrypt::DecryptError, primitives::Blob, types::DataKeySpec};
use carryout_environment::StorageError;
use carryout_onboarding::ports::{DataKey, Keys};

/// What binds a key to its applicant: KMS unwraps it only for whoever says the same again.
const CONTEXT: &str = "applicant";

/// Keys that a key in KMS wraps. KMS rotates it by itself, and keeps what it wrapped before readable.
#[derive(Clone)]
pub struct KmsKeys {
    client: Client,
    key: String,
}

impl KmsKeys {
    /// IAM actions on the key.
    pub const ACTIONS: &'static [&'static str] = &["kms:Decrypt", "kms:GenerateDataKey"];

    /// The key with this id or ARN.
    pub fn new(aws: &Aws, key: impl Into<String>) -> Self {
        Self { client: Client::new(&aws.config), key: key.into() }
    }
}

impl Keys for KmsKeys {
    async fn fresh(&self, applicant_id: &str) -> Result<DataKey, StorageError> {
        let generate = self.client.generate_data_key().key_id(&self.key).key_spec(DataKeySpec::Aes256);
        let made = generate.encryption_context(CONTEXT, applicant_id).send().await.map_err(|error| unavailable(&error))?;
        data_key(made.plaintext, made.ciphertext_blob.map(Blob::into_inner).unwrap_or_default())
    }

    async fn unwrap(&self, applicant_id: &str, wrapped: &[u8]) -> Result<DataKey, StorageError> {
        let decrypt = self.client.decrypt().key_id(&self.key).ciphertext_blob(Blob::new(wrapped));
        let unwrapped = decrypt.encryption_context(CONTEXT, applicant_id).send().await.map_err(|error| {
            // Somebody else's, or cut short: it never opens, however often it is asked.
            let never = error.as_service_error().is_some_and(|error: &DecryptError| {
                error.is_invalid_ciphertext_exception() || error.is_incorrect_key_exception()
            });
            if never { StorageError::Corrupt("a key can't be unwrapped".to_owned()) } else { unavailable(&error) }
        })?;
        data_key(unwrapped.plaintext, wrapped.to_vec())
    }
}

fn data_key(plaintext: Option<Blob>, wrapped: Vec<u8>) -> Result<DataKey, StorageError> {
    let key = plaintext.and_then(|key| key.into_inner().try_into().ok());
    let key = key.ok_or_else(|| StorageError::Corrupt("KMS gave no key of 256 bits".to_owned()))?;
    Ok(DataKey { key, wrapped })
}
