use super::pause;
use crate::{ManualClock, lock};
use carryout_environment::{Clock as _, Failure, StorageError};
use carryout_onboarding::{
    applicant::{Applicant, ApplicantStatus, Collected, SWEEP_AFTER_MS, sweep_shard},
    ports::{ApplicantPages, Applicants, Awaited, Change},
};
use carryout_workflow::{Claim, ClaimRefused, Progress, Refused, Release, StatusStore, StepEntry, StepState, Subject as _};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

type Fault = Box<dyn FnMut(&str) -> bool + Send>;

/// Storage of applicants in memory. Each method is one atomic write; failures can be injected before and after each.
#[derive(Clone, Default)]
pub struct MemoryApplicants {
    applicants: Arc<Mutex<BTreeMap<String, Applicant>>>,
    clock: ManualClock,
    before: Arc<Mutex<Option<Fault>>>,
    after: Arc<Mutex<Option<Fault>>>,
    requests: Arc<Mutex<u32>>,
}

impl MemoryApplicants {
    /// The clock that stamps writes.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    /// Injects failures without effect: `fault` decides by the name of each request.
    pub fn fail_before(&self, fault: impl FnMut(&str) -> bool + Send + 'static) {
        *lock(&self.before) = Some(Box::new(fault));
    }

    /// Injects lost answers: `fault` decides by the name of each request.
    pub fn fail_after(&self, fault: impl FnMut(&str) -> bool + Send + 'static) {
        *lock(&self.after) = Some(Box::new(fault));
    }

    /// The number of requests so far.
    pub fn requests(&self) -> u32 {
        *lock(&self.requests)
    }

    /// The applicant of this id.
    pub fn get(&self, id: &str) -> Option<Applicant> {
        lock(&self.applicants).get(id).cloned()
    }

    /// Every applicant.
    pub fn all(&self) -> Vec<Applicant> {
        lock(&self.applicants).values().cloned().collect()
    }

    /// Applicants whose sweep is due at `now`.
    pub fn due(&self, now: i64) -> Vec<String> {
        let due = |applicant: &&Applicant| applicant.sweep_at.is_some_and(|at| at <= now);
        lock(&self.applicants).values().filter(due).map(|applicant| applicant.id.clone()).collect()
    }

    async fn request<T: Send, E: From<StorageError> + Send>(
        &self,
        name: &str,
        write: impl FnOnce(&mut BTreeMap<String, Applicant>, i64) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        pause().await;
        *lock(&self.requests) += 1;
        let fails = |fault: &Mutex<Option<Fault>>| lock(fault).as_mut().is_some_and(|fault| fault(name));
        let lost = || StorageError::Unavailable(format!("injected failure of {name}"));
        if fails(&self.before) {
            return Err(lost().into());
        }
        let now = self.clock.now();
        let written = write(&mut lock(&self.applicants), now);
        pause().await;
        if fails(&self.after) { Err(lost().into()) } else { written }
    }

    async fn under_claim(
        &self,
        name: &str,
        claim: &Claim,
        note: &Collected,
        write: impl FnOnce(&mut StepEntry, i64) + Send,
    ) -> Result<(), StorageError> {
        self.request(name, |applicants, now| {
            let applicant = applicants.get_mut(&claim.id).ok_or(StorageError::ClaimLost)?;
            let entry = applicant.steps.0.get_mut(&claim.step).ok_or(StorageError::ClaimLost)?;
            if entry.lease_until != claim.lease_until || entry.run != claim.run {
                return Err(StorageError::ClaimLost);
            }
            write(entry, now);
            apply_note(applicant, note, now);
            Ok(())
        })
        .await
    }
}

fn apply_note(applicant: &mut Applicant, note: &Collected, now: i64) {
    applicant.data.extend(note.data.clone());
    applicant.updated_at = now;
    applicant.version += 1;
    if let Some(at) = note.sweep_at {
        schedule_sweep(applicant, at);
    }
    if let Some(until) = note.activated_until {
        activate(applicant, until);
    }
}

fn activate(applicant: &mut Applicant, until: i64) {
    applicant.status = ApplicantStatus::Active;
    applicant.ttl = until;
    (applicant.sweep_at, applicant.sweep_shard) = (None, None);
}

fn schedule_sweep(applicant: &mut Applicant, at: i64) {
    applicant.sweep_at = Some(at);
    applicant.sweep_shard = Some(sweep_shard(at));
}

impl StatusStore for MemoryApplicants {
    type Subject = Applicant;
    type Note = Collected;

