use super::pause;
use crate::lock;
use carryout_onboarding::{
    ports::Vendors,
    vendor::{VendorAnswer, VendorError, VendorKind, VendorRequest},
};
use serde_json::Map;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// The reaction of a vendor to the first request that reaches it under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Script {
    /// Answers at once.
    Now(VendorAnswer),
    /// Answers later, by a callback.
    Later(VendorAnswer),
    /// Is unreachable so many times, then reacts as given.
    Unreachable(u32, Box<Self>),
    /// Reacts as given, but its first answer is lost.
    AnswerLost(Box<Self>),
}

/// The number of effects, by key.
pub type Effects = BTreeMap<String, u32>;

#[derive(Default)]
struct State {
    scripts: BTreeMap<(VendorKind, String), Script>,
    answers: BTreeMap<String, VendorAnswer>,
    later: BTreeMap<String, VendorAnswer>,
    effects: Effects,
    ignores_keys: bool,
    requests: Vec<VendorRequest>,
}

/// Vendors that keep books, honour keys, and follow scripts; without a script they approve at once.
#[derive(Clone, Default)]
pub struct SandboxVendors(Arc<Mutex<State>>);

impl SandboxVendors {
    /// Sets the reaction to requests of one step of one applicant (`applicant/step`).
    pub fn script(&self, kind: VendorKind, applicant_and_step: &str, script: Script) {
        lock(&self.0).scripts.insert((kind, applicant_and_step.to_owned()), script);
    }

    /// From now on every request has an effect, also under a known key.
    pub fn ignore_keys(&self) {
        lock(&self.0).ignores_keys = true;
    }

    /// The number of effects, by key.
    pub fn effects(&self) -> Effects {
        lock(&self.0).effects.clone()
    }

    /// All requests, in order.
    pub fn requests(&self) -> Vec<VendorRequest> {
        lock(&self.0).requests.clone()
    }

    fn take(&self, request: &VendorRequest) -> Result<VendorAnswer, VendorError> {
        let mut state = lock(&self.0);
        state.requests.push(request.clone());
        if let Some(known) = state.answers.get(&request.key).cloned() {
            if state.ignores_keys {
                *state.effects.entry(request.key.clone()).or_default() += 1;
            }
            return Ok(known);
        }
        let name = request.key.rsplit_once('/').map_or(request.key.as_str(), |(name, _)| name).to_owned();
        let place = (request.kind, name);
        let mut script = state.scripts.get(&place).cloned().unwrap_or_else(|| Script::Now(approved()));
        if let Script::Unreachable(times, then) = script {
            if times > 0 {
                state.scripts.insert(place, Script::Unreachable(times - 1, then));
                return Err(VendorError::Unavailable("injected outage".to_owned()));
            }
            script = *then;
        }
        let answer_lost = matches!(script, Script::AnswerLost(_));
        if let Script::AnswerLost(then) = script {
            script = *then;
        }
        let answer = match script {
            Script::Later(answer) => {
                state.later.insert(request.key.clone(), answer);
                VendorAnswer::Pending
            }
            Script::Now(answer) => answer,
            Script::Unreachable(..) | Script::AnswerLost(_) => approved(),
        };
        *state.effects.entry(request.key.clone()).or_default() += 1;
        state.answers.insert(request.key.clone(), answer.clone());
        // A script is for one key, not for the next.
        state.scripts.remove(&place);
        if answer_lost { Err(VendorError::NoAnswer("injected loss of the answer".to_owned())) } else { Ok(answer) }
    }

    /// The late answers, as callbacks; a vendor that is asked knows them from now on.
    pub fn answers_due(&self) -> Vec<(String, VendorAnswer)> {
        let mut state = lock(&self.0);
        let due: Vec<(String, VendorAnswer)> = std::mem::take(&mut state.later).into_iter().collect();
        state.answers.extend(due.iter().cloned());
        due
    }
}

fn approved() -> VendorAnswer {
    VendorAnswer::Approved { findings: Map::new() }
}

impl Vendors for SandboxVendors {
    async fn ask(&self, request: &VendorRequest) -> Result<VendorAnswer, VendorError> {
        pause().await;
        let answer = self.take(request);
        pause().await;
        answer
    }

    async fn find(&self, _: VendorKind, key: &str) -> Result<Option<VendorAnswer>, VendorError> {
        pause().await;
        Ok(lock(&self.0).answers.get(key).cloned())
    }
}
