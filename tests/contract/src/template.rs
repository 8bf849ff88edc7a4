//! `infra/template.yaml`.

use crate::{files, yaml};
use carryout_checkout::{routing::ReleaseTrack, workflows::orchestrator};
use carryout_workflow::Workflow;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The file's path.
pub const PATH: &str = "infra/template.yaml";

/// The template, with short forms written out.
pub struct Template(pub Value);

/// A function of the template.
#[derive(Clone, Copy)]
pub struct Function<'a> {
    /// Its logical id.
    pub id: &'a str,
    /// Its properties.
    pub properties: &'a Value,
    template: &'a Template,
}

/// A route of the main API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// In upper case.
    pub method: String,
    /// As in the template: `/v1/orders/{id}`.
    pub path: String,
}

impl Template {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Where it is no YAML.
    pub fn load() -> Result<Self, String> {
        yaml::parse(&files::read(PATH)).map(Self).map_err(|error| format!("{PATH}: {error}"))
    }

    /// Every resource by its logical id.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0["Resources"].as_object().into_iter().flatten().map(|(id, resource)| (id.as_str(), resource))
    }

    /// The properties of the resources of a type, by logical id.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.resources().filter(move |(_, resource)| resource["Type"] == kind).map(|(id, resource)| (id, &resource["Properties"]))
    }

    /// Every function.
    pub fn functions(&self) -> Vec<Function<'_>> {
        let functions = self.of_type("AWS::Serverless::Function");
        functions.map(|(id, properties)| Function { id, properties, template: self }).collect()
    }

    /// The function whose code is in `functions/<folder>`.
    pub fn function(&self, folder: &str) -> Option<Function<'_>> {
        self.functions().into_iter().find(|function| function.folder() == folder)
    }

    /// The keys that every function's environment has.
    pub fn global_environment(&self) -> BTreeSet<String> {
        keys(&self.0["Globals"]["Function"]["Environment"]["Variables"])
    }

    /// The state machine of a workflow: logical id and properties.
    pub fn state_machine(&self, workflow: &str) -> Option<(&str, &Value)> {
        let name = format!("${{AWS::StackName}}-{workflow}");
        self.of_type("AWS::Serverless::StateMachine").find(|(_, properties)| properties["Name"]["Fn::Sub"] == name.as_str())
    }
}

impl<'a> Function<'a> {
    /// The folder that its code is built from.
    pub fn folder(&self) -> &'a str {
        let uri = self.properties["CodeUri"].as_str().unwrap_or_default();
        uri.strip_prefix("../target/functions/").and_then(|rest| rest.strip_suffix('/')).unwrap_or(uri)
    }

    /// A property, its own or that of all functions.
    pub fn property(&self, name: &str) -> &'a Value {
        match &self.properties[name] {
            Value::Null => &self.template.0["Globals"]["Function"][name],
            own => own,
        }
    }

    /// Its own environment: values by key.
    pub fn environment(&self) -> BTreeMap<&'a str, &'a Value> {
        let variables = self.properties["Environment"]["Variables"].as_object();
        variables.into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect()
    }

    /// What its policies allow: pairs of action and resource, see [`resource_name`].
    pub fn allowed(&self) -> BTreeSet<(String, String)> {
        allowed(self.properties)
    }

    /// Its events by name.
    pub fn events(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.properties["Events"].as_object().into_iter().flatten().map(|(name, event)| (name.as_str(), event))
    }

    /// Its routes on the API with this logical id.
    pub fn routes(&self, api: &str) -> BTreeSet<Route> {
        self.events()
            .filter(|(_, event)| event["Type"] == "Api" && event["Properties"]["RestApiId"]["Ref"] == api)
            .map(|(_, event)| Route {
                method: event["Properties"]["Method"].as_str().unwrap_or_default().to_ascii_uppercase(),
                path: event["Properties"]["Path"].as_str().unwrap_or_default().to_owned(),
            })
            .collect()
    }
}

