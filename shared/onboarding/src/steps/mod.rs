//! The steps of onboarding, each a self-contained module: it says what its form asks, what it needs to know, what it finds out,
//! and which vendor it calls. None knows its workflow or its neighbours.

mod activate_account;
mod check_background;
mod check_risk;
mod collect_details;
mod collect_profile;
mod collect_regional;
mod join_waitlist;
mod register_vehicle;
mod set_up_payout;
mod sign_agreement;
mod submit_tax_form;
mod take_quiz;
mod upload_document;
mod validate_address;
mod verify_identity;

use crate::{
    applicant::{Applicant, Collected, Datum, KEEP_ACTIVE_SECONDS, SWEEP_AFTER_MS},
    codes,
    form::{Field, Kind, WrongField},
    ports::{Applicants, Vault, VendorAnswer, VendorError, VendorKind, VendorRequest, Vendors},
};
use carryout_environment::{ErrorCode, Failure, HasErrorCode, StorageError};
use carryout_workflow::{
    Action, Attempt, Effect, Outcome, Progress, Step, StepInput, StepReply, StepSpec, StepState, Subject as _,
    run::{self, RunError},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, marker::PhantomData};

/// Something that a step finds out.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its name among everything that is known of an applicant: `risk_level`.
    pub name: String,
    /// What it may be, the best first: an operator who approves the step finds that.
    pub values: Vec<Value>,
}

impl Finding {
    /// A finding that is one of `values`.
    pub fn of(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

/// The vendor that a step calls, and what its refusal means.
#[derive(Debug, Clone, Copy)]
struct Vendor {
    kind: VendorKind,
    /// The code of a refusal.
    refused: ErrorCode,
    /// Whether the applicant may submit something else after it.
    correctable: bool,
}

/// One kind of step.
trait Module: Send + Sync + 'static {
    /// As definitions name it.
    const NAME: &'static str;
    /// The versions that there are.
    const VERSIONS: &'static [u32] = &[1];
    /// Whether SKIPPED completes it.
    const ACCEPTS_SKIPPED: bool = false;
    /// Whether its completion closes the application.
    const CLOSES: bool = false;
    /// What definitions may set.
    type Settings: DeserializeOwned + Send + Sync;

    /// What its form asks; nothing where it runs by itself.
    fn fields(_settings: &Self::Settings) -> Vec<Field> {
        Vec::new()
    }

    /// What must be known before it can run.
    fn needs(_settings: &Self::Settings) -> Vec<&'static str> {
        Vec::new()
    }

    /// What is known after it besides its form.
    fn finds(_settings: &Self::Settings) -> Vec<Finding> {
        Vec::new()
    }

    /// The vendor that it calls.
    fn vendor(_settings: &Self::Settings) -> Option<Vendor> {
        None
    }

    /// What a form must be besides its fields. `today` is the day of the submission.
    ///
    /// # Errors
    ///
    /// The field that is wrong.
    fn check(_settings: &Self::Settings, _answers: &Map<String, Value>, _today: jiff::civil::Date) -> Result<(), WrongField> {
        Ok(())
    }

    /// How it ends where no vendor decides.
    fn decide(_settings: &Self::Settings, _applicant: &Applicant) -> Outcome<Collected> {
        Outcome::Done(Progress::default())
    }
}

/// What a definition's mention of a step means.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The versions that there are.
    pub versions: &'static [u32],
    /// What its form asks; nothing where it runs by itself.
    pub fields: Vec<Field>,
    /// What must be known before it can run.
    pub needs: Vec<&'static str>,
    /// What is known after it besides its form.
    pub finds: Vec<Finding>,
    /// Whether SKIPPED completes it.
    pub accepts_skipped: bool,
    /// What it asks a vendor for.
    pub vendor: Option<VendorKind>,
    /// Whether the applicant may submit something else after the vendor has refused.
    pub correctable: bool,
    /// The code of the vendor's refusal.
    pub refused: Option<ErrorCode>,
    /// Whether its completion closes the application.
    pub closes: bool,
}

impl Description {
    fn of<M: Module>(settings: &M::Settings) -> Self {
        let vendor = M::vendor(settings);
        Self {
            versions: M::VERSIONS,
            fields: M::fields(settings),
            needs: M::needs(settings),
            finds: M::finds(settings),
            accepts_skipped: M::ACCEPTS_SKIPPED,
            vendor: vendor.map(|vendor| vendor.kind),
            correctable: vendor.is_some_and(|vendor| vendor.correctable),
            refused: vendor.map(|vendor| vendor.refused),
            closes: M::CLOSES,
        }
    }

