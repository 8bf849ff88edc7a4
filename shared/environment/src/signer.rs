/// Signs messages, and verifies signatures across one key rotation.
pub trait Signer: Send + Sync {
    /// A signature over `message`, safe in a URL.
    fn sign(&self, message: &[u8]) -> String;

    /// Whether `signature` was made over `message` by the current key or its predecessor. Takes the same time for every wrong
    /// signature.
    fn verify(&self, message: &[u8], signature: &str) -> bool;
}
