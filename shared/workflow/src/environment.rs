//! What domain code may not make up by itself.

use crate::StorageError;
use std::future::Future;

/// Tells the time. Milliseconds since the Unix epoch.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> i64;
}

/// Makes ids that nobody else makes.
pub trait Ids: Send + Sync {
    /// A new id that begins with `prefix` and an underscore, and sorts by time.
    fn new_id(&self, prefix: &str) -> String;
}

/// A secret, and while it is being rotated, the one before.
#[derive(Clone)]
pub struct Secret {
    /// What is used from now on.
    pub current: String,
    /// What was used before, and is still accepted.
    pub previous: Option<String>,
}

/// One secret.
pub trait Secrets: Send + Sync {
    /// The secret as it is now; may be some minutes old.
    fn secret(&self) -> impl Future<Output = Result<Secret, StorageError>> + Send;
}
