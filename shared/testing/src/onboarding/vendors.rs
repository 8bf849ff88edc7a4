use super::{lock, pause};
use carryout_onboarding::ports::{VendorAnswer, VendorError, VendorKind, VendorRequest, Vendors};
use serde_json::Map;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// What a vendor does with a request under a key, the first time that it is heard.
#[derive(Debug, Clone, PartialEq)]
pub enum Script {
    /// Answers at once.
    Now(VendorAnswer),
    /// Answers later, when it is told to.
    Later(VendorAnswer),
    /// Is not there, so many times; then does the other.
    Away(u32, Box<Self>),
    /// Does the other, but its first answer is lost.
    Unheard(Box<Self>),
}

/// What vendors did, by key.
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

/// Vendors that keep books, honour keys, and do as they are told; without being told they approve at once.
#[derive(Clone, Default)]
pub struct SandboxVendors(Arc<Mutex<State>>);

impl SandboxVendors {
    /// Tells the vendor what to do with requests of this step's entry of this applicant.
    pub fn script(&self, kind: VendorKind, applicant_and_step: &str, script: Script) {
        lock(&self.0).scripts.insert((kind, applicant_and_step.to_owned()), script);
    }

    /// From now on every request has its effect, also under a key that is known.
    pub fn ignore_keys(&self) {
        lock(&self.0).ignores_keys = true;
    }

    /// How often each effect happened.
    pub fn effects(&self) -> Effects {
        lock(&self.0).effects.clone()
    }

    /// What was asked, in order.
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
        if let Script::Away(times, then) = script {
            if times > 0 {
                state.scripts.insert(place, Script::Away(times - 1, then));
                return Err(VendorError::Unavailable("told to be away".to_owned()));
            }
            script = *then;
        }
        let unheard = matches!(script, Script::Unheard(_));
        if let Script::Unheard(then) = script {
            script = *then;
        }
        let answer = match script {
            Script::Later(answer) => {
                state.later.insert(request.key.clone(), answer);
                VendorAnswer::Pending
            }
            Script::Now(answer) => answer,
            Script::Away(..) | Script::Unheard(_) => approved(),
        };
        *state.effects.entry(request.key.clone()).or_default() += 1;
        state.answers.insert(request.key.clone(), answer.clone());
        // What was said of one key says nothing of the next.
        state.scripts.remove(&place);
        if unheard { Err(VendorError::NoAnswer("told to be unheard".to_owned())) } else { Ok(answer) }
    }

    /// The answers that come later, as callbacks; they are known from now on.
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
