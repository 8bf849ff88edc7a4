//! `infra/stacks/<stack>.yaml`: what a stack has, in as few words as it takes.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A stack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What the stack is for.
    pub purpose: String,
    /// Settings and outputs with which it is deployed: one of them must be given and not `false`. Without any, always.
    #[serde(default)]
    pub deployed_with: Vec<String>,
    /// Parameters that the deployer sets.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// REST APIs by logical id.
    #[serde(default)]
    pub apis: BTreeMap<String, Api>,
    /// DynamoDB tables by logical id.
    #[serde(default)]
    pub tables: BTreeMap<String, Table>,
    /// SQS queues by logical id.
    #[serde(default)]
    pub queues: BTreeMap<String, Queue>,
    /// Generated secrets by logical id.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// Lambda functions by the name of their folder in `functions/`.
    #[serde(default)]
    pub functions: BTreeMap<String, Function>,
    /// Step Functions state machines by the name of their file in `statemachines/`.
    #[serde(default)]
    pub machines: BTreeMap<String, Machine>,
    /// Outputs besides those of tables, queues, secrets, keys, buckets, topics and APIs.
    #[serde(default)]
    pub outputs: BTreeMap<String, Value>,
    /// Resources of any other kind, as CloudFormation writes them.
    #[serde(default, rename = "Resources")]
    pub resources: BTreeMap<String, Value>,
}

/// A parameter that the deployer sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What it means.
    pub purpose: String,
    /// Its value unless one is given. An empty one means that the setting may be absent.
    pub default: Option<Value>,
    /// The values that are allowed.
    #[serde(default)]
    pub values: Vec<Value>,
    /// A regular expression that it must match.
    pub pattern: Option<String>,
    /// The smallest number that is allowed.
    pub minimum: Option<u64>,
}

impl Setting {
    /// Whether it may be absent.
    pub fn is_optional(&self) -> bool {
        self.default.as_ref().is_some_and(|default| default == "")
    }

    /// Its CloudFormation type.
    pub fn kind(&self) -> &'static str {
        if self.default.as_ref().is_some_and(Value::is_number) { "Number" } else { "String" }
    }
}

/// A REST API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Why it is there.
    pub purpose: String,
    /// What its name ends with; nothing for the main one.
    pub name: Option<String>,
    /// The requests that it admits.
    pub throttle: Option<Throttle>,
    /// Outputs: its URL with a path behind it.
    pub urls: BTreeMap<String, String>,
}

/// The requests that an API admits, for each route.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// At once.
    pub burst: u32,
    /// A second.
    pub rate: u32,
}

/// A DynamoDB table. Keys are `pk` or `pk, sk`; ` N` behind one makes it a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What it holds.
    pub purpose: String,
    /// Its key.
    pub key: String,
    /// Indexes with whole items.
    #[serde(default)]
    pub indexes: BTreeMap<String, Vec<String>>,
    /// Indexes with keys only.
    #[serde(default)]
    pub sparse: BTreeMap<String, Vec<String>>,
    /// The view type of its stream.
    pub stream: Option<String>,
    /// The attribute with the time, in seconds since the epoch, at which an item expires.
    pub expires: Option<String>,
    /// Whether it survives the deletion of its stack, and can be restored to any second of the last 35 days.
    #[serde(default)]
    pub kept: bool,
    /// The condition under which it is there.
    pub when: Option<String>,
}

/// An SQS queue. With a consumer it has a dead-letter queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// What is in it.
    pub purpose: String,
    /// Whether messages of a group keep their order.
    #[serde(default)]
    pub fifo: bool,
    /// How often a message is received before it is moved to the dead letters.
    pub receives: Option<u32>,
    /// The alarm that goes off when there are dead letters.
    pub dead_letters: Option<String>,
    /// The alarm that goes off when messages wait for too long.
    pub age: Option<AgeAlarm>,
    /// The alarm that goes off when there are messages.
    pub alarm: Option<MessageAlarm>,
    /// The condition under which it is there.
    pub when: Option<String>,
}

