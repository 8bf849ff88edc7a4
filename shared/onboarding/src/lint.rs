//! Finds what is wrong with definitions before anybody is in them, by walking every path that their conditions allow.

use crate::{
    form::{Field, Kind},
    markets::{MARKET_FACTS, Market},
    progress::applies,
    steps::{self, Description},
};
use carryout_workflow::{StepSpec, Workflow};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The workflow and its version: `onboard-courier-us 1`.
    pub workflow: String,
    /// The step, where it is about one.
    pub step: Option<String>,
    /// Which rule it breaks.
    pub rule: Rule,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The definition is not well formed.
    Malformed,
    /// There is no such step.
    UnknownStep,
    /// There is no such version of the step.
    UnknownVersion,
    /// The step's settings are wrong.
    WrongSettings,
    /// The step needs what nobody has collected by then.
    MissingData,
    /// A condition reads what nobody collects by then, or what is personal.
    UnknownCondition,
    /// No applicant ever comes to the step.
    Unreachable,
    /// The workflow can't end.
    Endless,
    /// Two steps collect the same.
    CollectedTwice,
    /// The market has no workflow, or two have the same place.
    NoRoute,
    /// The conditions have more combinations than can be walked.
    TooManyPaths,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.workflow)?;
        if let Some(step) = &self.step {
            write!(f, "{step}: ")?;
        }
        write!(f, "{}", self.message)
    }
}

/// One way through a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Path<'w> {
    /// What is known at its end of what conditions read.
    pub attributes: Map<String, Value>,
    /// Its steps.
    pub steps: Vec<&'w StepSpec>,
}

/// Combinations that are walked, at most.
const MOST_PATHS: usize = 20_000;

