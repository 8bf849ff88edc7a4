//! An application as applicants and operators see it: progress, next steps, failures.

use crate::{
    applicant::{Applicant, ApplicantStatus, AuditEntry},
    form,
    markets::{Markets, NoDefinition},
    progress::{ApplicantProgress, progress_of},
    steps::is_in_review,
};
use carryout_environment::Failure;
use carryout_workflow::{StepSpec as _, StepState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An application as its applicant sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicantView {
    /// The applicant's id.
    pub applicant_id: String,
    /// Its country.
    pub country: String,
    /// The kind of applicant: `courier`, `merchant`.
    pub market_type: String,
    /// Its status as a whole.
    pub status: ApplicantStatus,
    /// The workflow.
    pub workflow: String,
    /// The version of the workflow.
    pub workflow_version: u32,
    /// The number of complete steps.
    pub complete: usize,
    /// The number of steps that apply, as far as is known now.
    pub total: usize,
    /// The next steps.
    pub next: Vec<NextView>,
    /// Every step that applies, in its order.
    pub steps: Vec<StepView>,
}

/// A step that is next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextView {
    /// Its name: `PUT …/steps/{step}`.
    pub step: String,
    /// The screen that it shares with other steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// Who has to act.
    pub waits_for: WaitsFor,
    /// Whether it may be skipped.
    pub optional: bool,
    /// The JSON Schema of its form, where the applicant has to fill one in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// Why the last submission failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The applicant.
    Applicant,
    /// Carryout: it continues by itself.
    System,
    /// A vendor.
    Vendor,
    /// An operator.
    Operator,
}

/// The state of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Its name.
    pub step: String,
    /// Its state.
    pub state: StepState,
    /// When it ended. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

/// An application as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorView {
    /// The applicant's own view.
    #[serde(flatten)]
    pub applicant: ApplicantView,
    /// The actions of operators.
    pub audit: Vec<AuditEntry>,
}

/// The view of an applicant.
///
/// # Errors
///
/// If the applicant's version of the workflow is not defined any more.
pub fn view(applicant: &Applicant, markets: &Markets) -> Result<ApplicantView, NoDefinition> {
    let ApplicantProgress { applicable, complete, next } = progress_of(markets.of(applicant)?, applicant);
    let entry = |name: &str| applicant.steps.entry(name).cloned().unwrap_or_default();
    let next = next.into_iter().map(|next| {
        let entry = entry(next.spec.entry_name());
        let waits_for = match entry.state {
            StepState::Failed => WaitsFor::Operator,
            StepState::Waiting if is_in_review(&entry) => WaitsFor::Operator,
            StepState::Waiting => WaitsFor::Vendor,
            StepState::Pending if !next.step.is_automatic() => WaitsFor::Applicant,
            StepState::Pending | StepState::Running | StepState::Done | StepState::Skipped => WaitsFor::System,
        };
        NextView {
            step: next.spec.entry_name().to_owned(),
            screen: next.screen.map(str::to_owned),
            waits_for,
            optional: next.spec.optional,
            form: (waits_for == WaitsFor::Applicant).then(|| form::schema(&next.step.fields)),
            failure: entry.failure,
        }
    });
    let steps = applicable.iter().map(|spec| {
        let entry = entry(spec.entry_name());
        StepView { step: spec.entry_name().to_owned(), state: entry.state, ended_at: entry.ended_at }
    });
    Ok(ApplicantView {
        applicant_id: applicant.id.clone(),
        country: applicant.country.clone(),
        market_type: applicant.market_type.clone(),
        status: applicant.status,
        workflow: applicant.workflow.clone(),
        workflow_version: applicant.workflow_version,
        complete,
        total: applicable.len(),
        steps: steps.collect(),
        next: if applicant.status == ApplicantStatus::Processing { next.collect() } else { Vec::new() },
    })
}
