//! Where stored applicants would stand if their workflow were another.

use crate::{applicant::Applicant, progress::walk};
use carryout_workflow::Workflow;
use serde::Serialize;
use std::collections::BTreeMap;

/// What another definition would mean for applicants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// How many were looked at.
    pub applicants: usize,
    /// How many would be done but for the finish.
    pub finished: usize,
    /// How many would have this step next.
    pub next: BTreeMap<String, usize>,
    /// How many would be asked for this step, which their own workflow does not have.
    pub asked: BTreeMap<String, usize>,
    /// How many have completed this step, which they would not be asked for.
    pub spared: BTreeMap<String, usize>,
}

/// Runs `workflow` over applicants, without changing anything.
pub fn what_if<'a>(workflow: &Workflow, applicants: impl IntoIterator<Item = &'a Applicant>) -> WhatIf {
    let mut told = WhatIf::default();
    for applicant in applicants {
        told.applicants += 1;
        let progress = walk(workflow, &applicant.attributes(), |spec, description| {
            applicant.steps.entry(spec.entry_name()).is_some_and(|entry| description.is_completed_by(entry.state))
        });
        let finish = workflow.finish.entry_name();
        if progress.next.iter().all(|next| next.spec.entry_name() == finish) {
            told.finished += 1;
        }
        for next in progress.next.iter().filter(|next| next.spec.entry_name() != finish) {
            *told.next.entry(next.spec.entry_name().to_owned()).or_default() += 1;
        }
        for spec in &progress.applicable {
            if applicant.steps.entry(spec.entry_name()).is_none() {
                *told.asked.entry(spec.entry_name().to_owned()).or_default() += 1;
            }
        }
        for (name, entry) in &applicant.steps.0 {
            if entry.is_complete() && !progress.applicable.iter().any(|spec| spec.entry_name() == name) {
                *told.spared.entry(name.clone()).or_default() += 1;
            }
        }
    }
    told
}
