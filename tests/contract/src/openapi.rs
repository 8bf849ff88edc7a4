//! `docs/openapi.yaml`.

use crate::files;
use crate::template::Route;
use carryout_stacks::yaml;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The file's path.
pub const PATH: &str = "docs/openapi.yaml";

const METHODS: &[&str] = &["get", "put", "post", "delete", "patch"];

/// The document.
pub struct OpenApi(pub Value);

impl OpenApi {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Where it is no YAML.
    pub fn load() -> Result<Self, String> {
        yaml::parse(&files::read(PATH)).map(Self).map_err(|error| format!("{PATH}: {error}"))
    }

    /// Every operation.
    pub fn operations(&self) -> BTreeMap<Route, &Value> {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        paths
            .flat_map(|(path, item)| {
                let operations = item.as_object().into_iter().flatten();
                operations.filter(|(method, _)| METHODS.contains(&method.as_str())).map(move |(method, operation)| {
                    (Route { method: method.to_ascii_uppercase(), path: path.clone() }, operation)
                })
            })
            .collect()
    }

    /// What `value` is or refers to.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"].as_str().and_then(|reference| self.0.pointer(reference.strip_prefix('#')?));
        target.map_or(value, |target| self.resolve(target))
    }

    /// The responses of an operation by status.
    pub fn responses<'a>(&'a self, operation: &'a Value) -> Vec<(u64, &'a Value)> {
        let responses = operation["responses"].as_object().into_iter().flatten();
        responses.map(|(status, response)| (status.parse().unwrap_or_default(), self.resolve(response))).collect()
    }

    /// The problems of an operation: status and code.
    pub fn problems(&self, operation: &Value) -> BTreeSet<(u64, String)> {
        let mut found = BTreeSet::new();
        for (status, response) in self.responses(operation) {
            let schema = &response["content"]["application/problem+json"]["schema"];
            found.extend(self.enumerated(schema, "code").into_iter().map(|code| (status, code)));
        }
        found
    }

    /// A schema of the components.
    pub fn schema(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    /// The values that a member of a schema may have, by every `enum` and `const` on the way to it.
    pub fn enumerated(&self, schema: &Value, member: &str) -> BTreeSet<String> {
        let schema = self.resolve(schema);
        let mut found = values(self.resolve(&schema["properties"][member]));
        for part in ["allOf", "anyOf", "oneOf"] {
            for part in schema[part].as_array().into_iter().flatten() {
                found.extend(self.enumerated(part, member));
            }
        }
        found
    }

    /// The members of a schema, those of its parts included: name, and whether it is required.
    pub fn members(&self, schema: &Value) -> BTreeMap<String, bool> {
        let schema = self.resolve(schema);
        let required: BTreeSet<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut found: BTreeMap<String, bool> =
            properties.map(|(name, _)| (name.clone(), required.contains(name.as_str()))).collect();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            found.extend(self.members(part));
        }
        found
    }
}

/// The values that a schema enumerates.
pub fn values(schema: &Value) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    found.extend(schema["const"].as_str().map(str::to_owned));
    for part in schema["anyOf"].as_array().into_iter().flatten() {
        found.extend(values(part));
    }
    found
}