    async fn claim(&self, claim: &Claim, note: &Collected) -> Result<Applicant, ClaimRefused<Applicant>> {
        self.request("claim", |applicants, now| {
            let applicant = applicants.get_mut(&claim.id).ok_or(ClaimRefused::NotFound)?;
            let entry = applicant.steps.entry(&claim.step).ok_or(ClaimRefused::NotFound)?;
            let free = matches!(entry.state, StepState::Pending | StepState::Running) && !entry.is_leased(now);
            if !free || applicant.is_closed() || applicant.run != claim.run {
                return Err(ClaimRefused::ConditionFailed(Box::new(applicant.clone())));
            }
            if let Some(entry) = applicant.steps.0.get_mut(&claim.step) {
                entry.begin(claim, now);
            }
            apply_note(applicant, note, now);
            Ok(applicant.clone())
        })
        .await
    }

    async fn remember(&self, claim: &Claim, reference: &str, note: &Collected) -> Result<(), StorageError> {
        self.under_claim("remember", claim, note, |entry, _| entry.reference = Some(reference.to_owned())).await
    }

    async fn complete(&self, claim: &Claim, state: StepState, progress: &Progress<Collected>) -> Result<(), StorageError> {
        self.under_claim("complete", claim, &progress.note, |entry, now| entry.end(state, progress, now)).await
    }

    async fn release(&self, claim: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        self.under_claim("release", claim, &Collected::default(), |entry, now| entry.release(failure, release, now)).await
    }
}

impl Applicants for MemoryApplicants {
    async fn create(&self, applicant: &Applicant) -> Result<Option<Applicant>, StorageError> {
        self.request("create", |applicants, _| {
            if let Some(existing) = applicants.get(&applicant.id) {
                return Ok(Some(existing.clone()));
            }
            applicants.insert(applicant.id.clone(), applicant.clone());
            Ok(None)
        })
        .await
    }

    async fn applicant(&self, id: &str) -> Result<Option<Applicant>, StorageError> {
        self.request("applicant", |applicants, _| Ok(applicants.get(id).cloned())).await
    }

    async fn change(&self, id: &str, change: &Change) -> Result<Applicant, Refused<Applicant>> {
        self.request("change", |applicants, _| {
            let applicant = applicants.get_mut(id).ok_or(Refused::NotFound)?;
            let entry = applicant.steps.entry(&change.step);
            let applies =
                entry.is_some_and(|entry| change.from.contains(&entry.state) && entry.key_version == change.key_version);
            if !applies || applicant.is_closed() {
                return Err(Refused::ConditionFailed(Box::new(applicant.clone())));
            }
            if let Some(entry) = applicant.steps.0.get_mut(&change.step) {
                entry.change(change.to, change.next_key, change.failure.as_ref(), change.response.as_ref(), change.at);
            }
            applicant.audit.extend(change.audit.clone());
            applicant.updated_at = change.at;
            applicant.version += 1;
            schedule_sweep(applicant, change.at + SWEEP_AFTER_MS);
            if let Some(until) = change.activated_until {
                activate(applicant, until);
            }
            Ok(applicant.clone())
        })
        .await
    }

    async fn register(&self, awaited: &Awaited, task_token: &str) -> Result<bool, StorageError> {
        self.request("register", |applicants, _| {
            let entry = applicants.get_mut(&awaited.id).and_then(|applicant| applicant.steps.0.get_mut(&awaited.step));
            let entry = entry.filter(|entry| entry.state == StepState::Waiting && entry.key_version == awaited.key_version);
            Ok(entry.map(|entry| entry.task_token = Some(task_token.to_owned())).is_some())
        })
        .await
    }

    async fn replace(&self, applicant: &Applicant) -> Result<(), Refused<Applicant>> {
        self.request("replace", |applicants, _| match applicants.get_mut(&applicant.id) {
            None => Err(Refused::NotFound),
            Some(held) if held.version + 1 != applicant.version => Err(Refused::ConditionFailed(Box::new(held.clone()))),
            Some(held) => {
                *held = applicant.clone();
                Ok(())
            }
        })
        .await
    }

    async fn rest(&self, id: &str, version: u64, until: Option<i64>) -> Result<(), StorageError> {
        self.request("rest", |applicants, _| {
            if let Some(applicant) = applicants.get_mut(id).filter(|applicant| applicant.version == version) {
                applicant.sweep_at = until;
                applicant.sweep_shard = until.map(sweep_shard);
            }
            Ok(())
        })
        .await
    }
}

impl ApplicantPages for MemoryApplicants {
    async fn each(&self, visit: impl FnMut(Applicant) + Send) -> Result<(), StorageError> {
        self.all().into_iter().for_each(visit);
        Ok(())
    }
}
