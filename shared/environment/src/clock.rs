use futures::future::BoxFuture;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The current time. Milliseconds since the Unix epoch.
    fn now(&self) -> i64;
}

/// Waits.
pub trait Timer: Send + Sync {
    /// Completes after `milliseconds`.
    fn sleep(&self, milliseconds: u32) -> BoxFuture<'_, ()>;
}
