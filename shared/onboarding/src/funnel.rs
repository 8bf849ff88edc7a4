//! The funnel of applicants: per market, version and step.

use crate::{
    applicant::{Applicant, ApplicantStatus},
    markets::Markets,
    progress::progress_of,
};
use carryout_workflow::{StepSpec as _, StepState};
use serde::Serialize;
use std::collections::BTreeMap;

/// A step of a market's funnel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FunnelStep {
    /// The market: `US courier`.
    pub market: String,
    /// The version of the workflow.
    pub version: u32,
    /// The position of the step in the workflow, which orders the funnel.
    pub position: usize,
    /// The step.
    pub step: String,
}

/// Counts of the applicants who reached a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FunnelCounts {
    /// Reached it.
    pub entered: usize,
    /// Completed it.
    pub finished: usize,
    /// Were refused, or did nothing for [`DROPPED_AFTER_MS`].
    pub dropped: usize,
    /// Wait for a vendor or an operator now.
    pub waiting: usize,
    /// The time from reaching it to completing it, of each who completed it. Milliseconds, sorted.
    pub took_ms: Vec<i64>,
}

impl FunnelCounts {
    /// The median time to complete it. Milliseconds.
    pub fn median_ms(&self) -> Option<i64> {
        self.took_ms.get(self.took_ms.len().saturating_sub(1) / 2).copied()
    }
}

/// The inactivity after which an applicant counts as dropped. Milliseconds.
pub const DROPPED_AFTER_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// The funnel of these applicants at `now`, in milliseconds since the Unix epoch. Leaves out applicants whose workflow is not defined any
/// more.
pub fn funnel<'a>(
    markets: &Markets,
    applicants: impl IntoIterator<Item = &'a Applicant>,
    now: i64,
) -> BTreeMap<FunnelStep, FunnelCounts> {
    let mut funnel = Funnel::default();
    applicants.into_iter().for_each(|applicant| funnel.count(markets, applicant, now));
    funnel.counts()
}

/// A funnel into which applicants are counted one by one.
#[derive(Debug, Clone, Default)]
pub struct Funnel(BTreeMap<FunnelStep, FunnelCounts>);

impl Funnel {
    /// Counts an applicant, as for [`funnel`].
    pub fn count(&mut self, markets: &Markets, applicant: &Applicant, now: i64) {
        if applicant.status == ApplicantStatus::Erased {
            return;
        }
        let Ok(workflow) = markets.of(applicant) else { return };
        let progress = progress_of(workflow, applicant);
        let is_next = |name: &str| progress.next.iter().any(|next| next.spec.entry_name() == name);
        // A step is reached when the steps of the stages before it have ended.
        let mut reached_at = applicant.created_at;
        let mut position = 0;
        for stage in workflow.stages_with_finish() {
            let mut left_at = reached_at;
            for spec in stage {
                position += 1;
                let name = spec.entry_name();
                let Some(entry) = applicant.steps.entry(name) else { continue };
                if entry.state == StepState::Pending && !is_next(name) {
                    continue;
                }
                let (market, version) = (applicant.market(), applicant.workflow_version);
                let step = FunnelStep { market, version, position, step: name.to_owned() };
                let counts = self.0.entry(step).or_default();
                counts.entered += 1;
                match (entry.state, entry.ended_at) {
                    (StepState::Done | StepState::Skipped, ended_at) => {
                        counts.finished += 1;
                        let ended_at = ended_at.unwrap_or(reached_at);
                        left_at = left_at.max(ended_at);
                        counts.took_ms.push((ended_at - reached_at).max(0));
                    }
                    (StepState::Failed, _) => counts.dropped += 1,
                    (StepState::Waiting, _) => counts.waiting += 1,
                    (StepState::Pending | StepState::Running, _) => {
                        counts.dropped += usize::from(now - applicant.updated_at > DROPPED_AFTER_MS);
                    }
                }
            }
            reached_at = left_at;
        }
    }

    /// The counts, in the order of markets, versions and steps.
    pub fn counts(mut self) -> BTreeMap<FunnelStep, FunnelCounts> {
        self.0.values_mut().for_each(|counts| counts.took_ms.sort_unstable());
        self.0
    }
}
