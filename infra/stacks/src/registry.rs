//! What all stacks have, and how one names what another one has.

use crate::description::{Description, Function};
use crate::environment::{self, Environment};
use crate::{DESCRIPTIONS, StackError, expression, read, yaml, yaml_files};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every description.
#[derive(Debug)]
pub struct Registry {
    /// Descriptions by stack.
    pub stacks: BTreeMap<String, Description>,
    /// What they share.
    pub environment: Environment,
    /// State machines by name.
    pub machines: BTreeMap<String, MachineFacts>,
    /// The sections `Resources` as they are written.
    pub verbatim: BTreeMap<String, String>,
}

/// What the compiled file of a state machine says, and where the machine is.
#[derive(Debug)]
pub struct MachineFacts {
    /// Whether there is a second machine over the aliases `canary`.
    pub canary: bool,
    /// The functions that it calls.
    pub functions: BTreeSet<String>,
    /// Whether it waits for answers.
    pub waits: bool,
}

/// A resource that functions use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A DynamoDB table, known by its name.
    Table,
    /// An SQS queue, known by its URL and its ARN.
    Queue,
    /// A secret, known by its ARN.
    Secret,
    /// A KMS key, known by its ARN.
    Key,
    /// An S3 bucket, known by its name.
    Bucket,
    /// An SNS topic, known by its ARN.
    Topic,
}

impl Kind {
    /// What an output of this kind is.
    fn purpose(self) -> &'static str {
        match self {
            Self::Table => "Name of a table.",
            Self::Queue => "URL of a queue.",
            Self::Secret => "ARN of a secret.",
            Self::Key => "ARN of a key.",
            Self::Bucket => "Name of a bucket.",
            Self::Topic => "ARN of a topic.",
        }
    }

    /// The service in actions.
    pub fn service(self) -> &'static str {
        match self {
            Self::Table => "dynamodb",
            Self::Queue => "sqs",
            Self::Secret => "secretsmanager",
            Self::Key => "kms",
            Self::Bucket => "s3",
            Self::Topic => "sns",
        }
    }
}

/// An output of a stack.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name, which is also the name of the parameter that takes it.
    pub name: String,
    /// What it is.
    pub purpose: String,
    /// Its value, as an expression.
    pub value: String,
    /// The condition under which it is there.
    pub when: Option<String>,
}

impl Registry {
    /// Reads every description.
    pub fn load(root: &Path) -> Result<Self, StackError> {
        let mut stacks = BTreeMap::new();
        let mut verbatim = BTreeMap::new();
        for name in yaml_files(root, DESCRIPTIONS)?.into_iter().filter(|name| name != environment::NAME) {
            let (description, text) = parse::<Description>(root, &name)?;
            verbatim.insert(name.clone(), section(&text, "Resources"));
            stacks.insert(name, description);
        }
        let (environment, _) = parse(root, environment::NAME)?;
        let mut machines = BTreeMap::new();
        for (name, machine) in stacks.values().flat_map(|stack| &stack.machines) {
            let text = read(root, &format!("statemachines/{name}.asl.json"))?;
            let facts = MachineFacts {
                canary: machine.canary,
                functions: functions_called(&text),
                waits: text.contains(".waitForTaskToken"),
            };
            machines.insert(name.clone(), facts);
        }
        Ok(Self { stacks, environment, machines, verbatim })
    }

    /// A function by name, with its stack.
    pub fn function(&self, name: &str) -> Option<(&str, &Function)> {
        self.stacks.iter().find_map(|(stack, description)| Some((stack.as_str(), description.functions.get(name)?)))
    }

