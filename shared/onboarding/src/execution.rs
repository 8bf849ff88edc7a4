//! Runs one step of one applicant under a claim.

use crate::{
    applicant::{Applicant, Collected, Datum, SWEEP_AFTER_MS},
    codes,
    ports::{Applicants, Vault, Vendors},
    service::{Onboarding, Ports},
    steps::{self, Conclusion, ConfiguredStep},
    vendor::{VendorError, VendorKind, VendorRequest},
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{
    Attempt, Effect, FormStep, Outcome, Progress, Step, StepAction, StepInput, StepReply, StepSpec as _, Subject as _, run,
    run::RunError,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An attempt to run a step.
pub(crate) struct StepAttempt<'a> {
    /// The step in the applicant's workflow.
    pub(crate) spec: &'a FormStep,
    /// Its module with settings.
    pub(crate) step: &'a ConfiguredStep,
    /// The applicant.
    pub(crate) applicant: &'a Applicant,
    /// Collected data, which is written with the claim.
    pub(crate) data: &'a BTreeMap<String, Datum>,
    /// The API that takes the vendor's callback, where the attempt is made through one.
    pub(crate) callback_api: Option<&'a str>,
    /// When the attempt begins. Milliseconds since the Unix epoch.
    pub(crate) now: i64,
    /// When the claim ends by itself. Milliseconds since the Unix epoch.
    pub(crate) lease_until: i64,
}

/// Why a step's attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The call to the vendor failed.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// The vendor, or the step itself, refuses for good.
    #[error("{message}")]
    Refused {
        /// The code.
        code: ErrorCode,
        /// The reason.
        message: String,
    },
    /// Data that the step needs was never collected.
    #[error("{0} was never collected")]
    Missing(String),
    /// Personal data can't be decrypted.
    #[error("the vault failed: {0}")]
    Vault(#[source] StorageError),
}

/// Codes of failures that any step can have.
const COMMON_CODES: [ErrorCode; 4] =
    [codes::VENDOR_UNAVAILABLE, codes::VENDOR_NO_ANSWER, codes::DATA_MISSING, codes::VAULT_UNAVAILABLE];

const fn step_error_codes() -> [ErrorCode; COMMON_CODES.len() + steps::CODES.len()] {
    let mut all = [COMMON_CODES[0]; COMMON_CODES.len() + steps::CODES.len()];
    let mut next = 0;
    while next < all.len() {
        all[next] = if next < COMMON_CODES.len() { COMMON_CODES[next] } else { steps::CODES[next - COMMON_CODES.len()] };
        next += 1;
    }
    all
}

impl HasErrorCode for StepError {
    const CODES: &'static [ErrorCode] = &step_error_codes();

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

impl<P: Ports<Applicants: Applicants, Vendors: Vendors, Vault: Vault>> Onboarding<P> {
    /// Runs a step under a claim.
    ///
    /// # Errors
    ///
    /// As [`run::process`].
    pub(crate) async fn run_step(&self, attempt: StepAttempt<'_>) -> Result<StepReply, RunError<StepError>> {
        let input = StepInput {
            action: StepAction::Process,
            id: attempt.applicant.id.clone(),
            run: attempt.applicant.run(),
            correlation_id: attempt.applicant.correlation_id.clone(),
            facts: Value::Null,
            failure: Value::Null,
            task_token: None,
        };
        let (now, lease_until) = (attempt.now, attempt.lease_until);
        let step = BoundStep { attempt, vendors: &self.vendors, vault: &self.vault };
        run::process(&step, &self.applicants, &input, now, lease_until).await
    }
}

/// A step of an applicant's workflow, ready to run.
struct BoundStep<'a, V, K> {
    attempt: StepAttempt<'a>,
    vendors: &'a V,
    vault: &'a K,
}

impl<V: Vendors, K: Vault> Step for BoundStep<'_, V, K> {
    type Subject = Applicant;
    type Error = StepError;

    fn entry_name(&self) -> &str {
        self.attempt.spec.entry_name()
    }

    fn is_complete(&self, applicant: &Applicant) -> bool {
        applicant.status().entry(self.entry_name()).is_some_and(|entry| self.attempt.step.is_completed_by(entry.state))
    }
}

impl<V: Vendors, K: Vault> Effect for BoundStep<'_, V, K> {
    type Note = Collected;

    fn claim_note(&self, _: &StepInput, now: i64) -> Collected {
        Collected { data: self.attempt.data.clone(), sweep_at: Some(now + SWEEP_AFTER_MS), activated_until: None }
    }

    async fn process(&self, applicant: &Applicant, attempt: &impl Attempt<Collected>) -> Result<Outcome<Collected>, StepError> {
        let step = self.attempt.step;
        let Some(vendor) = step.vendor else { return Ok(step.decide(applicant)) };
        let key = attempt.key();
        // An earlier attempt may have reached the vendor: the answer to it counts, and nothing is requested twice.
        let earlier = if attempt.number() > 1 { self.vendors.find(vendor.kind, &key).await? } else { None };
        let answer = match earlier {
            Some(answer) => answer,
            None => self.vendors.ask(&self.request(vendor.kind, &key, applicant).await?).await?,
        };
        match step.conclude(&answer) {
            Conclusion::Approved(outputs) => {
                let note = Collected { activated_until: step.kept_until(attempt.now()), ..Collected::default() };
                Ok(Outcome::Done(Progress { reference: None, response: Some(outputs), note }))
            }
            Conclusion::Refused(failure) => Err(StepError::Refused { code: vendor.refused, message: failure.message }),
            Conclusion::CorrectionRequested(failure) => Ok(Outcome::CorrectionRequested(failure)),
            Conclusion::Waiting(response) => {
                Ok(Outcome::Waiting(Progress { reference: Some(key), response: Some(response), note: Collected::default() }))
            }
        }
    }
}

impl<V: Vendors, K: Vault> BoundStep<'_, V, K> {
    /// The request to the vendor: the fields of the step's form, and the data that it needs of other steps.
    async fn request(&self, kind: VendorKind, key: &str, applicant: &Applicant) -> Result<VendorRequest, StepError> {
        let step = self.attempt.step;
        let mut details = Map::new();
        let mut sealed = BTreeMap::new();
        let own = step.fields.iter().map(|field| (field.name.as_str(), field.required));
        for (name, required) in own.chain(step.needs.iter().map(|need| (*need, true))) {
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
        let callback_api = self.attempt.callback_api.map(str::to_owned);
        Ok(VendorRequest { key: key.to_owned(), kind, details, callback_api })
    }
}
