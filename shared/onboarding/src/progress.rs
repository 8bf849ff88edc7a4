//! Where an applicant stands in a workflow, from the status map alone. Reads, never writes.

use crate::{
    applicant::Applicant,
    steps::{self, Description},
};
use carryout_predicate::Groups;
use carryout_workflow::{Stage, StepEntry, StepSpec, StepState, Workflow};
use serde_json::Value;

/// A step that may be taken now.
#[derive(Debug, Clone)]
pub struct Next<'w> {
    /// The step.
    pub spec: &'w StepSpec,
    /// What it means.
    pub description: Description,
    /// The composite that it is part of: one screen.
    pub screen: Option<&'w str>,
}

/// Where an applicant stands.
#[derive(Debug, Clone)]
pub struct ApplicantProgress<'w> {
    /// The steps that apply to the applicant as far as is known now, the finish included.
    pub applicable: Vec<&'w StepSpec>,
    /// Of these, how many are complete.
    pub complete: usize,
    /// The steps of the first stage that is not complete, without those that are.
    pub next: Vec<Next<'w>>,
}

/// Where `applicant` stands in `workflow`. A step that means nothing never completes; a lint refuses such a workflow.
pub fn progress_of<'w>(workflow: &'w Workflow, applicant: &Applicant) -> ApplicantProgress<'w> {
    walk(workflow, &applicant.attributes(), |spec, description| {
        applicant.steps.entry(spec.entry_name()).is_some_and(|entry| description.is_completed_by(entry.state))
    })
}

/// The same for anybody of whom this is known.
pub(crate) fn walk<'w>(
    workflow: &'w Workflow,
    attributes: &Value,
    is_complete: impl Fn(&StepSpec, &Description) -> bool,
) -> ApplicantProgress<'w> {
    let mut progress = ApplicantProgress { applicable: Vec::new(), complete: 0, next: Vec::new() };
    let stages = workflow.stages.iter().map(|stage| {
        let screen = if let Stage::Composite(group) = stage { Some(group.name.as_str()) } else { None };
        (screen, stage.steps())
    });
    for (screen, specs) in stages.chain([(None, std::slice::from_ref(&workflow.finish))]) {
        let blocked = !progress.next.is_empty();
        for spec in specs.iter().filter(|spec| applies(spec, attributes)) {
            progress.applicable.push(spec);
            match steps::describe(spec) {
                Ok(description) if is_complete(spec, &description) => progress.complete += 1,
                Ok(description) if !blocked => progress.next.push(Next { spec, description, screen }),
                Ok(_) | Err(_) => {}
            }
        }
    }
    progress
}

/// Whether a step is there for somebody of whom this is known.
pub fn applies(spec: &StepSpec, attributes: &Value) -> bool {
    spec.when.as_ref().is_none_or(|condition| condition.holds(attributes, &Groups::new()))
}

impl Next<'_> {
    /// Whether the step can run without anything from the applicant: it has no form, or its form was submitted before.
    pub fn runs_by_itself(&self, entry: &StepEntry) -> bool {
        match entry.state {
            StepState::Pending => self.description.is_automatic() && entry.failure.is_none(),
            StepState::Running => true,
            StepState::Waiting | StepState::Done | StepState::Skipped | StepState::Failed => false,
        }
    }
}
