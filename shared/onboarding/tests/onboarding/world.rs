//! One onboarding system in memory, with applicants who fill in forms.

use carryout_onboarding::{
    Onboarding,
    advance::Advance,
    answer::Answered,
    applicant::{Applicant, OperatorAction},
    form::{Field, Kind},
    legacy::{LegacyKey, LegacyRecord, LegacySystem as _},
    markets::{Markets, Settings, embedded_files},
    operate::{OperateError, Operation},
    progress::progress_of,
    start::{NewApplication, StartError},
    submit::{Submission, SubmitError, SubmitRequest},
    uploads::UploadRequest,
    vendor::{VendorAnswer, VendorCallback},
    view::{ApplicantView, view},
};
use carryout_testing::onboarding::{InMemory, in_memory};
use carryout_workflow::StepSpec as _;
use futures::executor::block_on;
use serde_json::{Map, Value, json};
use std::{ops::Deref, sync::Arc};

/// 2026-03-01T12:00:00Z.
pub const NOON: i64 = 1_772_366_400_000;
pub const LEASE_MS: i64 = 10_000;

/// Onboarding in memory. Clones share their storage and clock.
#[derive(Clone)]
pub struct World {
    pub onboarding: Onboarding<InMemory>,
    pub now: i64,
}

impl Deref for World {
    type Target = Onboarding<InMemory>;

    fn deref(&self) -> &Onboarding<InMemory> {
        &self.onboarding
    }
}

impl World {
    pub fn new(markets: Markets) -> Self {
        Self { onboarding: in_memory(markets, NOON), now: NOON }
    }

    pub fn pass(&mut self, milliseconds: i64) {
        self.now += milliseconds;
        self.clock.set(self.now);
    }

    pub fn set_markets(&mut self, markets: Markets) {
        self.onboarding.markets = Arc::new(markets);
    }

    pub async fn start(&self, id: &str, country: &str, market_type: &str) -> Result<Applicant, StartError> {
        let application = NewApplication {
            id: id.to_owned(),
            owner: owner(id),
            country: country.to_owned(),
            market_type: market_type.to_owned(),
            correlation_id: format!("trace-{id}"),
        };
        self.onboarding.start(application).await.map(|started| started.applicant)
    }

    pub async fn submit(&self, id: &str, step: &str, submission: Submission) -> Result<Applicant, SubmitError> {
        self.submit_as(&owner(id), id, step, submission).await
    }

    pub async fn submit_as(&self, owner: &str, id: &str, step: &str, submission: Submission) -> Result<Applicant, SubmitError> {
        let lease_until = self.now + LEASE_MS;
        self.onboarding.submit(SubmitRequest { id, owner, step, submission, callback_api: None, lease_until }).await
    }

    pub async fn answer(&self, key: String, answer: VendorAnswer) -> Answered {
        self.onboarding.answer(&VendorCallback { key, answer }).await.unwrap()
    }

    pub fn operate(&self, id: &str, step: &str, action: OperatorAction) -> Result<Applicant, OperateError> {
        let operation = Operation { id, step, operator: "op_1", action, reason: "reviewed" };
        block_on(self.onboarding.operate(operation))
    }

    /// Handles every message of the queue.
    pub fn drain(&self) {
        while let Some(id) = self.queue.take() {
            block_on(self.advance(Advance { id: &id, lease_until: self.now + LEASE_MS })).unwrap();
        }
    }

    pub fn applicant(&self, id: &str) -> Applicant {
        self.applicants.get(id).unwrap()
    }

    pub fn view(&self, id: &str) -> ApplicantView {
        view(&self.applicant(id), &self.markets).unwrap()
    }

    /// The names of the next steps.
    pub fn next(&self, id: &str) -> Vec<String> {
        self.view(id).next.into_iter().map(|next| next.step).collect()
    }

    /// Uploads a document for `step`, and returns its object.
    pub fn uploaded(&self, id: &str, step: &str) -> String {
        let (owner, name) = (owner(id), format!("doc_{}", self.documents.objects.lock().unwrap().len()));
        let request = UploadRequest { id, owner: &owner, step, name: &name, content_type: "image/jpeg", content_length: 1_000 };
        let upload = block_on(self.upload(request)).unwrap();
        self.documents.objects.lock().unwrap().insert(upload.object.clone());
        upload.object
    }