    /// Whether the step runs without anybody submitting a form.
    pub const fn is_automatic(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether an entry in this state is complete, as the step sees it.
    pub const fn is_completed_by(&self, state: StepState) -> bool {
        match state {
            StepState::Done => true,
            StepState::Skipped => self.accepts_skipped,
            StepState::Pending | StepState::Running | StepState::Waiting | StepState::Failed => false,
        }
    }

    /// Until when an application is kept that the step completes at `at`, in milliseconds since the Unix epoch; `None` where it
    /// completes none. Seconds since the Unix epoch.
    pub fn kept_until(&self, at: i64) -> Option<i64> {
        self.closes.then_some(at / 1_000 + KEEP_ACTIVE_SECONDS)
    }

    /// What the step finds where somebody else decides that it is right.
    pub fn approval(&self) -> Value {
        self.finds
            .iter()
            .filter_map(|finding| Some((finding.name.clone(), finding.values.first()?.clone())))
            .collect::<Map<_, _>>()
            .into()
    }

    /// What a vendor's answer does to the step's entry.
    pub fn conclude(&self, answer: &VendorAnswer) -> Conclusion {
        match answer {
            VendorAnswer::Approved { findings } => {
                let unknown =
                    |finding: &&Finding| findings.get(&finding.name).is_some_and(|found| !finding.values.contains(found));
                if let Some(finding) = self.finds.iter().find(unknown) {
                    return Conclusion::Waits(review(&format!("the vendor found a {} that nobody knows", finding.name)));
                }
                // A finding that the step does not declare is not known to anybody; one that is missing is taken for the best.
                let known = self.finds.iter().filter_map(|finding| {
                    Some((finding.name.clone(), findings.get(&finding.name).or(finding.values.first())?.clone()))
                });
                Conclusion::Approved(known.collect::<Map<_, _>>().into())
            }
            VendorAnswer::Refused { reason } => {
                let code = self.refused.unwrap_or(codes::STEP_REJECTED);
                let message =
                    if reason.is_empty() { "no reason given".to_owned() } else { reason.chars().take(MAX_REASON).collect() };
                let failure = Failure { code: code.name.to_owned(), message, advice: code.advice.to_owned() };
                if self.correctable { Conclusion::Returned(failure) } else { Conclusion::Refused(failure) }
            }
            VendorAnswer::Pending => Conclusion::Waits(Value::Null),
            VendorAnswer::Review { reason } => Conclusion::Waits(review(reason)),
        }
    }
}

/// Characters of a vendor's or an operator's reason that are kept.
pub(crate) const MAX_REASON: usize = 500;

/// What an entry that waits for a person reports.
pub(crate) fn review(reason: &str) -> Value {
    json!({ "review": reason.chars().take(MAX_REASON).collect::<String>() })
}

/// What becomes of an entry whose vendor has answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// Complete, with what was found.
    Approved(Value),
    /// Closed.
    Refused(Failure),
    /// Open for something else.
    Returned(Failure),
    /// Waits for the vendor, or for a person where the value says why.
    Waits(Value),
}

/// Why a step's attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The vendor was not heard.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// The vendor, or the step itself, refuses for good.
    #[error("{message}")]
    Refused {
        /// The code.
        code: ErrorCode,
        /// Why.
        message: String,
    },
    /// Something that it works on was never collected.
    #[error("{0} was never collected")]
    Missing(String),
    /// Personal data can't be opened.
    #[error("the vault failed: {0}")]
    Vault(#[source] StorageError),
}

impl HasErrorCode for StepError {
    const CODES: &'static [ErrorCode] = &[
        codes::VENDOR_UNAVAILABLE,
        codes::VENDOR_NO_ANSWER,
        codes::DATA_MISSING,
        codes::VAULT_UNAVAILABLE,
        codes::ADDRESS_REFUSED,
        codes::IDENTITY_REFUSED,
        codes::DOCUMENT_REFUSED,
        codes::RISK_REFUSED,
        codes::BACKGROUND_REFUSED,
        codes::PAYOUT_REFUSED,
        codes::QUIZ_NOT_PASSED,
        codes::ACTIVATION_REFUSED,
    ];

    fn code(&self) -> ErrorCode {
        match self {
            Self::Vendor(VendorError::Unavailable(_)) => codes::VENDOR_UNAVAILABLE,
            Self::Vendor(VendorError::NoAnswer(_)) => codes::VENDOR_NO_ANSWER,
            Self::Refused { code, .. } => *code,
            Self::Missing(_) => codes::DATA_MISSING,
            Self::Vault(_) => codes::VAULT_UNAVAILABLE,
        }
    }
}

