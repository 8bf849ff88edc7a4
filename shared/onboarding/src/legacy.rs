//! Applicants who began in a system before this one. Both of its table shapes are read; progress is mirrored both ways while a
//! market moves over, by one rule.
//!
//! The rule: progress is never taken back. A step that is complete on either side is complete on both, but for a refusal here, which
//! holds. Where both sides say something else of a step than "not begun" and don't agree, that is a conflict, and is counted.

use crate::{
    applicant::{Applicant, ApplicantStatus, Datum},
    markets::Markets,
    ports::Applicants,
    steps,
};
use carryout_environment::StorageError;
use carryout_workflow::{Refused, StepEntry, StepState, Subject as _, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, future::Future};

/// The shape of the tables that a record is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// One row of flags.
    V2,
    /// One row for each step.
    V3,
}

/// What an older system knows of an applicant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "lowercase")]
pub enum LegacyRecord {
    /// Flags: `documents_uploaded: true`.
    V2 {
        /// The flags by name; one that is missing is false.
        flags: BTreeMap<String, bool>,
        /// What was collected, by field.
        #[serde(default)]
        data: Map<String, Value>,
    },
    /// Steps.
    V3 {
        /// The steps by name.
        steps: BTreeMap<String, LegacyStep>,
        /// What was collected, by field.
        #[serde(default)]
        data: Map<String, Value>,
    },
}

/// One step of the newer shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyStep {
    /// Where it stands.
    pub status: LegacyStatus,
    /// When it was written. Milliseconds since the Unix epoch.
    #[serde(default)]
    pub updated_at: i64,
}

/// Where a step stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LegacyStatus {
    /// Not begun.
    Open,
    /// Begun.
    InProgress,
    /// Done.
    Complete,
    /// Left out.
    Skipped,
    /// Refused.
    Failed,
}

/// The system before this one.
pub trait LegacySystem: Send + Sync {
    /// What it knows of a person in a market; nothing where they never began there.
    fn record(
        &self,
        owner: &str,
        country: &str,
        market_type: &str,
    ) -> impl Future<Output = Result<Option<LegacyRecord>, StorageError>> + Send;