    /// The form of `step`, filled in with the `wanted` values where it asks for them.
    pub fn filled_in(&self, id: &str, step: &str, wanted: &Map<String, Value>) -> Map<String, Value> {
        let applicant = self.applicant(id);
        let progress = progress_of(self.markets.of(&applicant).unwrap(), &applicant);
        let next = progress.next.iter().find(|next| next.spec.entry_name() == step);
        let next = next.unwrap_or_else(|| panic!("{step} is not next of {id}"));
        let settings = &next.spec.settings;
        let fields = next.step.fields.iter();
        fields
            .map(|field| {
                let filled =
                    || if field.kind == Kind::Document { self.uploaded(id, step).into() } else { sample(field, settings) };
                (field.name.clone(), wanted.get(&field.name).cloned().unwrap_or_else(filled))
            })
            .collect()
    }

    /// Submits every next form until the applicant has nothing left to do.
    pub fn complete_forms(&self, id: &str, wanted: &Map<String, Value>) {
        for _ in 0..40 {
            self.drain();
            let applicant = self.applicant(id);
            let has_failed = |step: &str| applicant.steps.entry(step).is_none_or(|entry| entry.failure.is_some());
            let next = self.view(id).next.into_iter().find(|next| next.form.is_some() && !has_failed(&next.step));
            let Some(next) = next else { return };
            let form = self.filled_in(id, &next.step, wanted);
            if let Err(error) = block_on(self.submit(id, &next.step, Submission::Form(form))) {
                assert!(error.failure().code.ends_with(".Refused"), "{id} {}: {error}", next.step);
            }
        }
        panic!("{id} never comes to an end: {:?}", self.view(id));
    }
}

pub fn owner(id: &str) -> String {
    format!("person-{id}")
}

/// Texts; at least one matches each pattern.
const SAMPLES: &[&str] = &[
    "jo@example.com",
    "+1 212 555 0100",
    "10001",
    "2000",
    "K1A 0B1",
    "123-45-6789",
    "12-3456789",
    "123456789RT0001",
    "123 456 789",
    "123456789",
    "53 004 085 616",
    "021000021 123456789",
    "062-000 12345678",
    "12345-678 1234567",
    "CERT-2026",
    "1234567-1234",
    "75001",
    "FR7630006000011234567890189",
    "1234567890123",
];

fn sample(field: &Field, settings: &Map<String, Value>) -> Value {
    match &field.kind {
        Kind::Text { pattern: None, .. } => json!(if field.personal { "Jo Example" } else { "Somewhere" }),
        Kind::Text { pattern: Some(pattern), .. } => {
            let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            let fits = SAMPLES.iter().find(|sample| pattern.is_match(sample));
            json!(fits.unwrap_or_else(|| panic!("no sample fits {pattern} of {}", field.name)))
        }
        Kind::Date => json!("1990-02-28"),
        Kind::Choice(choices) => {
            let questions = settings.get("questions").and_then(Value::as_array);
            let asked =
                questions.and_then(|questions| questions.iter().find(|question| question["text"] == field.title.as_str()));
            asked.map_or_else(|| json!(choices[0]), |question| question["answer"].clone())
        }
        Kind::Consent => json!(true),
        Kind::Document => panic!("{} must be uploaded first", field.name),
    }
}

/// The markets with this supply everywhere.
pub fn markets_with_supply(supply: f64) -> Markets {
    let mut settings = Settings::default();
    for market in embedded_files().unwrap() {
        let facts = json!({ "supply": supply }).as_object().unwrap().clone();
        settings.facts.insert(market.key(), facts);
    }
    Markets::with(settings).unwrap()
}

pub fn findings(name: &str, value: Value) -> VendorAnswer {
    VendorAnswer::Approved { findings: [(name.to_owned(), value)].into_iter().collect() }
}

pub fn legacy_of(world: &World, id: &str) -> Option<LegacyRecord> {
    let key = LegacyKey { owner: &owner(id), country: "", market_type: "" };
    block_on(world.legacy.record(key)).unwrap()
}
