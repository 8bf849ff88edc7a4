//! What domain code may not make up by itself.

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