    /// Writes the progress of a person in a market. MUST keep what it holds at a higher version, and what it knows of the person.
    fn mirror(
        &self,
        owner: &str,
        country: &str,
        market_type: &str,
        version: u64,
        record: &LegacyRecord,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// The flag of the older shape, and the step of the newer one, that say the same as a step here.
const NAMES: &[(&str, &str, &str)] = &[
    ("collect-profile", "profile_complete", "PROFILE"),
    ("collect-details", "details_complete", "ADDITIONAL_INFO"),
    ("register-vehicle", "vehicle_complete", "VEHICLE"),
    ("validate-address", "validation_complete", "ADDRESS"),
    ("verify-identity", "identity_verified", "IDV"),
    ("upload-document", "documents_uploaded", "DOCUMENTS"),
    ("check-risk", "risk_cleared", "RISK"),
    ("check-background", "background_cleared", "BACKGROUND"),
    ("set-up-payout", "payout_complete", "PAYMENT"),
    ("submit-tax-form", "tax_complete", "TAX"),
    ("sign-agreement", "agreement_signed", "AGREEMENT"),
    ("take-quiz", "quiz_passed", "QUIZ"),
];

impl LegacyRecord {
    /// The shape of the record.
    pub const fn shape(&self) -> Shape {
        match self {
            Self::V2 { .. } => Shape::V2,
            Self::V3 { .. } => Shape::V3,
        }
    }

    /// What was collected.
    pub const fn data(&self) -> &Map<String, Value> {
        match self {
            Self::V2 { data, .. } | Self::V3 { data, .. } => data,
        }
    }

    /// Keeps what was collected before, but for what is known anew.
    pub fn keep(&mut self, before: &Map<String, Value>) {
        let (Self::V2 { data, .. } | Self::V3 { data, .. }) = self;
        for (field, value) in before {
            data.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Where a step stands there, and since when.
    pub fn step(&self, step: &str) -> (StepState, i64) {
        let Some((_, flag, name)) = NAMES.iter().find(|(own, ..)| *own == step) else { return (StepState::Pending, 0) };
        match self {
            Self::V2 { flags, .. } if flags.get(*flag).copied().unwrap_or_default() => (StepState::Done, 0),
            Self::V2 { .. } => (StepState::Pending, 0),
            Self::V3 { steps, .. } => steps.get(*name).map_or((StepState::Pending, 0), |step| {
                let state = match step.status {
                    // What was begun there begins again here: nobody here knows how far it came.
                    LegacyStatus::Open | LegacyStatus::InProgress => StepState::Pending,
                    LegacyStatus::Complete => StepState::Done,
                    LegacyStatus::Skipped => StepState::Skipped,
                    LegacyStatus::Failed => StepState::Failed,
                };
                (state, step.updated_at)
            }),
        }
    }

    /// What is known of an applicant here, in a shape. Personal data is not sent: the older system has what it collected.
    pub fn of(applicant: &Applicant, workflow: &Workflow, shape: Shape) -> Self {
        let state = |step: &str| {
            let mut entries =
                workflow.steps().filter(|spec| spec.step == step).filter_map(|spec| applicant.steps.entry(spec.entry_name()));
            let first = entries.next()?.clone();
            // Several instances are one step there: complete when all are.
            Some(entries.fold(first, |least, entry| if least.is_complete() { entry.clone() } else { least }))
        };
        let data: Map<String, Value> = applicant
            .data
            .iter()
            .filter_map(|(field, datum)| match datum {
                Datum::Plain(value) => Some((field.clone(), value.clone())),
                Datum::Sealed(_) => None,
            })
            .collect();
        let known = NAMES.iter().filter_map(|(own, flag, name)| Some((flag, name, state(own)?)));
        match shape {
            Shape::V2 => {
                Self::V2 { flags: known.map(|(flag, _, entry)| ((*flag).to_owned(), entry.is_complete())).collect(), data }
            }
            Shape::V3 => {
                Self::V3 { steps: known.map(|(_, name, entry)| ((*name).to_owned(), legacy_step(&entry))).collect(), data }
            }
        }
    }
}

fn legacy_step(entry: &StepEntry) -> LegacyStep {
    let status = match entry.state {
        StepState::Pending => LegacyStatus::Open,
        StepState::Running | StepState::Waiting => LegacyStatus::InProgress,
        StepState::Done => LegacyStatus::Complete,
        StepState::Skipped => LegacyStatus::Skipped,
        StepState::Failed => LegacyStatus::Failed,
    };
    LegacyStep { status, updated_at: entry.ended_at.or(entry.sent_at).unwrap_or_default() }
}

/// What became of the steps of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Steps that are complete here now because they are there.
    pub adopted: usize,
    /// Steps about which both sides said something else.
    pub conflicts: usize,
}

/// Merges what an older system says into the status map, by the rule of this module.
///
/// `collected` is what is taken over from it together with this.
pub fn merge(
    applicant: &mut Applicant,
    workflow: &Workflow,
    record: &LegacyRecord,
    collected: &Map<String, Value>,
    now: i64,
) -> Merged {
    let mut merged = Merged::default();
    for spec in workflow.steps() {
        let (theirs, at) = record.step(&spec.step);
        let Ok(description) = steps::describe(spec) else { continue };
        let Some(entry) = applicant.steps.0.get_mut(spec.entry_name()) else { continue };
        let complete_there = description.is_completed_by(theirs);
        let ours = entry.state;
        // What happens here at this moment ends here first.
        if ours == theirs || entry.is_leased(now) {
            continue;
        }
        if !matches!(ours, StepState::Pending) && !matches!(theirs, StepState::Pending) {
            merged.conflicts += 1;
        }
        // What a form asks is needed later, by vendors and conditions: without it the step is done here.
        let is_known = |name: &str| applicant.data.contains_key(name) || collected.contains_key(name);
        let has_all = description.fields.iter().all(|field| !field.required || is_known(&field.name));
        if complete_there && has_all && !entry.is_complete() && ours != StepState::Failed {
            entry.state = theirs;
            entry.ended_at = Some(if at > 0 { at } else { now });
            entry.response = Some(description.approval());
            entry.failure = None;
            entry.key_version += 1;
            merged.adopted += 1;
        }
    }
    merged
}

/// Takes over what an applicant did in an older system, and gives what was collected there.
pub(crate) fn adopt(applicant: &mut Applicant, workflow: &Workflow, record: &LegacyRecord, now: i64) -> Map<String, Value> {
    applicant.legacy = Some(record.shape());
    let merged = merge(applicant, workflow, record, record.data(), now);
    tracing::info!(applicant.id = %applicant.id, shape = ?record.shape(), adopted = merged.adopted, "began in an older system");
    record.data().clone()
}

/// Mirrors the progress of an applicant who began in an older system: what was done there since is done here, and the other way
/// round. Does nothing where the mirror is off. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
///
/// Where either side failed: mirror again.
pub async fn mirror(
    applicants: &impl Applicants,
    legacy: &impl LegacySystem,
    markets: &Markets,
    id: &str,
    now: i64,
) -> Result<Merged, StorageError> {
    if !markets.settings().mirror {
        return Ok(Merged::default());
    }
    // Whoever was erased is nobody there either.
    let applicant = applicants.applicant(id).await?.filter(|applicant| applicant.status != ApplicantStatus::Erased);
    let Some(mut applicant) = applicant else { return Ok(Merged::default()) };
    let Some(shape) = applicant.legacy else { return Ok(Merged::default()) };
    let workflow = markets.of(&applicant).map_err(|missing| StorageError::Corrupt(missing.to_string()))?;
    let mut merged = Merged::default();
    if !applicant.is_closed()
        && let Some(record) = legacy.record(&applicant.owner, &applicant.country, &applicant.market_type).await?
    {
        merged = merge(&mut applicant, workflow, &record, &Map::new(), now);
        if merged.adopted > 0 {
            applicant.version += 1;
            applicant.updated_at = now;
            match applicants.replace(&applicant).await {
                Ok(()) => {}
                Err(Refused::Storage(error)) => return Err(error),
                // They have moved on; what they are now is mirrored with that.
                Err(Refused::ConditionFailed(_) | Refused::Conflict | Refused::NotFound | Refused::Other) => {
                    return Ok(Merged::default());
                }
            }
        }
    }
    let record = LegacyRecord::of(&applicant, workflow, shape);
    legacy.mirror(&applicant.owner, &applicant.country, &applicant.market_type, applicant.version, &record).await?;
    Ok(merged)
}
