//! One onboarding system in memory, with applicants who fill in forms.

use carryout_onboarding::{
    advance::advance,
    answer::{Answered, answer},
    applicant::Applicant,
    form::{Field, Kind},
    legacy::{LegacyRecord, LegacySystem},
    markets::Markets,
    ports::{VendorCallback, VendorKind},
    progress::progress_of,
    start::{Beginner, StartError, start},
    steps::Ports,
    submit::{Submission, SubmitError, submit},
    uploads::upload,
    view::{ApplicantView, view},
};
use carryout_testing::onboarding::{
    MemoryApplicants, MemoryDocuments, MemoryLegacy, MemoryNudges, MemoryWaits, SandboxVendors, TurningVault,
};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

/// 2026-03-01T12:00:00Z.
pub const NOON: i64 = 1_772_366_400_000;
pub const LEASE_MS: i64 = 10_000;

#[derive(Clone)]
pub struct World {
    pub applicants: MemoryApplicants,
    pub vendors: SandboxVendors,
    pub vault: TurningVault,
    pub documents: MemoryDocuments,
    pub nudges: MemoryNudges,
    pub waits: MemoryWaits,
    pub legacy: MemoryLegacy,
    pub markets: Markets,
    pub now: i64,
}

impl World {
    pub fn new(markets: Markets) -> Self {
        let world = Self {
            applicants: MemoryApplicants::default(),
            vendors: SandboxVendors::default(),
            vault: TurningVault,
            documents: MemoryDocuments::default(),
            nudges: MemoryNudges::default(),
            waits: MemoryWaits::default(),
            legacy: MemoryLegacy::default(),
            markets,
            now: NOON,
        };
        world.applicants.set_now(NOON);
        world
    }

    pub fn ports(&self) -> Ports<'_, MemoryApplicants, SandboxVendors, TurningVault> {
        Ports { applicants: &self.applicants, vendors: &self.vendors, vault: &self.vault }
    }

    pub fn pass(&mut self, milliseconds: i64) {
        self.now += milliseconds;
        self.applicants.set_now(self.now);
    }

    pub async fn start(&self, id: &str, country: &str, market_type: &str) -> Result<Applicant, StartError> {
        let beginner = Beginner {
            id: id.to_owned(),
            owner: owner(id),
            country: country.to_owned(),
            market_type: market_type.to_owned(),
            correlation_id: format!("trace-{id}"),
        };
        let started = start(&self.applicants, &self.nudges, &self.vault, &self.legacy, &self.markets, beginner, self.now).await;
        started.map(|(applicant, _)| applicant)
    }

    pub async fn submit(&self, id: &str, step: &str, submission: Submission) -> Result<Applicant, SubmitError> {
        let lease_until = self.now + LEASE_MS;
        submit(self.ports(), &self.nudges, &self.markets, id, &owner(id), step, submission, self.now, lease_until).await
    }

    pub async fn answer(&self, key: String, answered: carryout_onboarding::ports::VendorAnswer) -> Answered {
        let callback = VendorCallback { key, answer: answered };
        answer(&self.applicants, &self.nudges, &self.waits, &self.markets, &callback, self.now).await.unwrap()
    }

    /// Reads every message.
    pub fn drain(&self) {
        while let Some(id) = self.nudges.take() {
            block_on(advance(self.ports(), &self.waits, &self.markets, &id, self.now, self.now + LEASE_MS)).unwrap();
        }
    }

    pub fn applicant(&self, id: &str) -> Applicant {
        self.applicants.get(id).unwrap()
    }

    pub fn view(&self, id: &str) -> ApplicantView {
        view(&self.applicant(id), &self.markets).unwrap()
    }

    /// The names of the steps that are next.
    pub fn next(&self, id: &str) -> Vec<String> {
        self.view(id).next.into_iter().map(|next| next.step).collect()
    }

    /// Uploads a document for `step`, and gives its object.
    pub fn uploaded(&self, id: &str, step: &str) -> String {
        let who = owner(id);
        let name = format!("doc_{}", self.documents.objects.lock().unwrap().len());
        let (whose, what) = ((id, who.as_str(), step), ("image/jpeg", 1_000));
        let upload = block_on(upload(&self.applicants, &self.documents, &self.markets, whose, what, &name, self.now)).unwrap();
        self.documents.objects.lock().unwrap().insert(upload.object.clone());
        upload.object
    }

    /// A form of `step` filled in, with these values where it asks for them.
    pub fn filled_in(&self, id: &str, step: &str, wanted: &Map<String, Value>) -> Map<String, Value> {
        let applicant = self.applicant(id);
        let progress = progress_of(self.markets.of(&applicant).unwrap(), &applicant);
        let next = progress.next.iter().find(|next| next.spec.entry_name() == step);
        let next = next.unwrap_or_else(|| panic!("{step} is not next of {id}"));
        let settings = &next.spec.settings;
        let fields = next.description.fields.iter();
        fields
            .map(|field| {
                let filled =
                    || if field.kind == Kind::Document { self.uploaded(id, step).into() } else { sample(field, settings) };
                (field.name.clone(), wanted.get(&field.name).cloned().unwrap_or_else(filled))
            })
            .collect()
    }

    /// Submits whatever is next until only others are waited for.
    pub fn complete_forms(&self, id: &str, wanted: &Map<String, Value>) {
        for _ in 0..40 {
            self.drain();
            let applicant = self.applicant(id);
            let open: Vec<String> = self
                .view(id)
                .next
                .into_iter()
                .filter(|next| {
                    next.form.is_some() && applicant.steps.entry(&next.step).is_some_and(|entry| entry.failure.is_none())
                })
                .map(|next| next.step)
                .collect();
            let Some(step) = open.first() else { return };
            let form = self.filled_in(id, step, wanted);
            if let Err(error) = block_on(self.submit(id, step, Submission::Form(form))) {
                assert!(error.failure().code.ends_with(".Refused"), "{id} {step}: {error}");
            }
        }
        panic!("{id} never comes to an end: {:?}", self.view(id));
    }
}

pub fn owner(id: &str) -> String {
    format!("person-{id}")
}

/// Texts of which one fits each pattern.
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
        Kind::Document => panic!("{} is uploaded first", field.name),
    }
}

/// The markets with this supply everywhere.
pub fn markets_with_supply(supply: f64) -> Markets {
    let mut settings = carryout_onboarding::markets::Settings::default();
    for market in carryout_onboarding::markets::embedded_files().unwrap() {
        let facts = json!({ "supply": supply }).as_object().unwrap().clone();
        settings.facts.insert(format!("{}/{}", market.country, market.market_type), facts);
    }
    Markets::with(settings).unwrap()
}

pub fn findings(name: &str, value: Value) -> carryout_onboarding::ports::VendorAnswer {
    carryout_onboarding::ports::VendorAnswer::Approved { findings: [(name.to_owned(), value)].into_iter().collect() }
}

/// The vendor that a step of this name asks.
pub const ADDRESS: VendorKind = VendorKind::Address;

pub fn legacy_of(world: &World, id: &str) -> Option<LegacyRecord> {
    block_on(world.legacy.record(&owner(id), "", "")).unwrap()
}
