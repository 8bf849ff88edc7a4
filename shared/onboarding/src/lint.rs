//! Finds mistakes in definitions before applicants enter them, by walking every path that their conditions allow.

use crate::{
    definition::{MARKET_FACTS, Market},
    form::Kind,
    paths::{MOST_PATHS, Path, paths},
    steps::{self, ConfiguredStep, InvalidStep},
};
use carryout_workflow::{FormStep, FormWorkflow, StepSpec as _};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A mistake in a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LintFinding {
    /// The workflow and its version: `onboard-courier-us 1`.
    pub workflow: String,
    /// The step, if the mistake belongs to one.
    pub step: Option<String>,
    /// The rule that is broken.
    pub rule: Rule,
    /// The mistake, and how to correct it.
    pub message: String,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The definition is malformed.
    Malformed,
    /// There is no such step.
    UnknownStep,
    /// There is no such version of the step.
    UnknownVersion,
    /// The step's settings are wrong.
    WrongSettings,
    /// The step needs data that earlier steps do not always collect.
    MissingData,
    /// A condition reads an attribute that is personal or not known by then.
    UnknownCondition,
    /// No applicant ever reaches the step.
    Unreachable,
    /// The workflow can't end.
    Endless,
    /// Two steps collect the same field.
    CollectedTwice,
    /// The market has no workflow, or a market or a workflow is defined twice.
    NoRoute,
    /// The conditions have too many combinations to walk.
    TooManyPaths,
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.workflow)?;
        if let Some(step) = &self.step {
            write!(f, "{step}: ")?;
        }
        write!(f, "{}", self.message)
    }
}

/// The mistakes in these markets and their definitions.
pub fn lint(markets: &[Market]) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    let mut places = BTreeSet::new();
    let mut definitions = BTreeSet::new();
    for market in markets {
        let place = market.key();
        let mut no_route = |message: String| {
            findings.push(LintFinding { workflow: market.workflow.clone(), step: None, rule: Rule::NoRoute, message });
        };
        if !places.insert(place.clone()) {
            no_route(format!("{place} is defined twice"));
        }
        if !markets.iter().flat_map(|market| &market.definitions).any(|definition| definition.name == market.workflow) {
            no_route(format!("{place} has no workflow {}; define it, or name an existing one", market.workflow));
        }
        for definition in &market.definitions {
            if !definitions.insert((&definition.name, definition.version)) {
                no_route(format!("{} {} is defined twice", definition.name, definition.version));
            }
            if !markets.iter().any(|market| market.workflow == definition.name) {
                no_route(format!("no market leads to {}", definition.name));
            }
        }
    }
    findings.extend(markets.iter().flat_map(|market| &market.definitions).flat_map(lint_workflow));
    findings
}

/// The mistakes in one definition.
pub fn lint_workflow(workflow: &FormWorkflow) -> Vec<LintFinding> {
    let mut lint = Lint { workflow, steps: Vec::new(), findings: Vec::new() };
    if let Err(invalid) = workflow.validate() {
        lint.add(None, Rule::Malformed, invalid.problem);
        return lint.findings;
    }
    lint.configure_steps();
    lint.check_steps();
    if lint.findings.is_empty() {
        lint.check_conditions();
    }
    if lint.findings.is_empty() {
        match paths(workflow) {
            Some(paths) => lint.check_paths(&paths),
            None => {
                lint.add(None, Rule::TooManyPaths, format!("its conditions have more than {MOST_PATHS} combinations"));
            }
        }
    }
    lint.findings.sort();
    lint.findings.dedup();
    lint.findings
}

/// The lint of one definition.
struct Lint<'w> {
    workflow: &'w FormWorkflow,
    /// The steps of the definition that the registry knows.
    steps: Vec<(&'w FormStep, ConfiguredStep)>,
    findings: Vec<LintFinding>,
}

impl<'w> Lint<'w> {
    fn add(&mut self, step: Option<&str>, rule: Rule, message: String) {
        let workflow = format!("{} {}", self.workflow.name, self.workflow.version);
        self.findings.push(LintFinding { workflow, step: step.map(str::to_owned), rule, message });
    }