/// A module bound to one mention in a workflow.
struct Bound<'a, M: Module, V, K> {
    spec: &'a StepSpec,
    description: Description,
    settings: M::Settings,
    vendors: &'a V,
    vault: &'a K,
    of: PhantomData<M>,
}

impl<M: Module, V: Vendors, K: Vault> Step for Bound<'_, M, V, K> {
    type Subject = Applicant;
    type Error = StepError;
    const NAME: &'static str = M::NAME;

    fn entry_name(&self) -> &str {
        self.spec.entry_name()
    }

    fn is_complete(&self, applicant: &Applicant) -> bool {
        applicant.status().entry(self.entry_name()).is_some_and(|entry| self.description.is_completed_by(entry.state))
    }
}

impl<M: Module, V: Vendors, K: Vault> Effect for Bound<'_, M, V, K> {
    type Note = Collected;

    fn claim_note(&self, input: &StepInput, now: i64) -> Collected {
        let data = serde_json::from_value(input.facts.clone()).unwrap_or_default();
        Collected { data, sweep_at: Some(now + SWEEP_AFTER_MS), activated_until: None }
    }

    async fn process(&self, applicant: &Applicant, attempt: &impl Attempt<Collected>) -> Result<Outcome<Collected>, StepError> {
        let done = |response: Value| {
            let note = Collected { activated_until: self.description.kept_until(attempt.now()), ..Collected::default() };
            Outcome::Done(Progress { reference: None, response: Some(response), note })
        };
        let Some(Vendor { kind, refused, .. }) = M::vendor(&self.settings) else {
            return Ok(M::decide(&self.settings, applicant));
        };
        let key = attempt.key();
        // An earlier attempt may have been heard: what became of it is the answer, and nothing is asked twice.
        let earlier = if attempt.number() > 1 { self.vendors.find(kind, &key).await? } else { None };
        let answer = match earlier {
            Some(answer) => answer,
            None => {
                let details = self.details(applicant).await?;
                self.vendors.ask(&VendorRequest { key: key.clone(), kind, details }).await?
            }
        };
        match self.description.conclude(&answer) {
            Conclusion::Approved(findings) => Ok(done(findings)),
            Conclusion::Refused(failure) => Err(StepError::Refused { code: refused, message: failure.message }),
            Conclusion::Returned(failure) => Ok(Outcome::Returned(failure)),
            Conclusion::Waits(response) => {
                Ok(Outcome::Waiting(Progress { reference: Some(key), response: Some(response), note: Collected::default() }))
            }
        }
    }
}

impl<M: Module, V: Vendors, K: Vault> Bound<'_, M, V, K> {
    /// What the vendor needs to know: what the step's form asked, and what it needs of others.
    async fn details(&self, applicant: &Applicant) -> Result<Map<String, Value>, StepError> {
        let mut details = Map::new();
        let mut sealed = BTreeMap::new();
        let own = self.description.fields.iter().map(|field| (field.name.as_str(), field.required));
        for (name, required) in own.chain(self.description.needs.iter().map(|need| (*need, true))) {
            match applicant.data.get(name) {
                Some(Datum::Plain(value)) => drop(details.insert(name.to_owned(), value.clone())),
                Some(Datum::Sealed(value)) => drop(sealed.insert(name.to_owned(), value.clone())),
                None if required => return Err(StepError::Missing(name.to_owned())),
                None => {}
            }
        }
        if !sealed.is_empty() {
            let opened = self.vault.open(&applicant.id, sealed).await.map_err(StepError::Vault)?;
            details.extend(opened.into_iter().map(|(name, value)| (name, value.into())));
        }
        details.insert("country".to_owned(), applicant.country.clone().into());
        details.insert("market_type".to_owned(), applicant.market_type.clone().into());
        Ok(details)
    }
}