/// What the inline policies of a function or state machine allow.
pub fn allowed(properties: &Value) -> BTreeSet<(String, String)> {
    let mut allowed = BTreeSet::new();
    for statement in statements(properties) {
        for action in one_or_many(&statement["Action"]) {
            for resource in one_or_many(&statement["Resource"]) {
                allowed.insert((action.as_str().unwrap_or_default().to_owned(), resource_name(resource)));
            }
        }
    }
    allowed
}

/// The policies of a function or state machine, those under a condition too.
pub fn policies(properties: &Value) -> impl Iterator<Item = &Value> {
    one_or_many(&properties["Policies"]).into_iter().flat_map(branches).filter(|policy| policy["Ref"] != "AWS::NoValue")
}

/// The statements of all inline policies.
pub fn statements(properties: &Value) -> impl Iterator<Item = &Value> {
    policies(properties).flat_map(|policy| policy["Statement"].as_array().into_iter().flatten())
}

/// Both branches of an `!If`, or the value itself.
fn branches(value: &Value) -> Vec<&Value> {
    match value["Fn::If"].as_array().map(Vec::as_slice) {
        Some([_, then, otherwise]) => vec![then, otherwise],
        _ => vec![value],
    }
}

/// A resource of a policy in one form: its logical id where it is a resource of the template (`OrdersTable`,
/// `OrdersTable/index/stuck`), the ARN as it is written otherwise. Of an `!If`, the branch that names one.
pub fn resource_name(resource: &Value) -> String {
    if resource.get("Fn::If").is_some() {
        let named = branches(resource).into_iter().map(resource_name).find(|name| !name.starts_with("AWS::"));
        return named.unwrap_or_default();
    }
    if let Some(id) = resource["Ref"].as_str().or_else(|| resource["Fn::GetAtt"][0].as_str()) {
        return id.to_owned();
    }
    let text = resource["Fn::Sub"].as_str().or_else(|| resource.as_str()).unwrap_or_default();
    match text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")) {
        Some((id, rest)) => format!("{id}{rest}"),
        None => text.to_owned(),
    }
}

/// The tracks that a workflow has: a checkout goes through either, everything else is live.
pub fn tracks(workflow: &Workflow) -> &'static [ReleaseTrack] {
    let is_checkout = orchestrator().workflows().iter().any(|checkout| checkout.name == workflow.name);
    if is_checkout { &ReleaseTrack::ALL } else { &[ReleaseTrack::Live] }
}

/// The names of a workflow's state machines, one for each of its tracks.
pub fn state_machines(workflow: &Workflow) -> Vec<String> {
    tracks(workflow).iter().map(|track| track.state_machine(&workflow.name)).collect()
}

/// The ARN of a workflow's state machine, as the template writes it.
pub fn state_machine_arn(workflow: &str) -> String {
    arn("stateMachine", workflow)
}

/// The ARN of any execution of a workflow, as the template writes it.
pub fn execution_arn(workflow: &str) -> String {
    format!("{}:*", arn("execution", workflow))
}

fn arn(kind: &str, workflow: &str) -> String {
    format!("arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:{kind}:${{AWS::StackName}}-{workflow}")
}

/// The members of a list, or the one value.
pub fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(many) => many.iter().collect(),
        one => vec![one],
    }
}

/// The names of an object's members.
pub fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn resources_have_one_name_however_they_are_written() {
        for (written, name) in [
            (json!({ "Fn::GetAtt": ["OrdersTable", "Arn"] }), "OrdersTable"),
            (json!({ "Ref": "QuoteSecret" }), "QuoteSecret"),
            (json!({ "Fn::Sub": "${OrdersTable.Arn}/index/stuck" }), "OrdersTable/index/stuck"),
            (json!({ "Fn::Sub": "${ConfirmPrice.Arn}:live" }), "ConfirmPrice:live"),
            (json!({ "Fn::If": ["OwnDatabase", { "Ref": "LegacyDatabase" }, { "Ref": "AWS::NoValue" }] }), "LegacyDatabase"),
            (json!("*"), "*"),
        ] {
            assert_eq!(resource_name(&written), name);
        }
    }
}
