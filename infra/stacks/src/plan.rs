//! The order in which stacks are deployed, and where each finds its inputs.

use crate::{StackError, TEMPLATES, Template, yaml_files};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every template, in an order in which each comes after those whose outputs it takes.
#[derive(Debug)]
pub struct Plan {
    templates: Vec<Template>,
    stages: Vec<Vec<String>>,
}

impl Plan {
    /// Reads every template.
    ///
    /// # Errors
    ///
    /// Where a template cannot be read, or two take each other's outputs.
    pub fn load(root: &Path) -> Result<Self, StackError> {
        let names = yaml_files(root, TEMPLATES)?;
        let templates: Result<Vec<Template>, StackError> = names.iter().map(|name| Template::load(root, name)).collect();
        Self::of(templates?)
    }

    fn of(mut templates: Vec<Template>) -> Result<Self, StackError> {
        let mut waiting: BTreeMap<String, BTreeSet<String>> =
            templates.iter().map(|template| (template.stack.clone(), sources(template, &templates))).collect();
        let mut stages: Vec<Vec<String>> = Vec::new();
        while !waiting.is_empty() {
            let ready: Vec<String> = waiting
                .iter()
                .filter(|(_, needs)| !needs.iter().any(|need| waiting.contains_key(need)))
                .map(|(name, _)| name.clone())
                .collect();
            if ready.is_empty() {
                return Err(StackError::Circle(waiting.into_keys().collect::<Vec<_>>().join(", ")));
            }
            waiting.retain(|name, _| !ready.contains(name));
            stages.push(ready);
        }
        let order: Vec<&String> = stages.iter().flatten().collect();
        templates.sort_by_key(|template| order.iter().position(|name| **name == template.stack));
        Ok(Self { templates, stages })
    }

    /// Stacks that may be deployed at the same time, one group after the other.
    pub fn stages(&self) -> &[Vec<String>] {
        &self.stages
    }

    /// Every template, in the order of deployment.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// A stack's template.
    pub fn template(&self, stack: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.stack == stack)
    }
}

/// The stacks whose outputs a template takes.
fn sources(template: &Template, all: &[Template]) -> BTreeSet<String> {
    // A setting is both a parameter and an output of its stack: no other stack gives it its value.
    let own: BTreeSet<&str> = template.outputs().collect();
    let inputs: BTreeSet<&str> = template.parameters().into_keys().filter(|input| !own.contains(input)).collect();
    let gives = |other: &&Template| other.stack != template.stack && other.outputs().any(|output| inputs.contains(output));
    all.iter().filter(gives).map(|other| other.stack.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(stack: &str, inputs: &[&str], outputs: &[&str]) -> Template {
        let object = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>();
        Template { stack: stack.to_owned(), content: json!({ "Parameters": object(inputs), "Outputs": object(outputs) }) }
    }

    #[test]
    fn a_stack_comes_after_those_whose_outputs_it_takes() {
        let plan = Plan::of(vec![
            template("checkout", &["Url", "Table"], &[]),
            template("foundation", &["Stage"], &["Table", "Stage"]),
            template("api", &["Stage"], &["Url"]),
            template("scaling", &["Stage"], &[]),
        ]);
        assert_eq!(plan.unwrap().stages(), [vec!["foundation"], vec!["api", "scaling"], vec!["checkout"]]);
    }

    #[test]
    fn a_circle_is_refused() {
        let plan = Plan::of(vec![template("a", &["Y"], &["X"]), template("b", &["X"], &["Y"])]);
        assert_eq!(plan.unwrap_err().to_string(), "these stacks wait for each other's outputs: a, b");
    }
}
