//! A step module: its facts, which are the same in every workflow ([`StepInfo`]), and what follows from the settings that a workflow
//! gives it ([`StepModule`]). Both together are a [`ConfiguredStep`].

use crate::{
    applicant::{Applicant, Collected, KEEP_ACTIVE_SECONDS},
    codes,
    form::{Field, Kind, WrongField},
    vendor::{VendorAnswer, VendorKind},
};
use carryout_environment::{ErrorCode, Failure};
use carryout_workflow::{Outcome, Progress, StepEntry, StepState};
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::{fmt, sync::Arc};

/// The facts about a step: all that definitions, documentation, tests and other systems need to know of it.
#[derive(Debug, Clone, Copy)]
pub struct StepInfo {
    /// The name in definitions.
    pub name: &'static str,
    /// The versions that definitions may name.
    pub versions: &'static [u32],
    /// Whether SKIPPED completes it.
    pub accepts_skipped: bool,
    /// Whether its completion closes the application.
    pub closes: bool,
    /// The vendor that it calls: its only effect outside. No step has an undo, since no application is undone.
    pub vendor: Option<VendorUse>,
    /// Error codes of the step itself, besides that of its vendor's refusal.
    pub codes: &'static [ErrorCode],
    /// What the same step is called in the older system, where it exists there.
    pub legacy: Option<LegacyNames>,
    pub(super) configure: fn(&Map<String, Value>) -> Result<Arc<dyn StepModule>, serde_json::Error>,
}

/// The vendor that a step calls, and the meaning of its refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VendorUse {
    /// The kind of vendor.
    pub kind: VendorKind,
    /// The code of a refusal.
    pub refused: ErrorCode,
    /// Whether the applicant may correct the form after a refusal.
    pub correctable: bool,
}

/// The names of a step in the older system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyNames {
    /// The flag of the V2 shape.
    pub flag: &'static str,
    /// The step of the V3 shape.
    pub step: &'static str,
}

impl StepInfo {
    /// A step of version 1 without a vendor, whose settings are `M`.
    pub(super) const fn of<M: StepModule + DeserializeOwned>(name: &'static str) -> Self {
        Self {
            name,
            versions: &[1],
            accepts_skipped: false,
            closes: false,
            vendor: None,
            codes: &[],
            legacy: None,
            configure: configure::<M>,
        }
    }

    /// The step with a workflow's settings.
    ///
    /// # Errors
    ///
    /// If they are not settings of this step.
    pub fn configure(&'static self, settings: &Map<String, Value>) -> Result<ConfiguredStep, serde_json::Error> {
        let module = (self.configure)(settings)?;
        Ok(ConfiguredStep {
            info: self,
            fields: module.fields(),
            needs: module.needs(),
            outputs: module.outputs(),
            vendor: self.vendor.filter(|_| module.calls_vendor()),
            module,
        })
    }
}

fn configure<M: StepModule + DeserializeOwned>(settings: &Map<String, Value>) -> Result<Arc<dyn StepModule>, serde_json::Error> {
    Ok(Arc::new(serde_json::from_value::<M>(Value::Object(settings.clone()))?))
}

/// The behaviour of a step under the settings that it was read from.
pub trait StepModule: fmt::Debug + Send + Sync + 'static {
    /// The fields of its form; empty where it runs by itself.
    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    /// The data that must be collected before it can run.
    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// The facts that it establishes, besides the fields of its form.
    fn outputs(&self) -> Vec<StepOutput> {
        Vec::new()
    }

    /// Whether it calls the vendor of its [`StepInfo`] under these settings.
    fn calls_vendor(&self) -> bool {
        true
    }

    /// Checks a form beyond its single fields. `today` is the day of the submission.
    ///
    /// # Errors
    ///
    /// The field that is wrong.
    fn check(&self, _answers: &Map<String, Value>, _today: Date) -> Result<(), WrongField> {
        Ok(())
    }

    /// Decides the outcome where no vendor does.
    fn decide(&self, _applicant: &Applicant) -> Outcome<Collected> {
        Outcome::Done(Progress::default())
    }
}

/// A fact that a step establishes.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutput {
    /// Its name among the attributes of an applicant: `risk_level`.
    pub name: String,
    /// Its possible values, best first: an operator's approval establishes the first.
    pub values: Vec<Value>,
}

