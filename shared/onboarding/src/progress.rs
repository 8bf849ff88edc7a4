//! The progress of an applicant through a workflow, from the status map alone. Reads, never writes.

use crate::{
    applicant::Applicant,
    steps::{self, ConfiguredStep},
};
use carryout_predicate::Groups;
use carryout_workflow::{FormStep, FormWorkflow, Stage as _, StepEntry, StepSpec as _, StepState};
use serde_json::Value;

/// A step that may be taken now.
#[derive(Debug, Clone)]
pub struct Next<'w> {
    /// The step in the definition.
    pub spec: &'w FormStep,
    /// Its module with settings.
    pub step: ConfiguredStep,
    /// The composite that it belongs to: one screen.
    pub screen: Option<&'w str>,
}

/// The progress of an applicant.
#[derive(Debug, Clone)]
pub struct ApplicantProgress<'w> {
    /// The steps that apply to the applicant as far as is known now, the finish included.
    pub applicable: Vec<&'w FormStep>,
    /// The number of applicable steps that are complete.
    pub complete: usize,
    /// The incomplete steps of the first stage that is not complete.
    pub next: Vec<Next<'w>>,
}

/// The progress of `applicant` in `workflow`. A step that the registry does not know never completes; the lint refuses such a workflow.
pub fn progress_of<'w>(workflow: &'w FormWorkflow, applicant: &Applicant) -> ApplicantProgress<'w> {
    let attributes = applicant.attributes();
    let is_complete = |spec: &FormStep, step: &ConfiguredStep| {
        applicant.steps.entry(spec.entry_name()).is_some_and(|entry| step.is_completed_by(entry.state))
    };
    let mut progress = ApplicantProgress { applicable: Vec::new(), complete: 0, next: Vec::new() };
    let screens = workflow.stages.iter().map(|stage| stage.group_name()).chain([None]);
    for (screen, specs) in screens.zip(workflow.stages_with_finish()) {
        let is_blocked = !progress.next.is_empty();
        for spec in specs.iter().filter(|spec| applies(spec, &attributes)) {
            progress.applicable.push(spec);
            match steps::configure(spec) {
                Ok(step) if is_complete(spec, &step) => progress.complete += 1,
                Ok(step) if !is_blocked => progress.next.push(Next { spec, step, screen }),
                Ok(_) | Err(_) => {}
            }
        }
    }
    progress
}

/// Whether a step applies to an applicant with these attributes.
pub fn applies(spec: &FormStep, attributes: &Value) -> bool {
    spec.when.as_ref().is_none_or(|condition| condition.holds(attributes, &Groups::new()))
}

impl Next<'_> {
    /// Whether the step can run without anything from the applicant: it has no form, or its form was submitted before.
    pub fn runs_by_itself(&self, entry: &StepEntry) -> bool {
        match entry.state {
            StepState::Pending => self.step.is_automatic() && entry.failure.is_none(),
            StepState::Running => true,
            StepState::Waiting | StepState::Done | StepState::Skipped | StepState::Failed => false,
        }
    }
}
