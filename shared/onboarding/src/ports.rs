//! The ports of onboarding, as promises. Adapters live in `shared/aws`, `shared/partners` and `shared/lambda`; in-memory ones, for
//! tests, in `memory`.

use crate::{
    applicant::{Applicant, AuditEntry, Collected},
    vendor::{VendorAnswer, VendorError, VendorKind, VendorRequest},
};
use carryout_environment::{Failure, StorageError};
use carryout_workflow::{Refused, StatusStore, StepState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, future::Future};

/// The vendors, behind one protocol: a request under a key, answered at once or later.
pub trait Vendors: Send + Sync {
    /// Sends a request. MUST honour the key: a repeated request has no effect of its own and gets the answer to the first.
    fn ask(&self, request: &VendorRequest) -> impl Future<Output = Result<VendorAnswer, VendorError>> + Send;

    /// The answer to the request under this key; `None` if the vendor has no such request.
    fn find(&self, kind: VendorKind, key: &str) -> impl Future<Output = Result<Option<VendorAnswer>, VendorError>> + Send;
}

/// Encryption of personal data, field by field: with [`Keys`], in `carryout_lambda::vault`.
pub trait Vault: Send + Sync {
    /// Encrypts values by field. MUST bind each to the applicant and the field, so that it can be decrypted for no other.
    fn seal(
        &self,
        applicant_id: &str,
        values: BTreeMap<String, String>,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, StorageError>> + Send;

    /// Decrypts values by field.
    fn open(
        &self,
        applicant_id: &str,
        sealed: BTreeMap<String, String>,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, StorageError>> + Send;
}

/// A data key and its wrapped form, which is stored with the data. The key is not part of its debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    /// The key: AES-256.
    pub key: [u8; 32],
    /// The key, encrypted under the key that wraps it. At most some hundred bytes.
    pub wrapped: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").finish_non_exhaustive()
    }
}

/// Data keys for personal data.
pub trait Keys: Send + Sync {
    /// A new key for this applicant.
    fn fresh(&self, applicant_id: &str) -> impl Future<Output = Result<DataKey, StorageError>> + Send;

    /// The key in this wrapped form. MUST fail for a key of another applicant.
    fn unwrap(&self, applicant_id: &str, wrapped: &[u8]) -> impl Future<Output = Result<DataKey, StorageError>> + Send;
}

/// A document that an applicant is about to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The name of its object, which never changes.
    pub object: String,
    /// Its media type.
    pub content_type: String,
    /// Its exact size. Bytes.
    pub content_length: u64,
}

/// A presigned upload: it allows its holder to write this one document, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The name of the object: the value that the step's form asks for.
    pub object: String,
    /// The HTTP method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers that MUST be sent.
    pub headers: BTreeMap<String, String>,
    /// When it expires. Milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// Documents of applicants, which their clients upload directly.
pub trait Documents: Send + Sync {
    /// Allows an upload from `now` until `expires_at`, in milliseconds since the Unix epoch.
    fn upload(&self, document: &Document, now: i64, expires_at: i64)
    -> impl Future<Output = Result<Upload, StorageError>> + Send;

    /// Removes every object whose name begins with `prefix`.
    fn remove(&self, prefix: &str) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// A change of one entry from outside a claim: a vendor's answer, an operator's action, a silence.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The entry.
    pub step: String,
    /// The key version that the change is about; an entry at another one is not changed.
    pub key_version: u32,
    /// The states in which the change applies.
    pub from: &'static [StepState],
    /// The state after it.
    pub to: StepState,
    /// Whether the key is spent, so that the next attempt has another one and late answers to this one change nothing.
    pub next_key: bool,
    /// The failure after it; `None` removes a recorded one.
    pub failure: Option<Failure>,
    /// The response after it; `None` keeps a recorded one.
    pub response: Option<Value>,
    /// Set where it completes the application: its expiry. Seconds since the Unix epoch.
    pub activated_until: Option<i64>,
    /// The entry in the audit trail, for an operator's action.
    pub audit: Option<AuditEntry>,
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
}

impl Change {
    /// A change of an entry to `to`, from where it waits, at this time in milliseconds since the Unix epoch.
    pub fn waiting(step: &str, key_version: u32, to: StepState, at: i64) -> Self {
        Self {
            step: step.to_owned(),
            key_version,
            from: &[StepState::Waiting],
            to,
            next_key: false,
            failure: None,
            response: None,
            activated_until: None,
            audit: None,
            at,
        }
    }
}

/// Storage of applicants, each one item with its status map.
///
/// MUST write single entries, each in one conditional write, so that concurrent steps never overwrite each other; `create` and
/// `replace` write the whole item, in one conditional write.
pub trait Applicants: StatusStore<Subject = Applicant, Note = Collected> {
    /// Writes a new applicant; returns the one that exists under its id, if there is one.
    fn create(&self, applicant: &Applicant) -> impl Future<Output = Result<Option<Applicant>, StorageError>> + Send;

    /// The applicant, in one read; `None` if the id is unknown.
    fn applicant(&self, id: &str) -> impl Future<Output = Result<Option<Applicant>, StorageError>> + Send;

    /// Changes one entry of an open application in one write, ends any lease on it, and schedules the sweeper. Refuses with the
    /// applicant as stored where the change does not apply.
    fn change(&self, id: &str, change: &Change) -> impl Future<Output = Result<Applicant, Refused<Applicant>>> + Send;

    /// Records the task token that ends the wait for an answer; `false` where the step does not wait for that answer any more.
    fn register(&self, awaited: &Awaited, task_token: &str) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Replaces the applicant if the stored version is the one before `applicant.version`.
    fn replace(&self, applicant: &Applicant) -> impl Future<Output = Result<(), Refused<Applicant>>> + Send;

    /// Postpones the sweeper to `until` (milliseconds since the Unix epoch; `None` removes it), if the stored version is still this
    /// one. Does not count as a write.
    fn rest(&self, id: &str, version: u64, until: Option<i64>) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// A scan over every applicant: for reports and plans, not for requests.
pub trait ApplicantPages: Send + Sync {
    /// Visits each applicant.
    fn each(&self, visit: impl FnMut(Applicant) + Send) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// The queue of applicants to advance.
pub trait AdvanceQueue: Send + Sync {
    /// Requests that an applicant is advanced: at least once.
    fn request(&self, applicant_id: &str, correlation_id: &str) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// An awaited answer: the input of the waiting machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The applicant.
    pub id: String,
    /// The step's entry.
    pub step: String,
    /// The key version of the request.
    pub key_version: u32,
    /// Seconds until the first poll, and between polls.
    pub reminder_seconds: u32,
    /// The number of polls before the wait expires.
    pub reminders: u32,
    /// Follows the applicant through every log.
    pub correlation_id: String,
}

/// Waits for answers.
pub trait Waits: Send + Sync {
    /// Begins to wait. A second beginning of the same wait does nothing.
    fn begin(&self, awaited: &Awaited) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Ends the wait behind a task token. The token of a wait that has ended is no error.
    fn end(&self, task_token: &str) -> impl Future<Output = Result<(), StorageError>> + Send;
}
