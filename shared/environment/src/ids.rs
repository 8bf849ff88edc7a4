/// Generates unique ids.
pub trait Ids: Send + Sync {
    /// A new id: `prefix`, an underscore, and characters that sort by time.
    fn new_id(&self, prefix: &str) -> String;
}
