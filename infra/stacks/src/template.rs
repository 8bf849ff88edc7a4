//! A generated template, as it is read.

use crate::{StackError, read, template_path, yaml};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A stack's template, with short forms written out.
#[derive(Debug, Clone)]
pub struct Template {
    /// The stack's name.
    pub stack: String,
    /// What is in the file.
    pub content: Value,
}

impl Template {
    /// Reads a stack's template.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or is not YAML.
    pub fn load(root: &Path, stack: &str) -> Result<Self, StackError> {
        let file = template_path(stack);
        let content =
            yaml::parse(&read(root, &file)?).map_err(|problem| StackError::Malformed { file: file.clone(), problem })?;
        Ok(Self { stack: stack.to_owned(), content })
    }

    /// Its parameters, each with its default.
    pub fn parameters(&self) -> BTreeMap<&str, Option<String>> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        members(&self.content["Parameters"]).map(|(name, parameter)| (name, parameter.get("Default").map(text))).collect()
    }

    /// The names of its outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        members(&self.content["Outputs"]).map(|(name, _)| name)
    }

    /// The inputs with which it is deployed: one must be given and not `false`. Without any, it always is.
    pub fn deployed_with(&self) -> Vec<&str> {
        let inputs = self.content["Metadata"]["Carryout"]["DeployedWith"].as_array();
        inputs.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// How many resources it has once the SAM transform has written out functions, state machines and APIs.
    pub fn resources_after_transform(&self) -> usize {
        members(&self.content["Resources"]).map(|(_, resource)| after_transform(resource)).sum()
    }
}

/// Source: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html>
fn after_transform(resource: &Value) -> usize {
    let properties = &resource["Properties"];
    match resource["Type"].as_str().unwrap_or_default() {
        // Function, role, version and alias.
        "AWS::Serverless::Function" => 4 + members(&properties["Events"]).map(|(_, event)| of_event(event)).sum::<usize>(),
        // State machine and role.
        "AWS::Serverless::StateMachine" => 2,
        // API, deployment and stage.
        "AWS::Serverless::Api" => 3,
        _ => 1,
    }
}

fn of_event(event: &Value) -> usize {
    match event["Type"].as_str().unwrap_or_default() {
        // A rule and a permission.
        "Schedule" | "EventBridgeRule" => 2,
        // A permission, or a mapping.
        _ => 1,
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}