    /// Every function by name.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Function)> {
        self.stacks.values().flat_map(|stack| &stack.functions).map(|(name, function)| (name.as_str(), function))
    }

    /// The stack and kind of a resource that functions use.
    pub fn resource(&self, id: &str) -> Option<(&str, Kind)> {
        self.stacks.iter().find_map(|(stack, description)| Some((stack.as_str(), kind(description, id)?)))
    }

    /// The names of the state machines that a pattern means, with the second ones.
    pub fn machine_names(&self, pattern: &str, waiting_only: bool) -> Vec<String> {
        let matches = |name: &str| pattern.strip_suffix('*').map_or(name == pattern, |prefix| name.starts_with(prefix));
        let found = self.machines.iter().filter(|(name, facts)| matches(name) && (facts.waits || !waiting_only));
        found
            .flat_map(|(name, facts)| {
                let canary = facts.canary.then(|| format!("{name}-{CANARY}"));
                std::iter::once(name.clone()).chain(canary)
            })
            .collect()
    }

    /// The outputs of a stack.
    pub fn outputs(&self, stack: &str) -> Vec<Output> {
        let Some(description) = self.stacks.get(stack) else { return Vec::new() };
        let mut outputs = Vec::new();
        let mut add = |name: &str, purpose: &str, value: String, when: Option<String>| {
            outputs.push(Output { name: name.to_owned(), purpose: purpose.to_owned(), value, when });
        };
        for (name, setting) in &description.settings {
            let when = setting.is_optional().then(|| given(name));
            add(name, &setting.purpose, expression::reference(name), when);
        }
        for (id, api) in &description.apis {
            for (name, path) in &api.urls {
                let purpose = if path.is_empty() { format!("URL of {id}.") } else { format!("URL of {id}, below {path}.") };
                add(name, &purpose, api_url(id, path), None);
            }
        }
        for (id, table) in &description.tables {
            add(id, &table.purpose, expression::reference(id), table.when.clone());
            if table.stream.is_some() {
                add(&format!("{id}Stream"), &format!("Stream of {id}."), format!("!GetAtt {id}.StreamArn"), table.when.clone());
            }
        }
        for (id, queue) in &description.queues {
            add(&format!("{id}Url"), &queue.purpose, expression::reference(id), queue.when.clone());
            add(&format!("{id}Arn"), &format!("ARN of {id}."), format!("!GetAtt {id}.Arn"), queue.when.clone());
        }
        for (id, secret) in &description.secrets {
            add(id, &secret.purpose, expression::reference(id), secret.when.clone());
        }
        for id in description.resources.keys() {
            match kind(description, id) {
                Some(kind @ Kind::Key) => add(id, kind.purpose(), format!("!GetAtt {id}.Arn"), None),
                Some(kind) => add(id, kind.purpose(), expression::reference(id), None),
                None => {}
            }
        }
        for scaled in description.functions.values().filter(|function| !function.scales.is_empty()) {
            add(
                "ScaledFunctions",
                "The functions whose capacity the scaler sets.",
                expression::scalar(&scaled.scales.join(",")),
                None,
            );
        }
        for (name, value) in &description.outputs {
            add(name, &format!("{name}."), expression::inline(value), None);
        }
        outputs.sort_by(|one, other| one.name.cmp(&other.name));
        outputs
    }
}

/// The alias of the second release track, and what its state machines' names end with.
pub const CANARY: &str = "canary";

/// The condition that says whether an optional setting was given.
pub fn given(setting: &str) -> String {
    format!("Given{setting}")
}

fn api_url(id: &str, path: &str) -> String {
    let local = expression::sub(&format!("${{LocalEndpoint}}/restapis/${{{id}}}/live/_user_request_{path}"));
    let aws = expression::sub(&format!("https://${{{id}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/live{path}"));
    expression::if_else("IsLocal", &local, &aws)
}

fn kind(description: &Description, id: &str) -> Option<Kind> {
    if description.tables.contains_key(id) {
        return Some(Kind::Table);
    }
    if description.queues.contains_key(id) {
        return Some(Kind::Queue);
    }
    if description.secrets.contains_key(id) {
        return Some(Kind::Secret);
    }
    match description.resources.get(id)?["Type"].as_str()? {
        "AWS::KMS::Key" => Some(Kind::Key),
        "AWS::S3::Bucket" => Some(Kind::Bucket),
        "AWS::SNS::Topic" => Some(Kind::Topic),
        _ => None,
    }
}

fn parse<T: DeserializeOwned>(root: &Path, name: &str) -> Result<(T, String), StackError> {
    let file = format!("{DESCRIPTIONS}/{name}.yaml");
    let text = read(root, &file)?;
    let malformed = |problem: String| StackError::Malformed { file: file.clone(), problem };
    let value: Value = yaml::parse(&text).map_err(malformed)?;
    let parsed = serde_json::from_value(value).map_err(|error| malformed(error.to_string()))?;
    Ok((parsed, text))
}

/// The lines below a key of the first level.
fn section(text: &str, key: &str) -> String {
    let heading = format!("{key}:");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let own: Vec<&str> = lines.take_while(|line| line.is_empty() || line.starts_with(' ')).collect();
    own.join("\n").trim_end().to_owned()
}

/// The functions in resources such as `${FunctionPrefix}-create-delivery:${Alias}`.
fn functions_called(machine: &str) -> BTreeSet<String> {
    let parts = machine.split("${FunctionPrefix}-").skip(1);
    parts.filter_map(|part| part.split_once(":${Alias}")).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_calls_functions_by_convention() {
        let machine = r#"{ "Resource": "${FunctionPrefix}-b:${Alias}" }, { "FunctionName": "${FunctionPrefix}-a:${Alias}" }"#;
        assert_eq!(functions_called(machine).into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_section_ends_at_the_next_key_of_the_first_level() {
        let text = "purpose: x\nResources:\n  # why\n  A:\n    Type: T\n\n  B: {}\nOutputs:\n  C: {}\n";
        assert_eq!(section(text, "Resources"), "  # why\n  A:\n    Type: T\n\n  B: {}");
        assert_eq!(section(text, "Conditions"), "");
    }
}
