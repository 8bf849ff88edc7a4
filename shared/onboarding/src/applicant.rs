//! An applicant: a person or business that wants to deliver or to sell, with all that is known of them in one item.

use carryout_workflow::{Direction, StatusMap, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The status of an application as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicantStatus {
    /// Some steps are not complete.
    Processing,
    /// Every step is complete, and the account works.
    Active,
    /// The data was erased on request.
    Erased,
}

/// A collected value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Datum {
    /// Not personal: conditions may read it.
    Plain(Value),
    /// Personal: encrypted by the [`Vault`](crate::ports::Vault) for this applicant and this field.
    Sealed(String),
}

/// An operator's action on a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorAction {
    /// Completes a waiting step.
    Approve,
    /// Fails a waiting step, or one whose vendor never accepts the request.
    Reject,
    /// Opens a failed or waiting step for another attempt, under the next key.
    Retry,
    /// Marks a step as irrelevant for this applicant.
    Skip,
}

/// An entry of the audit trail: one operator's action on one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
    /// The operator: the subject of their token.
    pub operator: String,
    /// The action.
    pub action: OperatorAction,
    /// The step.
    pub step: String,
    /// The operator's reason.
    pub reason: String,
}

/// The table shapes of the older system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LegacyShape {
    /// One row of flags.
    V2,
    /// One row for each step.
    V3,
}

/// One application of one person or business in one market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applicant {
    /// Its id.
    pub id: String,
    /// The applicant's account: the subject of their token.
    pub owner: String,
    /// ISO 3166-1 alpha-2 code of the market's country.
    pub country: String,
    /// The kind of applicant: `courier`, `merchant`.
    pub market_type: String,
    /// The name of the workflow.
    pub workflow: String,
    /// The version of the workflow at which the application began, or to which it was migrated.
    pub workflow_version: u32,
    /// The status of the application as a whole.
    pub status: ApplicantStatus,
    /// Always forward: nothing of an application is undone.
    pub direction: Direction,
    /// Always 1: steps begin when they can, not in runs.
    pub run: u32,
    /// Counts the writes.
    pub version: u64,
    /// One entry for each step of the workflow.
    pub steps: StatusMap,
    /// Collected data, by field.
    pub data: BTreeMap<String, Datum>,
    /// Facts about the market when the application began, such as its `supply`; conditions may read them.
    pub facts: Map<String, Value>,
    /// The actions of operators, oldest first.
    pub audit: Vec<AuditEntry>,
    /// The shape of the applicant's record in the older system, where they began there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<LegacyShape>,
    /// Follows the applicant through every log.
    pub correlation_id: String,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// The last write. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// The shard of the sparse index of applicants that the sweeper looks at; set together with `sweep_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_shard: Option<String>,
    /// When the sweeper advances the application if nothing else does. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_at: Option<i64>,
    /// When the item expires. Seconds since the Unix epoch.
    pub ttl: i64,
}

impl Applicant {
    /// The attributes that conditions may read: the market, its facts, collected data that is not personal, and the outputs of complete
    /// steps.
    pub fn attributes(&self) -> Value {
        let mut attributes = self.facts.clone();
        for entry in self.steps.0.values().filter(|entry| entry.is_complete()) {
            attributes.extend(entry.response.as_ref().and_then(Value::as_object).cloned().unwrap_or_default());
        }
        for (field, datum) in &self.data {
            if let Datum::Plain(value) = datum {
                attributes.insert(field.clone(), value.clone());
            }
        }
        attributes.insert("country".to_owned(), self.country.clone().into());
        attributes.insert("market_type".to_owned(), self.market_type.clone().into());
        attributes.into()
    }

    /// The market, as metrics and reports name it: `US courier`.
    pub fn market(&self) -> String {
        format!("{} {}", self.country, self.market_type)
    }
}

impl Subject for Applicant {
    fn id(&self) -> &str {
        &self.id
    }

    fn status(&self) -> &StatusMap {
        &self.steps
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn is_closed(&self) -> bool {
        self.status != ApplicantStatus::Processing
    }

    /// Erased applications too: documents may still be uploaded for a while, and are removed then.
    fn is_looked_after(&self) -> bool {
        self.sweep_at.is_some()
    }
}

/// What a step writes together with its entry in the status map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// Collected data, by field.
    pub data: BTreeMap<String, Datum>,
    /// When the sweeper looks whether the attempt ended halfway. Milliseconds since the Unix epoch.
    pub sweep_at: Option<i64>,
    /// Set where the entry completes the application: its expiry. Seconds since the Unix epoch.
    pub activated_until: Option<i64>,
}

/// Retention of an unfinished application. Seconds.
pub const KEEP_OPEN_SECONDS: i64 = 180 * 24 * 60 * 60;
/// Retention of a finished application. Seconds.
pub const KEEP_ACTIVE_SECONDS: i64 = 730 * 24 * 60 * 60;
/// Retention of the shell of an erased application, so that late answers find it closed. Seconds.
pub const KEEP_ERASED_SECONDS: i64 = 30 * 24 * 60 * 60;
/// The delay after the begin of an attempt at which the sweeper looks whether it ended. Milliseconds.
pub const SWEEP_AFTER_MS: i64 = 60_000;

/// The number of shards of the sweeper's index.
pub const SWEEP_SHARDS: u32 = 4;

/// The shard of the sweeper's index for a sweep at this time, in milliseconds since the Unix epoch: the milliseconds spread the load.
pub fn sweep_shard(sweep_at: i64) -> String {
    sweep_at.rem_euclid(i64::from(SWEEP_SHARDS)).to_string()
}
