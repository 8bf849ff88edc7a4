use crate::{Aws, now, unavailable};
use aws_sdk_secretsmanager::{Client, operation::get_secret_value::GetSecretValueError};
use carryout_environment::{Secret, Secrets, StorageError};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a secret is used without asking again. Milliseconds; a rotation is noticed within it.
const FRESH_FOR_MS: i64 = 5 * 60 * 1_000;

/// One secret in Secrets Manager. Rotation is the service's own: the stages `AWSCURRENT` and `AWSPREVIOUS`.
///
/// It is fetched at first use, so that a cold start does not wait for it, and kept for some minutes.
#[derive(Clone)]
pub struct ManagedSecret {
    client: Client,
    id: String,
    /// When it was fetched, and what it was.
    kept: Arc<Mutex<Option<(i64, Secret)>>>,
}

impl ManagedSecret {
    /// IAM actions on the secret.
    pub const ACTIONS: &'static [&'static str] = &["secretsmanager:GetSecretValue"];

    /// The secret with this id or ARN.
    pub fn new(aws: &Aws, id: impl Into<String>) -> Self {
        Self { client: Client::new(&aws.config), id: id.into(), kept: Arc::default() }
    }

    fn kept(&self) -> Option<(i64, Secret)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Secret, StorageError> {
        let (current, previous) = futures::try_join!(self.stage("AWSCURRENT"), self.stage("AWSPREVIOUS"))?;
        let current = current.ok_or_else(|| StorageError::Corrupt(format!("secret {} has no value", self.id)))?;
        Ok(Secret { current, previous })
    }

    async fn stage(&self, stage: &str) -> Result<Option<String>, StorageError> {
        match self.client.get_secret_value().secret_id(&self.id).version_stage(stage).send().await {
            Ok(value) => Ok(value.secret_string),
            Err(error) if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

impl Secrets for ManagedSecret {
    async fn secret(&self) -> Result<Secret, StorageError> {
        let kept = self.kept();
        if let Some((at, secret)) = &kept
            && *at + FRESH_FOR_MS > now()
        {
            return Ok(secret.clone());
        }
        match (self.fetch().await, kept) {
            (Ok(secret), _) => {
                *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now(), secret.clone()));
                Ok(secret)
            }
            // An old secret is better than none: the one before the current one is accepted, too.
            (Err(error), Some((_, old))) => {
                tracing::warn!(%error, "a secret could not be fetched again; the kept one is used");
                Ok(old)
            }
            (Err(error), None) => Err(error),
        }
    }
}