    fn configure_steps(&mut self) {
        for spec in self.workflow.steps() {
            match steps::configure(spec) {
                Ok(step) => self.steps.push((spec, step)),
                Err(invalid) => {
                    let rule = match invalid {
                        InvalidStep::Unknown(_) => Rule::UnknownStep,
                        InvalidStep::NoVersion { .. } => Rule::UnknownVersion,
                        InvalidStep::Settings { .. } => Rule::WrongSettings,
                    };
                    self.add(Some(spec.entry_name()), rule, invalid.to_string());
                }
            }
        }
    }

    /// Checks each step by itself.
    fn check_steps(&mut self) {
        let mut collected = BTreeMap::new();
        for (spec, step) in std::mem::take(&mut self.steps) {
            let name = spec.entry_name();
            for field in &step.fields {
                if let Some(other) = collected.insert(field.name.clone(), name) {
                    self.add(Some(name), Rule::CollectedTwice, format!("{} is collected by {other} already", field.name));
                }
                if let Kind::Text { pattern: Some(pattern), .. } = &field.kind
                    && regex::Regex::new(pattern).is_err()
                {
                    self.add(Some(name), Rule::WrongSettings, format!("{pattern:?} is not a regular expression"));
                }
            }
            if spec.optional && !step.info.accepts_skipped {
                self.add(Some(name), Rule::Endless, "it is optional, and is not complete when it is skipped".to_owned());
            }
            let is_finish = name == self.workflow.finish.entry_name();
            if step.info.closes != is_finish {
                let message = if is_finish {
                    "the finish does not close the application"
                } else {
                    "only the finish may close the application"
                };
                self.add(Some(name), Rule::Endless, message.to_owned());
            }
            if is_finish && !step.is_automatic() {
                self.add(Some(name), Rule::Endless, "the finish must run by itself".to_owned());
            }
            self.steps.push((spec, step));
        }
    }

    /// Checks that conditions read only attributes that an earlier step provides on some path, and that are not personal.
    fn check_conditions(&mut self) {
        let mut known: BTreeSet<String> =
            MARKET_FACTS.iter().copied().chain(["country", "market_type"]).map(str::to_owned).collect();
        let mut personal: BTreeSet<String> = BTreeSet::new();
        for stage in self.workflow.stages_with_finish() {
            for spec in stage {
                for read in spec.when.iter().flat_map(|condition| condition.attributes_used()) {
                    let problem = if personal.contains(read) {
                        "which is personal and encrypted"
                    } else if !known.contains(read) {
                        "which no earlier step provides"
                    } else {
                        continue;
                    };
                    let message = format!("the condition reads {read}, {problem}");
                    self.add(Some(spec.entry_name()), Rule::UnknownCondition, message);
                }
            }
            for step in stage.iter().filter_map(|spec| self.configured(spec)) {
                known.extend(step.outputs.iter().map(|output| output.name.clone()));
                for field in &step.fields {
                    let names = if field.personal { &mut personal } else { &mut known };
                    names.insert(field.name.clone());
                }
            }
        }
    }

    /// Checks that needed data is collected on every path, and that some path reaches each step.
    fn check_paths(&mut self, paths: &[Path<'_>]) {
        for path in paths {
            let mut known: BTreeSet<String> = BTreeSet::new();
            for stage in self.workflow.stages_with_finish() {
                let taken: Vec<&FormStep> = stage.iter().filter(|spec| path.has(spec)).collect();
                for spec in &taken {
                    let needs = self.configured(spec).map(|step| step.needs.clone()).unwrap_or_default();
                    for need in needs.into_iter().filter(|need| !known.contains(*need)) {
                        let message = format!("it needs {need}, which is not collected on every path to it");
                        self.add(Some(spec.entry_name()), Rule::MissingData, message);
                    }
                }
                for step in taken.iter().filter(|spec| !spec.optional).filter_map(|spec| self.configured(spec)) {
                    let required = step.fields.iter().filter(|field| field.required);
                    known.extend(required.map(|field| field.name.clone()));
                }
            }
        }
        for spec in self.workflow.steps().filter(|spec| !paths.iter().any(|path| path.has(spec))) {
            self.add(Some(spec.entry_name()), Rule::Unreachable, "its condition never holds".to_owned());
        }
    }

    fn configured(&self, spec: &FormStep) -> Option<&ConfiguredStep> {
        self.steps.iter().find(|(other, _)| other.entry_name() == spec.entry_name()).map(|(_, step)| step)
    }
}
