//! Somebody who wants to deliver or to sell, with everything that is known of them: one item.

use carryout_workflow::{Direction, StatusMap, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Where an applicant stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicantStatus {
    /// Some steps are left.
    Processing,
    /// Every step is complete, and the account works.
    Active,
    /// Their data was erased on request.
    Erased,
}

/// A value that was collected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Datum {
    /// Nothing personal: conditions may read it.
    Plain(Value),
    /// Sealed by the [`Vault`](crate::ports::Vault) for this applicant and this field.
    Sealed(String),
}

/// What an operator did to a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
    /// Who: the subject of their token.
    pub operator: String,
    /// What.
    pub action: crate::operate::Action,
    /// To which step.
    pub step: String,
    /// Why.
    pub reason: String,
}

/// One application of one person or business in one market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applicant {
    /// Its id.
    pub id: String,
    /// Whose it is: the subject of their token.
    pub owner: String,
    /// ISO 3166-1 alpha-2 code of the market's country.
    pub country: String,
    /// What they want to be: `courier`, `merchant`.
    pub market_type: String,
    /// The name of their workflow.
    pub workflow: String,
    /// Its version, which they began with.
    pub workflow_version: u32,
    /// Where they stand as a whole.
    pub status: ApplicantStatus,
    /// Always forward: nothing of an application is undone.
    pub direction: Direction,
    /// Always 1: steps begin when they can, not in runs.
    pub run: u32,
    /// Counts the writes.
    pub version: u64,
    /// One entry for each step of the workflow.
    pub steps: StatusMap,
    /// What was collected, by field.
    pub data: BTreeMap<String, Datum>,
    /// What was known of the market when they began, such as its `supply`; conditions may read it.
    pub facts: Map<String, Value>,
    /// What operators did, oldest first.
    pub audit: Vec<AuditEntry>,
    /// Which older system they began in, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<crate::legacy::Shape>,
    /// Follows the applicant through every log.
    pub correlation_id: String,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it was last written. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// In which part of the index of those with something to do; nothing where they only wait for somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_shard: Option<String>,
    /// When somebody looks after them. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_at: Option<i64>,
    /// When they are forgotten. Seconds since the Unix epoch.
    pub ttl: i64,
}

impl Applicant {
    /// What conditions may read: the market, its facts, what was collected and is not personal, and what complete steps found.
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

    /// Of erased applicants somebody removes what they still upload.
    fn is_looked_after(&self) -> bool {
        self.sweep_at.is_some()
    }
}

/// What a step writes together with its entry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// What was collected, by field.
    pub data: BTreeMap<String, Datum>,
    /// When somebody looks after the applicant in case the attempt ends halfway. Milliseconds since the Unix epoch.
    pub sweep_at: Option<i64>,
    /// Set where the entry completes the application: until when it is kept. Seconds since the Unix epoch.
    pub activated_until: Option<i64>,
}

/// How long an application is kept that nobody finishes. Seconds.
pub const KEEP_OPEN_SECONDS: i64 = 180 * 24 * 60 * 60;
/// How long an application is kept after it was finished. Seconds.
pub const KEEP_ACTIVE_SECONDS: i64 = 730 * 24 * 60 * 60;
/// How long the shell of an erased application is kept, so that late answers find it closed. Seconds.
pub const KEEP_ERASED_SECONDS: i64 = 30 * 24 * 60 * 60;
/// How long after an attempt has begun somebody looks whether it ended. Milliseconds.
pub const SWEEP_AFTER_MS: i64 = 60_000;
