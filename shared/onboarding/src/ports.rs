//! What onboarding needs from the world outside, as promises. Adapters live in `shared/aws`, `shared/partners` and
//! `shared/lambda`; in-memory ones, for tests, in `memory`.

use crate::{
    applicant::{Applicant, AuditEntry, Collected},
    markets::Markets,
};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::{Refused, StatusStore, StepState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, future::Future, sync::Arc};

/// What a vendor is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorKind {
    /// Whether an address exists, and is served.
    Address,
    /// Whether somebody is who they say.
    Identity,
    /// Whether a document is what it should be.
    Document,
    /// Risk and compliance.
    Risk,
    /// Background check. Takes days.
    Background,
    /// An account that is paid.
    Payout,
    /// The marketplace itself, which gets a new courier or merchant.
    Activation,
}

impl VendorKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Address, Self::Identity, Self::Document, Self::Risk, Self::Background, Self::Payout, Self::Activation];

    /// As in paths.
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
}

/// What a vendor is asked. Its details are personal: they are not part of its debug output.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct VendorRequest {
    /// Names the effect: `applicant/step/version`. The same key is the same request, however often it is sent.
    pub key: String,
    /// What is asked for.
    pub kind: VendorKind,
    /// What the vendor needs to know.
    pub details: Map<String, Value>,
}

impl fmt::Debug for VendorRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorRequest").field("key", &self.key).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What a vendor says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum VendorAnswer {
    /// It is right. `findings` say what was found, such as `risk_level`.
    Approved {
        /// What was found.
        #[serde(default)]
        findings: Map<String, Value>,
    },
    /// It is wrong.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// The answer comes later.
    Pending,
    /// A person has to look.
    Review {
        /// Why.
        reason: String,
    },
}

/// Why a vendor was not heard. Its own words are for logs: applicants read the rest.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VendorError {
    /// The request was not taken.
    #[error("the vendor is not available")]
    Unavailable(String),
    /// It may have been taken.
    #[error("the vendor did not answer")]
    NoAnswer(String),
}

/// The vendors, behind one protocol: ask under a key, get the answer now or later.
pub trait Vendors: Send + Sync {
    /// Asks. MUST honour the key: a second request under it has no effect of its own and gets what is known of the first.
    fn ask(&self, request: &VendorRequest) -> impl Future<Output = Result<VendorAnswer, VendorError>> + Send;

    /// What became of the request under this key; `None` where there is none.
    fn find(&self, kind: VendorKind, key: &str) -> impl Future<Output = Result<Option<VendorAnswer>, VendorError>> + Send;
}

/// A vendor's answer that comes later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VendorCallback {
    /// The key of the request.
    pub key: String,
    /// What the vendor says.
    #[serde(flatten)]
    pub answer: VendorAnswer,
}

/// Seals personal data, each field apart: with [`Keys`], in `carryout_lambda::vault`.
pub trait Vault: Send + Sync {
    /// Seals values by field. MUST bind each to the applicant and the field, so that it opens nowhere else.
    fn seal(
        &self,
        applicant_id: &str,
        values: BTreeMap<String, String>,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, StorageError>> + Send;

    /// Opens what was sealed.
    fn open(
        &self,
        applicant_id: &str,
        sealed: BTreeMap<String, String>,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, StorageError>> + Send;
}

/// A key that seals personal data, and its wrapped form, which is kept with what it sealed. The key is not part of its debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    /// The key: AES-256.
    pub key: [u8; 32],
    /// The same, readable by whoever keeps the key that wraps it. At most some hundred bytes.
    pub wrapped: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").finish_non_exhaustive()
    }
}

/// Where the keys of personal data come from.
pub trait Keys: Send + Sync {
    /// A new key for this applicant.
    fn fresh(&self, applicant_id: &str) -> impl Future<Output = Result<DataKey, StorageError>> + Send;

    /// The key in this wrapped form. MUST fail where it was made for another applicant.
    fn unwrap(&self, applicant_id: &str, wrapped: &[u8]) -> impl Future<Output = Result<DataKey, StorageError>> + Send;
}

/// A document that somebody is about to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The object that it becomes, for ever.
    pub object: String,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes: exactly this.
    pub content_length: u64,
}

