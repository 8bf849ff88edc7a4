use serde::{Deserialize, Serialize};
use std::{error::Error, fmt};

/// What a caller may conclude from a failure, and so what it does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing happened; the same call may succeed later. Retry with the same key.
    Retryable,
    /// Nothing happened, and the same call will never succeed. Undo.
    Permanent,
    /// It may or may not have happened. Look it up, or repeat it with the same key; never assume.
    Unknown,
}

impl Class {
    /// Whether trying again can help.
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::Retryable | Self::Unknown)
    }
}

/// A stable error code: the same name in Step Functions' `ErrorEquals`, in problem replies and in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// `Area.Reason`, such as `Payment.Declined`. Never changes once released.
    pub name: &'static str,
    /// What a caller may conclude.
    pub class: Class,
    /// What a person can do about it, in one sentence.
    pub advice: &'static str,
}

impl ErrorCode {
    /// A code whose failure did nothing and may pass by itself.
    pub const fn retryable(name: &'static str, advice: &'static str) -> Self {
        Self { name, class: Class::Retryable, advice }
    }

    /// A code whose failure did nothing and will not pass by itself.
    pub const fn permanent(name: &'static str, advice: &'static str) -> Self {
        Self { name, class: Class::Permanent, advice }
    }

    /// A code of a call whose outcome is not known.
    pub const fn unknown(name: &'static str, advice: &'static str) -> Self {
        Self { name, class: Class::Unknown, advice }
    }
}

/// An error of one operation, each of whose variants has a stable code.
pub trait HasErrorCode: Error + Send + Sync + 'static {
    /// Every code that this operation can end with.
    const CODES: &'static [ErrorCode];

    /// The code of this error; one of [`Self::CODES`].
    fn code(&self) -> ErrorCode;
}

/// A failure as it is recorded on a subject and shown to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next; empty where nobody knows better than the message.
    #[serde(default)]
    pub advice: String,
}

impl Failure {
    /// The record of `error`.
    pub fn of<E: HasErrorCode>(error: &E) -> Self {
        let code = error.code();
        Self { code: code.name.to_owned(), message: error.to_string(), advice: code.advice.to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
