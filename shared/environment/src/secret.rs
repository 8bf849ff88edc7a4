use crate::StorageError;
use std::future::Future;

/// A secret, and its predecessor during a rotation.
#[derive(Clone)]
pub struct Secret {
    /// The value to use.
    pub current: String,
    /// The value before the last rotation; still accepted.
    pub previous: Option<String>,
}

/// Reads one secret.
pub trait Secrets: Send + Sync {
    /// The current value; may be some minutes old.
    fn secret(&self) -> impl Future<Output = Result<Secret, StorageError>> + Send;
}
