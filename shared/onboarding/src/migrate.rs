//! Migrates applicants in progress to another version of their workflow, by a plan that an operator reads first.

use crate::{
    applicant::{Applicant, sweep_shard},
    ports::Applicants,
    service::unless_moved_on,
};
use carryout_environment::StorageError;
use carryout_workflow::{FormWorkflow, StepSpec as _, StepState, Subject as _};
use serde::Serialize;

/// A migration of applicants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MigrationPlan {
    /// Applicants who can be migrated.
    pub moves: Vec<Move>,
    /// Applicants who can't be migrated without a decision, and why.
    pub ambiguous: Vec<Ambiguity>,
    /// The number of applicants who are at the new version already, or closed.
    pub unaffected: usize,
}

/// One applicant who can be migrated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The applicant.
    pub id: String,
    /// The applicant's version that the plan was made from.
    pub at_version: u64,
    /// Steps that keep their entries.
    pub kept: Vec<String>,
    /// Steps that are new.
    pub added: Vec<String>,
    /// Steps that are not part of the workflow any more; their collected data stays.
    pub dropped: Vec<String>,
}

/// One applicant about whom an operator has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ambiguity {
    /// The applicant.
    pub id: String,
    /// The reasons, one sentence each.
    pub reasons: Vec<String>,
}

/// Plans the migration of applicants of the workflow `from` to `to`. Nothing is guessed: an applicant is ambiguous if a step that has begun
/// may or may not be the same step there.
pub fn plan<'a>(from: &FormWorkflow, to: &FormWorkflow, applicants: impl IntoIterator<Item = &'a Applicant>) -> MigrationPlan {
    let mut plan = MigrationPlan::default();
    for applicant in applicants {
        if applicant.is_closed() || (&applicant.workflow, applicant.workflow_version) != (&from.name, from.version) {
            plan.unaffected += 1;
            continue;
        }
        match plan_one(from, to, applicant) {
            Ok(step) => plan.moves.push(step),
            Err(reasons) => plan.ambiguous.push(Ambiguity { id: applicant.id.clone(), reasons }),
        }
    }
    plan
}

fn plan_one(from: &FormWorkflow, to: &FormWorkflow, applicant: &Applicant) -> Result<Move, Vec<String>> {
    let (mut kept, mut added, mut dropped, mut reasons) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, entry) in &applicant.steps.0 {
        let begun = entry.state != StepState::Pending || entry.attempts > 0;
        let (old, new) = (from.step(name), to.step(name));
        match (old, new) {
            (Some(old), Some(new)) if begun && old.step != new.step => {
                reasons.push(format!("{name} is {} there and {} here, and has begun", new.step, old.step));
            }
            (Some(old), Some(new)) if begun && old.version != new.version => {
                reasons.push(format!("{name} has begun at version {} and would be at version {}", old.version, new.version));
            }
            (Some(old), Some(new)) if begun && old.settings != new.settings => {
                reasons.push(format!("{name} has begun and would have other settings"));
            }
            (_, Some(_)) => kept.push(name.clone()),
            (Some(old), None)
                if begun && to.steps().any(|spec| spec.step == old.step && from.step(spec.entry_name()).is_none()) =>
            {
                reasons.push(format!("{name} has begun, and another instance of {} is there in its place", old.step));
            }
            (_, None) if matches!(entry.state, StepState::Running | StepState::Waiting) => {
                reasons.push(format!("{name} is {:?}, and would be dropped", entry.state));
            }
            (_, None) => dropped.push(name.clone()),
        }
    }
    for spec in to.steps().filter(|spec| applicant.steps.entry(spec.entry_name()).is_none()) {
        added.push(spec.entry_name().to_owned());
    }
    if reasons.is_empty() {
        Ok(Move { id: applicant.id.clone(), at_version: applicant.version, kept, added, dropped })
    } else {
        Err(reasons)
    }
}

/// Migrates one applicant as planned, at `now` in milliseconds since the Unix epoch. Returns `false` if the applicant has moved on since
/// the plan: plan again.
///
/// # Errors
///
/// If storage failed.
pub async fn migrate(applicants: &impl Applicants, to: &FormWorkflow, step: &Move, now: i64) -> Result<bool, StorageError> {
    let Some(mut applicant) = applicants.applicant(&step.id).await? else { return Ok(false) };
    if applicant.version != step.at_version || applicant.steps.0.values().any(|entry| entry.is_leased(now)) {
        return Ok(false);
    }
    applicant.steps.0.retain(|name, _| !step.dropped.contains(name));
    for name in &step.added {
        applicant.steps.0.entry(name.clone()).or_default();
    }
    applicant.workflow_version = to.version;
    applicant.sweep_shard = Some(sweep_shard(now));
    applicant.sweep_at = Some(now);
    applicant.updated_at = now;
    applicant.version += 1;
    unless_moved_on(applicants.replace(&applicant).await)
}
