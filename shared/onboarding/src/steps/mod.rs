//! The steps of onboarding, each a self-contained module: it declares the fields of its form, the data it needs, the facts it
//! establishes, and the vendor it calls. None knows its workflow or its neighbours.
//!
//! [`ALL`] is the registry: definitions, documentation, tests and the older system's names are read from it.

mod activate_account;
mod check_background;
mod check_risk;
mod collect_details;
mod collect_profile;
mod collect_regional;
mod join_waitlist;
mod module;
mod register_vehicle;
mod set_up_payout;
mod sign_agreement;
mod submit_tax_form;
mod take_quiz;
mod upload_document;
mod validate_address;
mod verify_identity;

pub use module::{Conclusion, ConfiguredStep, LegacyNames, StepInfo, StepModule, StepOutput, VendorUse};
pub(crate) use module::{is_in_review, review, shortened};

use carryout_environment::ErrorCode;
use carryout_workflow::{FormStep, StepSpec as _};

/// Every step, in the order in which most workflows have them.
pub static ALL: &[StepInfo] = &STEPS;

const STEPS: [StepInfo; 15] = [
    collect_profile::INFO,
    collect_details::INFO,
    register_vehicle::INFO,
    validate_address::INFO,
    verify_identity::INFO,
    upload_document::INFO,
    check_risk::INFO,
    check_background::INFO,
    set_up_payout::INFO,
    submit_tax_form::INFO,
    sign_agreement::INFO,
    take_quiz::INFO,
    join_waitlist::INFO,
    collect_regional::INFO,
    activate_account::INFO,
];

/// The error codes of all steps: those of their vendors' refusals, and their own.
pub const CODES: &[ErrorCode] = &codes();

const fn codes() -> [ErrorCode; count_codes()] {
    let mut all = [crate::codes::STEP_REJECTED; count_codes()];
    let (mut step, mut next) = (0, 0);
    while step < STEPS.len() {
        if let Some(vendor) = STEPS[step].vendor {
            all[next] = vendor.refused;
            next += 1;
        }
        let mut own = 0;
        while own < STEPS[step].codes.len() {
            all[next] = STEPS[step].codes[own];
            (next, own) = (next + 1, own + 1);
        }
        step += 1;
    }
    all
}

const fn count_codes() -> usize {
    let (mut step, mut count) = (0, 0);
    while step < STEPS.len() {
        count += STEPS[step].codes.len() + STEPS[step].vendor.is_some() as usize;
        step += 1;
    }
    count
}

/// The facts about a step, by its name in definitions.
pub fn info(name: &str) -> Option<&'static StepInfo> {
    ALL.iter().find(|info| info.name == name)
}

/// A step as a definition uses it.
///
/// # Errors
///
/// If there is no such step or version, or if the settings are not those of the step.
pub fn configure(spec: &FormStep) -> Result<ConfiguredStep, InvalidStep> {
    let info = info(&spec.step).ok_or_else(|| InvalidStep::Unknown(spec.step.clone()))?;
    if !info.versions.contains(&spec.version) {
        return Err(InvalidStep::NoVersion { step: spec.step.clone(), version: spec.version, known: info.versions });
    }
    info.configure(&spec.settings)
        .map_err(|error| InvalidStep::Settings { step: spec.entry_name().to_owned(), problem: error.to_string() })
}

/// Why a definition can't use a step in this way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStep {
    /// There is no step of this name.
    #[error("there is no step {0}")]
    Unknown(String),
    /// There is no such version of it.
    #[error("step {step} has no version {version}; there are {known:?}")]
    NoVersion {
        /// The step.
        step: String,
        /// The version.
        version: u32,
        /// The versions that exist.
        known: &'static [u32],
    },
    /// Its settings are wrong.
    #[error("the settings of {step} are wrong: {problem}")]
    Settings {
        /// The name of the entry.
        step: String,
        /// What is wrong.
        problem: String,
    },
}