/// Messages wait for too long.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeAlarm {
    /// What it means and what to do.
    pub text: String,
    /// Seconds.
    pub above: u64,
    /// Minutes in a row.
    #[serde(default = "one")]
    pub periods: u64,
}

/// There are messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageAlarm {
    /// Its name, without `Alarm`.
    pub name: String,
    /// What it means and what to do.
    pub text: String,
}

/// A generated secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// What it is for.
    pub purpose: String,
    /// Characters.
    pub length: u32,
    /// The condition under which it is there.
    pub when: Option<String>,
}

/// A Lambda function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// MB, unless the default will do.
    pub memory: Option<u32>,
    /// Seconds, unless the default will do.
    pub timeout: Option<u32>,
    /// The condition under which it is there.
    pub when: Option<String>,
    /// `METHOD /path` on the main API, or `ApiId METHOD /path` on another one.
    #[serde(default)]
    pub routes: Vec<String>,
    /// The condition under which the main API has its routes.
    pub routes_when: Option<String>,
    /// The queue that it consumes.
    pub queue: Option<String>,
    /// The table whose stream it reads.
    pub stream: Option<String>,
    /// The rate at which it runs, such as `5 minutes`.
    pub every: Option<String>,
    /// What it may do on which resource; `Table.index` is an index. Each resource is also an environment variable.
    #[serde(default)]
    pub uses: BTreeMap<String, Use>,
    /// What it may do on which state machines, by action. A name may end with `*`. Answers to tasks are allowed only on machines that
    /// wait for one.
    #[serde(default)]
    pub states: BTreeMap<String, Vec<String>>,
    /// The functions whose capacity it sets.
    #[serde(default)]
    pub scales: Vec<String>,
    /// Variables and groups of `environment.yaml`.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Variables of its own.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// Alarms by name, without `Alarm`.
    #[serde(default)]
    pub alarms: BTreeMap<String, Alarm>,
}

/// The timeout of functions that have none of their own, in seconds. A partner is given 3 s at most and a task of a state machine
/// 15 s: client < function < task.
pub const TIMEOUT: u32 = 10;

impl Function {
    /// Seconds.
    pub fn timeout(&self) -> u32 {
        self.timeout.unwrap_or(TIMEOUT)
    }
}

/// What a function may do on a resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Use {
    /// Actions without their service.
    Always(Vec<String>),
    /// The same, under a condition.
    When {
        /// Actions without their service.
        allow: Vec<String>,
        /// The condition.
        when: String,
    },
}

impl Use {
    /// Actions without their service.
    pub fn actions(&self) -> &[String] {
        match self {
            Self::Always(actions) | Self::When { allow: actions, .. } => actions,
        }
    }

    /// The condition.
    pub fn when(&self) -> Option<&str> {
        match self {
            Self::Always(_) => None,
            Self::When { when, .. } => Some(when),
        }
    }
}

/// An alarm on a metric of a function: of Lambda itself where that has one of this name, else of its log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// What it means and what to do.
    pub text: String,
    /// The metric that is summed up.
    pub sum: Option<String>,
    /// The metric whose maximum counts.
    pub maximum: Option<String>,
    /// It goes off above this.
    #[serde(default)]
    pub above: u64,
    /// It goes off below this, and where there is no value.
    pub below: Option<u64>,
    /// Seconds.
    #[serde(default = "minute")]
    pub period: u64,
    /// Periods in a row.
    #[serde(default = "one")]
    pub periods: u64,
    /// The condition under which it is there.
    pub when: Option<String>,
}

/// A Step Functions state machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// What it works on, for its alarm: an order, a refund.
    pub subject: Option<String>,
    /// The text of its alarm, instead.
    pub failed: Option<String>,
    /// Whether there is a second one, over the aliases `canary`.
    #[serde(default)]
    pub canary: bool,
}

fn one() -> u64 {
    1
}

fn minute() -> u64 {
    60
}