/// Everything that is wrong with these markets.
pub fn lint(markets: &[Market]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut places = BTreeSet::new();
    let mut definitions = BTreeSet::new();
    for market in markets {
        let place = format!("{}/{}", market.country, market.market_type);
        let mut no_route = |message: String| {
            findings.push(Finding { workflow: market.workflow.clone(), step: None, rule: Rule::NoRoute, message });
        };
        if !places.insert(place.clone()) {
            no_route(format!("{place} is there twice"));
        }
        if !markets.iter().flat_map(|market| &market.definitions).any(|definition| definition.name == market.workflow) {
            no_route(format!("{place} has no workflow {}; define it, or name one that there is", market.workflow));
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
    for definition in markets.iter().flat_map(|market| &market.definitions) {
        findings.extend(lint_workflow(definition));
    }
    findings
}

/// Everything that is wrong with one definition.
pub fn lint_workflow(workflow: &Workflow) -> Vec<Finding> {
    let found = |step: Option<&str>, rule, message: String| Finding {
        workflow: format!("{} {}", workflow.name, workflow.version),
        step: step.map(str::to_owned),
        rule,
        message,
    };
    if let Err(invalid) = workflow.validate() {
        return vec![found(None, Rule::Malformed, invalid.problem)];
    }
    let mut findings = Vec::new();
    let mut described: Vec<(&StepSpec, Description)> = Vec::new();
    for spec in workflow.steps() {
        match steps::describe(spec) {
            Ok(description) => described.push((spec, description)),
            Err(bad) => {
                let rule = match bad {
                    steps::BadMention::Unknown(_) => Rule::UnknownStep,
                    steps::BadMention::NoVersion { .. } => Rule::UnknownVersion,
                    steps::BadMention::Settings { .. } => Rule::WrongSettings,
                };
                findings.push(found(Some(spec.entry_name()), rule, bad.to_string()));
            }
        }
    }
    let mut collected = BTreeMap::new();
    for (spec, description) in &described {
        let name = spec.entry_name();
        for field in &description.fields {
            if let Some(other) = collected.insert(field.name.clone(), name) {
                findings.push(found(Some(name), Rule::CollectedTwice, format!("{} is collected by {other} already", field.name)));
            }
            if let Kind::Text { pattern: Some(pattern), .. } = &field.kind
                && regex::Regex::new(pattern).is_err()
            {
                findings.push(found(Some(name), Rule::WrongSettings, format!("{pattern:?} is no regular expression")));
            }
        }
        if spec.optional && !description.accepts_skipped {
            findings.push(found(Some(name), Rule::Endless, "it is optional, and is not complete when it is skipped".to_owned()));
        }
        let is_finish = name == workflow.finish.entry_name();
        if description.closes != is_finish {
            let message =
                if is_finish { "the finish does not close the application" } else { "only the finish may close the application" };
            findings.push(found(Some(name), Rule::Endless, message.to_owned()));
        }
        if is_finish && !description.is_automatic() {
            findings.push(found(Some(name), Rule::Endless, "the finish must run by itself".to_owned()));
        }
    }
    if findings.is_empty() {
        findings = lint_paths(workflow, &described, found);
    }
    findings.sort();
    findings.dedup();
    findings
}

fn lint_paths(
    workflow: &Workflow,
    described: &[(&StepSpec, Description)],
    found: impl Fn(Option<&str>, Rule, String) -> Finding,
) -> Vec<Finding> {
    let description =
        |spec: &StepSpec| described.iter().find(|(other, _)| other.entry_name() == spec.entry_name()).map(|(_, d)| d);
    let mut findings = Vec::new();
    // What some step before has collected or found, on whatever path.
    let mut before: BTreeSet<&str> = MARKET_FACTS.iter().copied().chain(["country", "market_type"]).collect();
    let mut personal: BTreeSet<&str> = BTreeSet::new();
    for stage in workflow.stages.iter().map(carryout_workflow::Stage::steps).chain([std::slice::from_ref(&workflow.finish)]) {
        for spec in stage {
            for read in spec.when.iter().flat_map(|condition| condition.attributes_used()) {
                let name = Some(spec.entry_name());
                if personal.contains(read) {
                    let message = format!("the condition reads {read}, which is personal and sealed");
                    findings.push(found(name, Rule::UnknownCondition, message));
                } else if !before.contains(read) {
                    findings.push(found(
                        name,
                        Rule::UnknownCondition,
                        format!("the condition reads {read}, which nobody has collected by then"),
                    ));
                }
            }
        }
        for description in stage.iter().filter_map(description) {
            before.extend(description.finds.iter().map(|finding| finding.name.as_str()));
            for Field { name, personal: is_personal, .. } in &description.fields {
                if *is_personal {
                    personal.insert(name)
                } else {
                    before.insert(name)
                };
            }
        }
    }
    if !findings.is_empty() {
        return findings;
    }
    let Some(paths) = paths(workflow) else {
        return vec![found(None, Rule::TooManyPaths, format!("its conditions have more than {MOST_PATHS} combinations"))];
    };
    for path in &paths {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for stage in workflow.stages.iter().map(carryout_workflow::Stage::steps).chain([std::slice::from_ref(&workflow.finish)]) {
            let taken: Vec<&StepSpec> =
                stage.iter().filter(|spec| path.steps.iter().any(|step| step.entry_name() == spec.entry_name())).collect();
            for spec in &taken {
                for need in description(spec).into_iter().flat_map(|description| &description.needs) {
                    if !known.contains(need) {
                        let message = format!("it needs {need}, which is not collected on every way to it");
                        findings.push(found(Some(spec.entry_name()), Rule::MissingData, message));
                    }
                }
            }
            for spec in taken.iter().filter(|spec| !spec.optional) {
                let fields = description(spec).into_iter().flat_map(|description| &description.fields);
                known.extend(fields.filter(|field| field.required).map(|field| field.name.as_str()));
            }
        }
    }
    for spec in workflow.steps() {
        if !paths.iter().any(|path| path.steps.iter().any(|step| step.entry_name() == spec.entry_name())) {
            findings.push(found(Some(spec.entry_name()), Rule::Unreachable, "its condition never holds".to_owned()));
        }
    }
    findings
}

/// Every way through a workflow: one for each combination of values that its conditions tell apart, without repetitions. `None` where
/// there are too many.
pub fn paths(workflow: &Workflow) -> Option<Vec<Path<'_>>> {
    let read: BTreeSet<&str> =
        workflow.steps().filter_map(|spec| spec.when.as_ref()).flat_map(|condition| condition.attributes_used()).collect();
    let choices: Vec<(&str, Vec<Value>)> = read.into_iter().map(|name| (name, values_of(workflow, name))).collect();
    let combinations = choices.iter().try_fold(1_usize, |all, (_, values)| all.checked_mul(values.len()));
    let combinations = combinations.filter(|all| *all <= MOST_PATHS)?;
    let mut paths: Vec<Path<'_>> = Vec::new();
    for combination in 0..combinations {
        let mut rest = combination;
        let mut chosen = Map::new();
        for (name, values) in &choices {
            chosen.insert((*name).to_owned(), values[rest % values.len()].clone());
            rest /= values.len();
        }
        let path = walk(workflow, &chosen);
        if !paths.iter().any(|other| names(other) == names(&path)) {
            paths.push(path);
        }
    }
    Some(paths)
}

fn names<'p>(path: &'p Path<'_>) -> Vec<&'p str> {
    path.steps.iter().map(|spec| spec.entry_name()).collect()
}

/// The way of an applicant of whom `chosen` becomes known, each when its step is taken.
fn walk<'w>(workflow: &'w Workflow, chosen: &Map<String, Value>) -> Path<'w> {
    let mut known: Map<String, Value> = chosen
        .iter()
        .filter(|(name, _)| !is_collected(workflow, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut taken = Vec::new();
    for stage in workflow.stages.iter().map(carryout_workflow::Stage::steps).chain([std::slice::from_ref(&workflow.finish)]) {
        let attributes = Value::Object(known.clone());
        let applicable: Vec<&StepSpec> = stage.iter().filter(|spec| applies(spec, &attributes)).collect();
        for description in applicable.iter().filter_map(|spec| steps::describe(spec).ok()) {
            let provided =
                description.fields.iter().map(|field| &field.name).chain(description.finds.iter().map(|finding| &finding.name));
            for name in provided {
                known.extend(chosen.get(name).map(|value| (name.clone(), value.clone())));
            }
        }
        taken.extend(applicable);
    }
    Path { attributes: known, steps: taken }
}

fn is_collected(workflow: &Workflow, name: &str) -> bool {
    workflow.steps().filter_map(|spec| steps::describe(spec).ok()).any(|description| {
        description.fields.iter().any(|field| field.name == name) || description.finds.iter().any(|finding| finding.name == name)
    })
}

/// The values of an attribute that conditions may tell apart.
fn values_of(workflow: &Workflow, name: &str) -> Vec<Value> {
    for description in workflow.steps().filter_map(|spec| steps::describe(spec).ok()) {
        if let Some(finding) = description.finds.into_iter().find(|finding| finding.name == name) {
            return finding.values;
        }
        match description.fields.into_iter().find(|field| field.name == name).map(|field| field.kind) {
            Some(Kind::Choice(choices)) => return choices.into_iter().map(Value::from).collect(),
            Some(Kind::Consent) => return vec![true.into()],
            Some(Kind::Text { .. } | Kind::Date | Kind::Document) | None => {}
        }
    }
    let mut values = vec![Value::Null, json!("something else")];
    for condition in workflow.steps().filter_map(|spec| spec.when.as_ref()) {
        if condition.attributes_used().contains(name) {
            constants(condition.source(), &mut values);
        }
    }
    values.dedup();
    values
}

/// The constants in a condition, and numbers just beside them.
fn constants(condition: &Value, values: &mut Vec<Value>) {
    match condition {
        Value::Object(members) => members.values().for_each(|member| constants(member, values)),
        Value::Array(elements) => elements.iter().for_each(|element| constants(element, values)),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            values.extend([number - 1.0, number, number + 1.0].map(Value::from));
        }
        other => values.push(other.clone()),
    }
}
