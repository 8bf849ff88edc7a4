//! How many come how far: per market, version and step.

use crate::{applicant::Applicant, applicant::ApplicantStatus, markets::Markets, progress::progress_of};
use carryout_workflow::StepState;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a figure belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// `US courier`.
    pub market: String,
    /// The version of its workflow.
    pub version: u32,
    /// The position of the step in the workflow, so that a funnel is read in its order.
    pub position: usize,
    /// The step.
    pub step: String,
}

/// What became of those who came to a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// How many came to it.
    pub entered: usize,
    /// How many completed it.
    pub finished: usize,
    /// How many were refused, or did nothing for [`DROPPED_AFTER_MS`].
    pub dropped: usize,
    /// How many wait for somebody else now.
    pub waiting: usize,
    /// How long each who finished took, from coming to it. Milliseconds, sorted.
    pub took_ms: Vec<i64>,
}

impl Figures {
    /// The time that half of those who finished took, at most. Milliseconds.
    pub fn median_ms(&self) -> Option<i64> {
        self.took_ms.get(self.took_ms.len().saturating_sub(1) / 2).copied()
    }
}

/// After how long without anything somebody counts as dropped. Milliseconds.
pub const DROPPED_AFTER_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// Folds applicants into a funnel. `now` is in milliseconds since the Unix epoch. Whose workflow is gone is left out.
pub fn funnel<'a>(markets: &Markets, applicants: impl IntoIterator<Item = &'a Applicant>, now: i64) -> BTreeMap<Place, Figures> {
    let mut funnel = Funnel::default();
    applicants.into_iter().for_each(|applicant| funnel.count(markets, applicant, now));
    funnel.figures()
}

/// A funnel that applicants are counted into, one by one.
#[derive(Debug, Clone, Default)]
pub struct Funnel(BTreeMap<Place, Figures>);

impl Funnel {
    /// Counts an applicant, as for [`funnel`].
    pub fn count(&mut self, markets: &Markets, applicant: &Applicant, now: i64) {
        if applicant.status == ApplicantStatus::Erased {
            return;
        }
        let Ok(workflow) = markets.of(applicant) else { return };
        let progress = progress_of(workflow, applicant);
        let is_next = |name: &str| progress.next.iter().any(|next| next.spec.entry_name() == name);
        // A step is come to when the steps of the stages before it have ended.
        let mut came_at = applicant.created_at;
        let stages = workflow.stages.iter().map(carryout_workflow::Stage::steps).chain([std::slice::from_ref(&workflow.finish)]);
        let mut position = 0;
        for stage in stages {
            let mut left_at = came_at;
            for spec in stage {
                position += 1;
                let name = spec.entry_name();
                let Some(entry) = applicant.steps.entry(name) else { continue };
                if entry.state == StepState::Pending && !is_next(name) {
                    continue;
                }
                let place =
                    Place { market: applicant.market(), version: applicant.workflow_version, position, step: name.to_owned() };
                let figures = self.0.entry(place).or_default();
                figures.entered += 1;
                match (entry.state, entry.ended_at) {
                    (StepState::Done | StepState::Skipped, ended_at) => {
                        figures.finished += 1;
                        let ended_at = ended_at.unwrap_or(came_at);
                        left_at = left_at.max(ended_at);
                        figures.took_ms.push((ended_at - came_at).max(0));
                    }
                    (StepState::Failed, _) => figures.dropped += 1,
                    (StepState::Waiting, _) => figures.waiting += 1,
                    (StepState::Pending | StepState::Running, _) => {
                        figures.dropped += usize::from(now - applicant.updated_at > DROPPED_AFTER_MS);
                    }
                }
            }
            came_at = left_at;
        }
    }

    /// What was counted.
    pub fn figures(mut self) -> BTreeMap<Place, Figures> {
        self.0.values_mut().for_each(|figures| figures.took_ms.sort_unstable());
        self.0
    }
}