/// A definition mentions a step in a way that its module can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMention {
    /// There is no module of this name.
    #[error("there is no step {0}")]
    Unknown(String),
    /// There is no such version of it.
    #[error("step {step} has no version {version}; there are {known:?}")]
    NoVersion {
        /// The step.
        step: String,
        /// The version.
        version: u32,
        /// The versions that there are.
        known: &'static [u32],
    },
    /// Its settings are not the module's.
    #[error("the settings of {step} are wrong: {problem}")]
    Settings {
        /// The entry's name.
        step: String,
        /// What is wrong.
        problem: String,
    },
}

fn settings<M: Module>(spec: &StepSpec) -> Result<M::Settings, BadMention> {
    if !M::VERSIONS.contains(&spec.version) {
        return Err(BadMention::NoVersion { step: spec.step.clone(), version: spec.version, known: M::VERSIONS });
    }
    serde_json::from_value(Value::Object(spec.settings.clone()))
        .map_err(|error| BadMention::Settings { step: spec.entry_name().to_owned(), problem: error.to_string() })
}

macro_rules! modules {
    ($($file:ident::$module:ident),* $(,)?) => {
        /// The names of all modules.
        pub const NAMES: &[&str] = &[$($file::$module::NAME),*];

        /// What a mention of a step means.
        ///
        /// # Errors
        ///
        /// Where it means nothing.
        pub fn describe(spec: &StepSpec) -> Result<Description, BadMention> {
            $(if spec.step == $file::$module::NAME {
                return settings::<$file::$module>(spec).map(|settings| Description::of::<$file::$module>(&settings));
            })*
            Err(BadMention::Unknown(spec.step.clone()))
        }

        /// What a form must be besides its fields.
        pub(crate) fn check(spec: &StepSpec, answers: &Map<String, Value>, today: jiff::civil::Date) -> Result<(), WrongField> {
            $(if spec.step == $file::$module::NAME {
                let settings = settings::<$file::$module>(spec).map_err(|error| WrongField::new("", error.to_string()))?;
                return $file::$module::check(&settings, answers, today);
            })*
            Ok(())
        }

        /// Runs a step under a claim. `data` is what is written with the claim; `now` and `lease_until` as for [`run::process`].
        ///
        /// # Errors
        ///
        /// As [`run::process`]; [`RunError::Unknown`] where the mention means nothing.
        pub async fn process<A: Applicants, V: Vendors, K: Vault>(
            ports: Ports<'_, A, V, K>,
            spec: &StepSpec,
            applicant: &Applicant,
            data: &BTreeMap<String, Datum>,
            now: i64,
            lease_until: i64,
        ) -> Result<StepReply, RunError<StepError>> {
            let input = StepInput {
                action: Action::Process,
                id: applicant.id.clone(),
                run: applicant.run,
                correlation_id: applicant.correlation_id.clone(),
                facts: json!(data),
                failure: Value::Null,
                task_token: None,
            };
            $(if spec.step == $file::$module::NAME {
                let settings = settings::<$file::$module>(spec).map_err(|_| RunError::Unknown)?;
                let description = Description::of::<$file::$module>(&settings);
                let bound: Bound<'_, $file::$module, V, K> =
                    Bound { spec, description, settings, vendors: ports.vendors, vault: ports.vault, of: PhantomData };
                return run::process(&bound, ports.applicants, &input, now, lease_until).await;
            })*
            Err(RunError::Unknown)
        }
    };
}

/// What steps run with.
pub struct Ports<'a, A, V, K> {
    /// Applicants.
    pub applicants: &'a A,
    /// Vendors.
    pub vendors: &'a V,
    /// Seals personal data.
    pub vault: &'a K,
}

impl<A, V, K> Clone for Ports<'_, A, V, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, V, K> Copy for Ports<'_, A, V, K> {}

modules![
    collect_profile::CollectProfile,
    collect_details::CollectDetails,
    register_vehicle::RegisterVehicle,
    validate_address::ValidateAddress,
    verify_identity::VerifyIdentity,
    upload_document::UploadDocument,
    check_risk::CheckRisk,
    check_background::CheckBackground,
    set_up_payout::SetUpPayout,
    submit_tax_form::SubmitTaxForm,
    sign_agreement::SignAgreement,
    take_quiz::TakeQuiz,
    join_waitlist::JoinWaitlist,
    collect_regional::CollectRegional,
    activate_account::ActivateAccount,
];

fn choice(values: impl IntoIterator<Item = impl Into<String>>) -> Kind {
    Kind::Choice(values.into_iter().map(Into::into).collect())
}
