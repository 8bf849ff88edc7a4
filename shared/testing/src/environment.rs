use carryout_environment::{Clock, Ids, Secret, Secrets, Signer, StorageError, Timer};
use futures::{
    FutureExt as _,
    future::{BoxFuture, pending, ready},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

/// A clock that moves only when it is told to. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock at `now`, milliseconds since the Unix epoch.
    pub fn at(now: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now)))
    }

    /// Lets `milliseconds` pass.
    pub fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Moves to `now`, milliseconds since the Unix epoch.
    pub fn set(&self, now: i64) {
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A timer that never rings, or at once: then whoever does not answer without waiting is too late.
#[derive(Debug, Clone, Copy)]
pub enum FixedTimer {
    /// Nothing times out.
    Never,
    /// Everything that waits times out.
    AtOnce,
}

impl Timer for FixedTimer {
    fn sleep(&self, _milliseconds: u32) -> BoxFuture<'_, ()> {
        match self {
            Self::Never => pending().boxed(),
            Self::AtOnce => ready(()).boxed(),
        }
    }
}

/// Ids that count: `ord_000001`, `quo_000002`.
#[derive(Debug, Clone, Default)]
pub struct SequentialIds(Arc<AtomicU64>);

impl Ids for SequentialIds {
    fn new_id(&self, prefix: &str) -> String {
        format!("{prefix}_{:06}", self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

/// A signer that any change of the message or of the key breaks, and that protects against nobody.
#[derive(Debug, Clone, Default)]
pub struct PlainSeal {
    /// The key.
    pub key: String,
}

impl Signer for PlainSeal {
    fn sign(&self, message: &[u8]) -> String {
        // FNV-1a, 64 bits.
        let bytes = self.key.bytes().chain([0]).chain(message.iter().copied());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("plain.{hash:016x}")
    }

    fn verify(&self, message: &[u8], signature: &str) -> bool {
        self.sign(message) == signature
    }
}

/// A secret that never changes.
#[derive(Clone)]
pub struct FixedSecret(pub Secret);

impl FixedSecret {
    /// The secret `current`, with none before it.
    pub fn new(current: &str) -> Self {
        Self(Secret { current: current.to_owned(), previous: None })
    }
}

impl Secrets for FixedSecret {
    async fn secret(&self) -> Result<Secret, StorageError> {
        Ok(self.0.clone())
    }
}

/// Where a call waits: before its effect, and before its answer. Without one, nothing ever waits.
///
/// A simulation gives one that ends when virtual time has passed; so calls of several tasks interleave.
#[derive(Clone, Default)]
pub struct Pause(Option<Arc<Waiting>>);

/// Waits before or after the call of this name.
type Waiting = dyn Fn(&'static str) -> BoxFuture<'static, ()> + Send + Sync;

impl Pause {
    /// Waits for the future that `pause` gives for the call of this name.
    pub fn with(pause: impl Fn(&'static str) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(pause)))
    }

    pub(crate) async fn wait(&self, call: &'static str) {
        if let Some(pause) = &self.0 {
            pause(call).await;
        }
    }
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause").field("waits", &self.0.is_some()).finish()
    }
}
