//! The protocol of vendors: a request under an idempotency key, answered at once or by a callback.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// The kinds of vendors, by what they decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorKind {
    /// Whether an address exists and is served.
    Address,
    /// Whether the applicant is who they claim to be. Answers later.
    Identity,
    /// Whether a document is valid. Answers later.
    Document,
    /// Risk and compliance.
    Risk,
    /// Background check. Takes days.
    Background,
    /// Whether an account can be paid.
    Payout,
    /// The marketplace itself, which creates the courier's or merchant's account.
    Activation,
}

impl VendorKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Address, Self::Identity, Self::Document, Self::Risk, Self::Background, Self::Payout, Self::Activation];

    /// The name in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Identity => "identity",
            Self::Document => "document",
            Self::Risk => "risk",
            Self::Background => "background",
            Self::Payout => "payout",
            Self::Activation => "activation",
        }
    }

    /// Whether people or pictures are examined, so that the answer usually comes by a callback.
    pub const fn usually_answers_later(self) -> bool {
        matches!(self, Self::Identity | Self::Document | Self::Background)
    }
}

/// A request to a vendor. Its details are personal and not part of its debug output.
#[derive(Clone, PartialEq)]
pub struct VendorRequest {
    /// The idempotency key, `applicant/step/version`. The same key is the same request, however often it is sent.
    pub key: String,
    /// Which vendor it is for.
    pub kind: VendorKind,
    /// The data that the vendor decides on.
    pub details: Map<String, Value>,
    /// The API that takes the vendor's callback, where the request came through one.
    pub callback_api: Option<String>,
}

impl fmt::Debug for VendorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorRequest").field("key", &self.key).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The idempotency key of a step's request.
pub fn request_key(applicant_id: &str, step: &str, key_version: u32) -> String {
    format!("{applicant_id}/{step}/{key_version}")
}

/// The applicant, the step's entry and the key version of a request's key.
pub fn parse_request_key(key: &str) -> Option<(&str, &str, u32)> {
    let (rest, version) = key.rsplit_once('/')?;
    let (id, step) = rest.rsplit_once('/')?;
    Some((id, step, version.parse().ok()?))
}

/// A vendor's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum VendorAnswer {
    /// Approved, with findings such as `risk_level`.
    Approved {
        /// The findings, by name.
        #[serde(default)]
        findings: Map<String, Value>,
    },
    /// Refused.
    Refused {
        /// The reason, for people.
        reason: String,
    },
    /// The answer comes later.
    Pending,
    /// An operator has to review it.
    Review {
        /// Why.
        reason: String,
    },
}

/// A failed call to a vendor. The vendor's own words are for logs and not part of the message.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VendorError {
    /// The vendor did not accept the request.
    #[error("the vendor is not available")]
    Unavailable(String),
    /// The vendor may have accepted the request.
    #[error("the vendor did not answer")]
    NoAnswer(String),
}

/// A vendor's answer that comes later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VendorCallback {
    /// The key of the request.
    pub key: String,
    /// The answer.
    #[serde(flatten)]
    pub answer: VendorAnswer,
}
