use crate::ErrorCode;

/// A storage operation failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// Storage could not be reached, or was too busy. The write may have happened: repeat it, it is conditional.
    #[error("storage is not available: {0}")]
    Unavailable(String),
    /// The claim on the entry was lost: another attempt took it over after the lease ended.
    #[error("the claim on this step was lost to a later attempt")]
    ClaimLost,
    /// A stored item can't be decoded.
    #[error("stored data can't be read: {0}")]
    Corrupt(String),
}

impl StorageError {
    /// The code of this error.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => STORAGE_UNAVAILABLE,
            Self::ClaimLost => STEP_IN_PROGRESS,
            Self::Corrupt(_) => STORAGE_CORRUPT,
        }
    }
}

/// Storage did not answer in time.
pub const STORAGE_UNAVAILABLE: ErrorCode = ErrorCode::retryable(
    "Storage.Unavailable",
    "Send the same request again in a moment; an accepted order continues by itself.",
);
/// Stored data can't be read.
pub const STORAGE_CORRUPT: ErrorCode =
    ErrorCode::permanent("Storage.Corrupt", "Contact support with the number of the order or application.");
/// Another attempt holds this step.
pub const STEP_IN_PROGRESS: ErrorCode = ErrorCode::retryable("Step.InProgress", "Wait a moment; it goes on by itself.");
