//! What every domain needs from outside.
//!
//! Domain crates know no wall clock, no random numbers, no cloud and no keys. They ask for them through the traits of this
//! crate, and adapters implement them: [`Clock`] and [`Timer`], [`Ids`], [`Secrets`], [`Signer`].
//!
//! Every fallible operation ends with an error that has a stable [`ErrorCode`]: see [`HasErrorCode`] and [`StorageError`], the
//! error of every port that stores something.

mod clock;
mod error;
mod ids;
mod secret;
mod signer;
mod storage;

pub use clock::{Clock, Timer};
pub use error::{Class, ErrorCode, Failure, HasErrorCode};
pub use ids::Ids;
pub use secret::{Secret, Secrets};
pub use signer::Signer;
pub use storage::{STEP_IN_PROGRESS, STORAGE_CORRUPT, STORAGE_UNAVAILABLE, StorageError};
