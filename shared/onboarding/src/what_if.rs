//! The progress that stored applicants would have in another workflow.

use crate::{applicant::Applicant, progress::progress_of};
use carryout_workflow::{FormWorkflow, StepSpec as _};
use serde::Serialize;
use std::collections::BTreeMap;

/// The effect of another definition on applicants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WhatIf {
    /// The number of applicants.
    pub applicants: usize,
    /// How many would have only the finish left.
    pub finished: usize,
    /// How many would have this step next.
    pub next: BTreeMap<String, usize>,
    /// How many would have to take this step, which their own workflow does not have.
    pub asked: BTreeMap<String, usize>,
    /// How many have completed this step, which would not apply to them.
    pub spared: BTreeMap<String, usize>,
}

/// Evaluates `workflow` for applicants, without changing anything.
pub fn what_if<'a>(workflow: &FormWorkflow, applicants: impl IntoIterator<Item = &'a Applicant>) -> WhatIf {
    let mut result = WhatIf::default();
    for applicant in applicants {
        result.applicants += 1;
        let progress = progress_of(workflow, applicant);
        let finish = workflow.finish.entry_name();
        if progress.next.iter().all(|next| next.spec.entry_name() == finish) {
            result.finished += 1;
        }
        for next in progress.next.iter().filter(|next| next.spec.entry_name() != finish) {
            *result.next.entry(next.spec.entry_name().to_owned()).or_default() += 1;
        }
        for spec in &progress.applicable {
            if applicant.steps.entry(spec.entry_name()).is_none() {
                *result.asked.entry(spec.entry_name().to_owned()).or_default() += 1;
            }
        }
        for (name, entry) in &applicant.steps.0 {
            if entry.is_complete() && !progress.applicable.iter().any(|spec| spec.entry_name() == name) {
                *result.spared.entry(name.clone()).or_default() += 1;
            }
        }
    }
    result
}