impl StepOutput {
    /// An output that is one of `values`.
    pub fn of(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

/// A step as a workflow uses it: its module with settings.
#[derive(Debug, Clone)]
pub struct ConfiguredStep {
    /// The facts that hold in every workflow.
    pub info: &'static StepInfo,
    /// The fields of its form; empty where it runs by itself.
    pub fields: Vec<Field>,
    /// The data that must be collected before it can run.
    pub needs: Vec<&'static str>,
    /// The facts that it establishes, besides the fields of its form.
    pub outputs: Vec<StepOutput>,
    /// The vendor that it calls under these settings.
    pub vendor: Option<VendorUse>,
    module: Arc<dyn StepModule>,
}

/// The effect of a vendor's answer on the step's entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// It is complete, with these outputs.
    Approved(Value),
    /// It is closed as failed.
    Refused(Failure),
    /// It is open for a corrected form.
    CorrectionRequested(Failure),
    /// It waits for the vendor, or for an operator where the value is a [`review`].
    Waiting(Value),
}

impl ConfiguredStep {
    /// Whether the step runs without a form.
    pub const fn is_automatic(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether the form asks for a document.
    pub fn takes_document(&self) -> bool {
        self.fields.iter().any(|field| field.kind == Kind::Document)
    }

    /// Whether an entry in this state is complete, as the step sees it.
    pub const fn is_completed_by(&self, state: StepState) -> bool {
        match state {
            StepState::Done => true,
            StepState::Skipped => self.info.accepts_skipped,
            StepState::Pending | StepState::Running | StepState::Waiting | StepState::Failed => false,
        }
    }

    /// Checks a form beyond its single fields. `today` is the day of the submission.
    ///
    /// # Errors
    ///
    /// The field that is wrong.
    pub fn check(&self, answers: &Map<String, Value>, today: Date) -> Result<(), WrongField> {
        self.module.check(answers, today)
    }

    /// Decides the outcome where no vendor does.
    pub fn decide(&self, applicant: &Applicant) -> Outcome<Collected> {
        self.module.decide(applicant)
    }

    /// The retention of an application that the step completes at `at` (milliseconds since the Unix epoch); `None` where it completes
    /// none. Seconds since the Unix epoch.
    pub fn kept_until(&self, at: i64) -> Option<i64> {
        self.info.closes.then_some(at / 1_000 + KEEP_ACTIVE_SECONDS)
    }

    /// The outputs that an approval from elsewhere establishes.
    pub fn approval(&self) -> Value {
        let best = |output: &StepOutput| Some((output.name.clone(), output.values.first()?.clone()));
        self.outputs.iter().filter_map(best).collect::<Map<_, _>>().into()
    }

    /// The effect of a vendor's answer on the step's entry.
    pub fn conclude(&self, answer: &VendorAnswer) -> Conclusion {
        match answer {
            VendorAnswer::Approved { findings } => {
                let is_unknown =
                    |output: &&StepOutput| findings.get(&output.name).is_some_and(|found| !output.values.contains(found));
                if let Some(output) = self.outputs.iter().find(is_unknown) {
                    return Conclusion::Waiting(review(&format!("the vendor reported an unknown {}", output.name)));
                }
                // Undeclared findings are dropped; a missing one is taken for the best value.
                let known = self.outputs.iter().filter_map(|output| {
                    Some((output.name.clone(), findings.get(&output.name).or(output.values.first())?.clone()))
                });
                Conclusion::Approved(known.collect::<Map<_, _>>().into())
            }
            VendorAnswer::Refused { reason } => {
                let code = self.vendor.map_or(codes::STEP_REJECTED, |vendor| vendor.refused);
                let message = if reason.is_empty() { "no reason given".to_owned() } else { shortened(reason) };
                let failure = Failure { code: code.name.to_owned(), message, advice: code.advice.to_owned() };
                let is_correctable = self.vendor.is_some_and(|vendor| vendor.correctable);
                if is_correctable { Conclusion::CorrectionRequested(failure) } else { Conclusion::Refused(failure) }
            }
            VendorAnswer::Pending => Conclusion::Waiting(Value::Null),
            VendorAnswer::Review { reason } => Conclusion::Waiting(review(reason)),
        }
    }
}

/// Characters of a vendor's or an operator's reason that are stored.
const MAX_REASON: usize = 500;

/// A reason as it is stored.
pub(crate) fn shortened(reason: &str) -> String {
    reason.chars().take(MAX_REASON).collect()
}

/// The response of an entry that waits for an operator.
pub(crate) fn review(reason: &str) -> Value {
    json!({ "review": shortened(reason) })
}

/// Whether an entry waits for an operator rather than for its vendor.
pub(crate) fn is_in_review(entry: &StepEntry) -> bool {
    entry.response.as_ref().is_some_and(|response| response.get("review").is_some())
}

/// A choice among these values.
pub(super) fn choice(values: impl IntoIterator<Item = impl Into<String>>) -> Kind {
    Kind::Choice(values.into_iter().map(Into::into).collect())
}
