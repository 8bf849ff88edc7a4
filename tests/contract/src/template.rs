//! The templates of all stacks, put together.

use crate::files;
use carryout_checkout::{routing::ReleaseTrack, workflows::orchestrator};
use carryout_stacks::{DESCRIPTIONS, Plan};
use carryout_workflow::Workflow;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Where what stacks have is described.
pub const PATH: &str = DESCRIPTIONS;

/// Every stack's template as one, with short forms written out. A reference to another stack's output is a reference to the
/// resource behind it.
pub struct Template(pub Value);

/// A function of a template.
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
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// Where one is no YAML, two stacks have a resource of the same name, or their globals differ.
    pub fn load() -> Result<Self, String> {
        let plan = Plan::load(&files::root()).map_err(|error| error.to_string())?;
        let mut outputs: BTreeMap<&str, &Value> = BTreeMap::new();
        for template in plan.templates() {
            for (name, output) in members(&template.content["Outputs"]) {
                outputs.entry(name).or_insert(&output["Value"]);
            }
        }
        let (mut resources, mut globals) = (Map::new(), Value::Null);
        for template in plan.templates() {
            let parameters = template.parameters();
            let linked = |name: &str| outputs.get(name).filter(|_| parameters.contains_key(name)).map(|value| (*value).clone());
            for (id, resource) in members(&template.content["Resources"]) {
                if resources.insert(id.to_owned(), link(resource, &linked)).is_some() {
                    return Err(format!("two stacks have a resource {id}: rename one"));
                }
            }
            let own = &template.content["Globals"];
            if !own.is_null() {
                if !globals.is_null() && globals != *own {
                    return Err(format!("the globals of {} are not those of the others: run `make stacks`", template.stack));
                }
                globals = own.clone();
            }
        }
        Ok(Self(json!({ "Resources": resources, "Globals": globals })))
    }

    /// Every resource by its logical id.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        members(&self.0["Resources"])
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
        let name = format!("${{Prefix}}-{workflow}");
        self.of_type("AWS::Serverless::StateMachine").find(|(_, properties)| properties["Name"]["Fn::Sub"] == name.as_str())
    }

    /// The routes of an API, each with the folder of the function that it calls.
    pub fn routes(&self, api: &str) -> Vec<(Route, String)> {
        let paths = &self.0["Resources"][api]["Properties"]["DefinitionBody"]["paths"];
        let mut found = Vec::new();
        for (path, methods) in members(paths) {
            let methods = if methods["Fn::If"].is_null() { methods } else { &methods["Fn::If"][1] };
            for (method, operation) in members(methods) {
                let uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].as_str().unwrap_or_default();
                let function = uri.split(":function:${Prefix}-").nth(1).and_then(|rest| rest.strip_suffix(":live/invocations"));
                let route = Route { method: method.to_ascii_uppercase(), path: path.to_owned() };
                found.push((route, function.unwrap_or(uri).to_owned()));
            }
        }
        found
    }
}

/// A value with references to inputs replaced by what the other stack outputs.
fn link(value: &Value, linked: &dyn Fn(&str) -> Option<Value>) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| link(item, linked)).collect(),
        Value::Object(own) => match value["Ref"].as_str().filter(|_| own.len() == 1).and_then(linked) {
            Some(output) => output,
            None => own.iter().map(|(key, member)| (key.clone(), link(member, linked))).collect(),
        },
        other => other.clone(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

impl<'a> Function<'a> {
    /// The folder that its code is built from.
    pub fn folder(&self) -> &'a str {
        let uri = self.properties["CodeUri"].as_str().unwrap_or_default();
        uri.strip_prefix("../../target/functions/").and_then(|rest| rest.strip_suffix('/')).unwrap_or(uri)
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
        let routes = self.template.routes(api).into_iter();
        routes.filter(|(_, function)| function == self.folder()).map(|(route, _)| route).collect()
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

/// The policies of a function, state machine or role, including conditional ones.
pub fn policies(properties: &Value) -> impl Iterator<Item = &Value> {
    let policies = one_or_many(&properties["Policies"]).into_iter().flat_map(branches);
    policies.filter(|policy| policy["Ref"] != "AWS::NoValue").map(|policy| policy.get("PolicyDocument").unwrap_or(policy))
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

/// A resource of a policy in one form: its logical id where it is a resource of a stack (`OrdersTable`,
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
    let after = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.split_once('}'));
    let own = text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}"));
    // Another stack's table or bucket is known by its name.
    let named = own.or_else(|| after(TABLE)).or_else(|| after(BUCKET));
    if let Some((id, rest)) = named {
        return format!("{id}{rest}");
    }
    match text.strip_prefix(FUNCTION).and_then(|rest| rest.split_once(':')) {
        Some((name, alias)) => format!("{}:{alias}", carryout_stacks::logical_id(name)),
        None => text.to_owned(),
    }
}

const TABLE: &str = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${";
const BUCKET: &str = "arn:${AWS::Partition}:s3:::${";
const FUNCTION: &str = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Prefix}-";

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
    format!("arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:{kind}:${{Prefix}}-{workflow}")
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
            (json!({ "Fn::Sub": format!("{TABLE}OrdersTable}}/index/stuck") }), "OrdersTable/index/stuck"),
            (json!({ "Fn::Sub": format!("{BUCKET}DocumentsBucket}}/*") }), "DocumentsBucket/*"),
            (json!({ "Fn::Sub": format!("{FUNCTION}confirm-price:live") }), "ConfirmPrice:live"),
            (json!("*"), "*"),
        ] {
            assert_eq!(resource_name(&written), name);
        }
    }
}
