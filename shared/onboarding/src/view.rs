//! What an applicant is told: where they are, what is next, why not.

use crate::{
    advance::in_review,
    applicant::{Applicant, ApplicantStatus, AuditEntry},
    form,
    markets::{Markets, NoDefinition},
    progress::{ApplicantProgress, progress_of},
};
use carryout_environment::Failure;
use carryout_workflow::StepState;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An application as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplicantView {
    /// Its number.
    pub applicant_id: String,
    /// Its country.
    pub country: String,
    /// What they want to be.
    pub market_type: String,
    /// Where it stands as a whole.
    pub status: ApplicantStatus,
    /// The workflow and its version.
    pub workflow: String,
    /// Its version.
    pub workflow_version: u32,
    /// Steps that are complete.
    pub complete: usize,
    /// Steps that apply, as far as is known now.
    pub total: usize,
    /// What is next.
    pub next: Vec<NextView>,
    /// Every step that applies, in its order.
    pub steps: Vec<StepView>,
}

/// A step that is next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextView {
    /// Its name: `PUT …/steps/{step}`.
    pub step: String,
    /// The screen that it is on together with others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// Who has to do something.
    pub waits_for: WaitsFor,
    /// Whether it may be skipped.
    pub optional: bool,
    /// The JSON Schema of its form; nothing where there is nothing to fill in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// Why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Who has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The applicant.
    Applicant,
    /// Us: it goes on by itself.
    System,
    /// A vendor.
    Vendor,
    /// A person here.
    Operator,
}

/// Where one step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Its name.
    pub step: String,
    /// Where it stands.
    pub state: StepState,
    /// When it ended. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

/// What an operator sees besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorView {
    /// What the applicant sees.
    #[serde(flatten)]
    pub applicant: ApplicantView,
    /// What operators did.
    pub audit: Vec<AuditEntry>,
}

/// What `applicant` is told.
///
/// # Errors
///
/// Where their workflow is gone.
pub fn view(applicant: &Applicant, markets: &Markets) -> Result<ApplicantView, NoDefinition> {
    let ApplicantProgress { applicable, complete, next } = progress_of(markets.of(applicant)?, applicant);
    let entry = |name: &str| applicant.steps.entry(name).cloned().unwrap_or_default();
    let next = next.into_iter().map(|next| {
        let entry = entry(next.spec.entry_name());
        let waits_for = match entry.state {
            StepState::Failed => WaitsFor::Operator,
            StepState::Waiting if in_review(applicant, next.spec) => WaitsFor::Operator,
            StepState::Waiting => WaitsFor::Vendor,
            StepState::Pending if !next.description.is_automatic() => WaitsFor::Applicant,
            StepState::Pending | StepState::Running | StepState::Done | StepState::Skipped => WaitsFor::System,
        };
        NextView {
            step: next.spec.entry_name().to_owned(),
            screen: next.screen.map(str::to_owned),
            waits_for,
            optional: next.spec.optional,
            form: (waits_for == WaitsFor::Applicant).then(|| form::schema(&next.description.fields)),
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
