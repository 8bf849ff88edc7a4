//! Applicants who began in the older system. Both of its table shapes are read; progress is mirrored both ways while a market is being
//! rolled out, by one rule.
//!
//! The rule: progress is never reverted. A step that is complete on either side is complete on both, except that a refusal here
//! holds. Where both sides have begun a step and disagree about it, that is a conflict, and is counted.

use crate::{
    applicant::{Applicant, ApplicantStatus, Datum, LegacyShape},
    markets::MarketSource,
    ports::Applicants,
    service::{Onboarding, Ports, unless_moved_on},
    steps,
};
use carryout_environment::{Clock, StorageError};
use carryout_workflow::{FormWorkflow, StepEntry, StepSpec as _, StepState, Subject as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, future::Future};

/// An applicant's record in the older system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "lowercase")]
pub enum LegacyRecord {
    /// Flags: `documents_uploaded: true`.
    V2 {
        /// The flags by name; a missing one is false.
        flags: BTreeMap<String, bool>,
        /// Collected data, by field.
        #[serde(default)]
        data: Map<String, Value>,
    },
    /// Steps.
    V3 {
        /// The steps by name.
        steps: BTreeMap<String, LegacyStep>,
        /// Collected data, by field.
        #[serde(default)]
        data: Map<String, Value>,
    },
}

/// One step of the V3 shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyStep {
    /// Its status.
    pub status: LegacyStatus,
    /// The last write. Milliseconds since the Unix epoch.
    #[serde(default)]
    pub updated_at: i64,
}

/// The status of a step of the V3 shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LegacyStatus {
    /// Not begun.
    Open,
    /// Begun.
    InProgress,
    /// Done.
    Complete,
    /// Skipped.
    Skipped,
    /// Refused.
    Failed,
}

/// The key of a record in the older system: a person in a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyKey<'a> {
    /// The person's account: the subject of their token.
    pub owner: &'a str,
    /// The market's country.
    pub country: &'a str,
    /// The market's type.
    pub market_type: &'a str,
}

impl<'a> LegacyKey<'a> {
    /// The key of an applicant's record.
    pub fn of(applicant: &'a Applicant) -> Self {
        Self { owner: &applicant.owner, country: &applicant.country, market_type: &applicant.market_type }
    }
}