/// Where and how a client puts a document. Whoever holds it may put that one document there, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The object that it becomes: what the step's form asks for.
    pub object: String,
    /// The HTTP method.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Headers that MUST be sent.
    pub headers: BTreeMap<String, String>,
    /// Until when it can be put. Milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// Documents of applicants, which their clients put there themselves.
pub trait Documents: Send + Sync {
    /// Lets somebody put a document until `expires_at`, counted from `now`; both in milliseconds since the Unix epoch.
    fn upload(&self, document: &Document, now: i64, expires_at: i64)
    -> impl Future<Output = Result<Upload, StorageError>> + Send;

    /// Removes every object whose name begins like this.
    fn remove(&self, prefix: &str) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// One change of one entry from outside a claim: an answer, an operator's action, a silence.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The entry.
    pub step: String,
    /// The key version that the change is about; another one's entry is left alone.
    pub key_version: u32,
    /// Where the entry may stand.
    pub from: &'static [StepState],
    /// Where it stands then.
    pub to: StepState,
    /// Whether the key is spent, so that the next attempt has another and late answers to this one change nothing.
    pub next_key: bool,
    /// Why; `None` removes what is recorded.
    pub failure: Option<Failure>,
    /// What the step reports then; `None` leaves what is recorded.
    pub response: Option<Value>,
    /// Set where it completes the application: until when that is kept. Seconds since the Unix epoch.
    pub activated_until: Option<i64>,
    /// Who did it, where it was an operator.
    pub audit: Option<AuditEntry>,
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
}

/// Applicants, each one item with its status map.
///
/// MUST write single entries, each in one conditional write, so that concurrent steps never overwrite each other; `create` and
/// `replace` write the whole applicant, in one conditional write.
pub trait Applicants: StatusStore<Subject = Applicant, Note = Collected> {
    /// Writes a new applicant; gives the one that exists under its id, if there is one.
    fn create(&self, applicant: &Applicant) -> impl Future<Output = Result<Option<Applicant>, StorageError>> + Send;

    /// The applicant, in one read; `None` if there is none of this id.
    fn applicant(&self, id: &str) -> impl Future<Output = Result<Option<Applicant>, StorageError>> + Send;

    /// Changes one entry of an open applicant in one write, ends any lease on it, and has somebody look after the applicant.
    /// Refuses with the applicant as it stands where the change does not apply.
    fn change(&self, id: &str, change: &Change) -> impl Future<Output = Result<Applicant, Refused<Applicant>>> + Send;

    /// Writes where an answer to a waiting step ends the wait for it; `false` where the step does not wait for this answer any more.
    fn register(&self, awaited: &Awaited, task_token: &str) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Replaces the applicant if it still is at the version before `applicant.version`.
    fn replace(&self, applicant: &Applicant) -> impl Future<Output = Result<(), Refused<Applicant>>> + Send;

    /// Nobody needs to look after the applicant before `until` (milliseconds since the Unix epoch; `None` for ever), if it still
    /// is at this version. Does not count as a write.
    fn rest(&self, id: &str, version: u64, until: Option<i64>) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Every applicant, one after the other: for reports and plans, not for requests.
pub trait ApplicantPages: Send + Sync {
    /// Shows each of them.
    fn each(&self, visit: impl FnMut(Applicant) + Send) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// The markets, with what operators set.
pub trait MarketSource: Send + Sync {
    /// The markets as they are now; may be some seconds old. What can't be used is not: the ones before hold.
    fn markets(&self) -> impl Future<Output = Result<Arc<Markets>, StorageError>> + Send;
}

/// Makes somebody advance an applicant.
pub trait Nudges: Send + Sync {
    /// Sends a message, at least once.
    fn nudge(&self, applicant_id: &str, correlation_id: &str) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// What is waited for: the input of the waiting machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The applicant.
    pub id: String,
    /// The step's entry.
    pub step: String,
    /// The key version of the request.
    pub key_version: u32,
    /// Seconds until the first look, and between looks.
    pub reminder_seconds: u32,
    /// How often it is looked before the silence counts.
    pub reminders: u32,
    /// Follows the applicant through every log.
    pub correlation_id: String,
}

/// Waits.
pub trait Waits: Send + Sync {
    /// Begins to wait. A second beginning of the same wait does nothing.
    fn begin(&self, awaited: &Awaited) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Ends the wait behind a task token. A token that nobody waits under any more is no error.
    fn end(&self, task_token: &str) -> impl Future<Output = Result<(), StorageError>> + Send;
}
