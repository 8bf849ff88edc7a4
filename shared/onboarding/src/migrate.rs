//! Moves applicants who are on their way to another version of their workflow, by a plan that is looked at first.

use crate::{applicant::Applicant, ports::Applicants};
use carryout_environment::StorageError;
use carryout_workflow::{Refused, StepState, Subject as _, Workflow};
use serde::Serialize;

/// What would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MigrationPlan {
    /// Who can be moved.
    pub moves: Vec<Move>,
    /// Who can't be moved without a person's decision, and why.
    pub ambiguous: Vec<Ambiguity>,
    /// Who is there already, or closed.
    pub unaffected: usize,
}

/// One applicant who can be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// The applicant.
    pub id: String,
    /// The applicant's version that the plan was made from.
    pub at_version: u64,
    /// Steps that stay as they are.
    pub kept: Vec<String>,
    /// Steps that are asked for anew.
    pub added: Vec<String>,
    /// Steps that are not part of the workflow any more; what they collected stays.
    pub dropped: Vec<String>,
}

/// One applicant about whom a person has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ambiguity {
    /// The applicant.
    pub id: String,
    /// What is not clear, one sentence each.
    pub reasons: Vec<String>,
}

/// Plans the move of `applicants` of the workflow `from` to `to`. Nothing is guessed: where a step that somebody has begun may or may
/// not be another one there, they are ambiguous.
pub fn plan<'a>(from: &Workflow, to: &Workflow, applicants: impl IntoIterator<Item = &'a Applicant>) -> MigrationPlan {
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

fn plan_one(from: &Workflow, to: &Workflow, applicant: &Applicant) -> Result<Move, Vec<String>> {
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

/// Moves one applicant as planned. `false` where they have moved on since: plan again.
///
/// # Errors
///
/// Where the store failed.
pub async fn migrate(applicants: &impl Applicants, to: &Workflow, step: &Move, now: i64) -> Result<bool, StorageError> {
    let Some(mut applicant) = applicants.applicant(&step.id).await? else { return Ok(false) };
    if applicant.version != step.at_version || applicant.steps.0.values().any(|entry| entry.is_leased(now)) {
        return Ok(false);
    }
    applicant.steps.0.retain(|name, _| !step.dropped.contains(name));
    for name in &step.added {
        applicant.steps.0.entry(name.clone()).or_default();
    }
    applicant.workflow_version = to.version;
    applicant.sweep_shard = Some(crate::start::shard(now));
    applicant.sweep_at = Some(now);
    applicant.updated_at = now;
    applicant.version += 1;
    match applicants.replace(&applicant).await {
        Ok(()) => Ok(true),
        Err(Refused::ConditionFailed(_) | Refused::Conflict | Refused::NotFound | Refused::Other) => Ok(false),
        Err(Refused::Storage(error)) => Err(error),
    }
}