/// The older system.
pub trait LegacySystem: Send + Sync {
    /// The record of a person in a market; `None` if they never began there.
    fn record(&self, key: LegacyKey<'_>) -> impl Future<Output = Result<Option<LegacyRecord>, StorageError>> + Send;

    /// Writes the progress of a person in a market. MUST keep a record of a higher version, and the data that the older system has
    /// collected.
    fn mirror(
        &self,
        key: LegacyKey<'_>,
        version: u64,
        record: &LegacyRecord,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;
}

impl LegacyRecord {
    /// The shape of the record.
    pub const fn shape(&self) -> LegacyShape {
        match self {
            Self::V2 { .. } => LegacyShape::V2,
            Self::V3 { .. } => LegacyShape::V3,
        }
    }

    /// The collected data.
    pub const fn data(&self) -> &Map<String, Value> {
        match self {
            Self::V2 { data, .. } | Self::V3 { data, .. } => data,
        }
    }

    /// Adds data that was collected before; newer values win.
    pub fn keep(&mut self, before: &Map<String, Value>) {
        let (Self::V2 { data, .. } | Self::V3 { data, .. }) = self;
        for (field, value) in before {
            data.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The state of a step in the older system, and the time of its last write (0 if unknown).
    pub fn step(&self, step: &str) -> (StepState, i64) {
        let Some(names) = steps::info(step).and_then(|info| info.legacy) else { return (StepState::Pending, 0) };
        match self {
            Self::V2 { flags, .. } if flags.get(names.flag).copied().unwrap_or_default() => (StepState::Done, 0),
            Self::V2 { .. } => (StepState::Pending, 0),
            Self::V3 { steps, .. } => steps.get(names.step).map_or((StepState::Pending, 0), |step| {
                let state = match step.status {
                    // A step that was only begun there begins again here, since its progress is unknown.
                    LegacyStatus::Open | LegacyStatus::InProgress => StepState::Pending,
                    LegacyStatus::Complete => StepState::Done,
                    LegacyStatus::Skipped => StepState::Skipped,
                    LegacyStatus::Failed => StepState::Failed,
                };
                (state, step.updated_at)
            }),
        }
    }

    /// The record of an applicant's progress here, in a shape. It has no personal data: the older system has what it collected.
    pub fn of(applicant: &Applicant, workflow: &FormWorkflow, shape: LegacyShape) -> Self {
        let state = |step: &str| {
            let mut entries =
                workflow.steps().filter(|spec| spec.step == step).filter_map(|spec| applicant.steps.entry(spec.entry_name()));
            let first = entries.next()?.clone();
            // Several instances are one step there, complete when all are.
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
        let known = steps::ALL.iter().filter_map(|info| Some((info.legacy?, state(info.name)?)));
        match shape {
            LegacyShape::V2 => {
                Self::V2 { flags: known.map(|(names, entry)| (names.flag.to_owned(), entry.is_complete())).collect(), data }
            }
            LegacyShape::V3 => {
                Self::V3 { steps: known.map(|(names, entry)| (names.step.to_owned(), legacy_step(&entry))).collect(), data }
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

/// The result of merging a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Steps that are complete here now because they are complete there.
    pub adopted: usize,
    /// Steps about which both sides disagree.
    pub conflicts: usize,
}

/// Merges a record of the older system into the status map, by the rule of this module.
///
/// `collected` is the data that is adopted together with it. `now` is in milliseconds since the Unix epoch.
pub fn merge(
    applicant: &mut Applicant,
    workflow: &FormWorkflow,
    record: &LegacyRecord,
    collected: &Map<String, Value>,
    now: i64,
) -> Merged {
    let mut merged = Merged::default();
    for spec in workflow.steps() {
        let (theirs, at) = record.step(&spec.step);
        let Ok(configured) = steps::configure(spec) else { continue };
        let Some(entry) = applicant.steps.0.get_mut(spec.entry_name()) else { continue };
        let complete_there = configured.is_completed_by(theirs);
        let ours = entry.state;
        // An attempt that runs here ends first.
        if ours == theirs || entry.is_leased(now) {
            continue;
        }
        if !matches!(ours, StepState::Pending) && !matches!(theirs, StepState::Pending) {
            merged.conflicts += 1;
        }
        // Vendors and conditions need the data of the form later: without it the step is done here.
        let is_known = |name: &str| applicant.data.contains_key(name) || collected.contains_key(name);
        let has_all = configured.fields.iter().all(|field| !field.required || is_known(&field.name));
        if complete_there && has_all && !entry.is_complete() && ours != StepState::Failed {
            entry.state = theirs;
            entry.ended_at = Some(if at > 0 { at } else { now });
            entry.response = Some(configured.approval());
            entry.failure = None;
            entry.key_version += 1;
            merged.adopted += 1;
        }
    }
    merged
}

/// Adopts an applicant's progress from the older system, and returns the data that was collected there.
pub(crate) fn adopt(applicant: &mut Applicant, workflow: &FormWorkflow, record: &LegacyRecord, now: i64) -> Map<String, Value> {
    applicant.legacy = Some(record.shape());
    let merged = merge(applicant, workflow, record, record.data(), now);
    tracing::info!(applicant.id = %applicant.id, shape = ?record.shape(), adopted = merged.adopted, "adopted from the older system");
    record.data().clone()
}

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Legacy: LegacySystem, Markets: MarketSource, Clock: Clock>,
{
    /// Mirrors the progress of an applicant who began in the older system, both ways. Does nothing while the mirror is off, and nothing
    /// for erased applicants.
    ///
    /// # Errors
    ///
    /// If either side failed: mirror again.
    pub async fn mirror(&self, id: &str) -> Result<Merged, StorageError> {
        let (markets, now) = (self.current_markets().await?, self.now());
        if !markets.settings().mirror {
            return Ok(Merged::default());
        }
        let applicant = self.applicants.applicant(id).await?.filter(|applicant| applicant.status != ApplicantStatus::Erased);
        let Some(mut applicant) = applicant else { return Ok(Merged::default()) };
        let Some(shape) = applicant.legacy else { return Ok(Merged::default()) };
        let workflow = markets.of(&applicant)?;
        let mut merged = Merged::default();
        if !applicant.is_closed()
            && let Some(record) = self.legacy.record(LegacyKey::of(&applicant)).await?
        {
            merged = merge(&mut applicant, workflow, &record, &Map::new(), now);
            if merged.adopted > 0 {
                applicant.version += 1;
                applicant.updated_at = now;
                // Whatever moved the applicant on is followed by another mirroring.
                if !unless_moved_on(self.applicants.replace(&applicant).await)? {
                    return Ok(Merged::default());
                }
            }
        }
        let record = LegacyRecord::of(&applicant, workflow, shape);
        self.legacy.mirror(LegacyKey::of(&applicant), applicant.version, &record).await?;
        Ok(merged)
    }
}
