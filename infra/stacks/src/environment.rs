//! `infra/stacks/environment.yaml`: environment variables, conditions and optional inputs that several stacks share.

use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The file's name, without its ending.
pub const NAME: &str = "environment";

/// What several stacks share.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The variables of every function.
    pub all: BTreeMap<String, Value>,
    /// Variables that go together.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Variables by name.
    pub variables: BTreeMap<String, Value>,
    /// Conditions by name.
    pub conditions: BTreeMap<String, Value>,
    /// Inputs that may be absent.
    pub optional: BTreeSet<String>,
}

impl Environment {
    /// The variables that a name stands for: those of a group, or one.
    pub fn expand<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        match self.groups.get(name) {
            Some(group) => group.iter().map(String::as_str).collect(),
            None => vec![name],
        }
    }
}

/// The environment variable that a resource is given as: `OrdersTable` as `ORDERS_TABLE`, `OrdersQueue` as `ORDERS_QUEUE_URL`.
pub fn variable(resource: &str, is_queue: bool) -> String {
    let mut name = String::new();
    for letter in resource.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    if is_queue { name + "_URL" } else { name }
}
