use crate::{
    Problem, Problems,
    coercion::{alike, identical, number, order, text, text_order, truth},
    parse,
    version::padded,
};
use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// The saved groups by id: lists of values that many conditions refer to.
pub type Groups = BTreeMap<String, Vec<Value>>;

/// A condition over attributes, parsed.
///
/// It differs from GrowthBook's JavaScript SDK in this: [`Condition::parse`] refuses what that SDK takes for false
/// ([`Condition::parse_leniently`] does as it does); patterns know no look-around and no back-references, so that none can
/// take exponential time; objects are equal whatever the order of their members; and a path reaches an object's own
/// members and a list's elements only.
#[derive(Debug, Clone)]
pub struct Condition {
    source: Value,
    clauses: Clauses,
}

/// What must hold all together.
pub(crate) type Clauses = Vec<Clause>;

/// One member of a condition.
#[derive(Debug, Clone)]
pub(crate) enum Clause {
    And(Vec<Clauses>),
    Or(Vec<Clauses>),
    Nor(Vec<Clauses>),
    Not(Clauses),
    Attribute { path: String, test: Test },
    Never,
}

/// What an attribute is asked.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Text(String),
    Number(f64),
    Truth(bool),
    Null,
    Alike(Value),
    Operators(Vec<Operator>),
}

/// What an operator asks.
#[derive(Debug, Clone)]
pub(crate) enum Operator {
    Equal(Value),
    Different(Value),
    Order {
        comparison: Comparison,
        with: Value,
    },
    Version {
        comparison: Comparison,
        with: String,
    },
    Exists(bool),
    In {
        values: Vec<Value>,
        insensitive: bool,
    },
    InGroup(String),
    Not(Box<Test>),
    /// The opposite of an operator that is written as one word, such as `$nin`.
    Opposite(Box<Self>),
    Size(Box<Test>),
    Element(Box<Test>),
    ElementFields(Clauses),
    All {
        tests: Vec<Test>,
        insensitive: bool,
    },
    Pattern(Regex),
    Type(String),
    Never,
}

/// How two values must compare.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    ///
    /// Every mistake in it, each with a JSON pointer: operators that don't exist, arguments of the wrong shape, patterns that
    /// can't be used, nesting of more than 64 levels.
    pub fn parse(source: &Value) -> Result<Self, Problems> {
        let (condition, problems) = Self::parse_leniently(source);
        if problems.is_empty() { Ok(condition) } else { Err(Problems(problems)) }
    }

    /// Parses a condition as GrowthBook's SDKs do: a part that is wrong counts as false. Also gives what is wrong.
    pub fn parse_leniently(source: &Value) -> (Self, Vec<Problem>) {
        let (clauses, problems) = parse::parse(source);
        (Self { source: source.clone(), clauses }, problems)
    }

    /// Whether the condition holds for `attributes`, an object. An attribute that is missing is `null`, and a group that is
    /// missing is empty.
    pub fn holds(&self, attributes: &Value, groups: &Groups) -> bool {
        all_hold(&self.clauses, attributes, groups)
    }

    /// The condition as it was written.
    pub const fn source(&self) -> &Value {
        &self.source
    }

    /// The paths of the attributes that the condition reads: `consumer.orders`.
    pub fn attributes_used(&self) -> BTreeSet<&str> {
        let mut used = BTreeSet::new();
        collect(&self.clauses, &mut used);
        used
    }
}

/// Equal where they are written alike.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Condition {}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn all_hold(clauses: &[Clause], attributes: &Value, groups: &Groups) -> bool {
    clauses.iter().all(|clause| clause.holds(attributes, groups))
}

fn collect<'a>(clauses: &'a [Clause], used: &mut BTreeSet<&'a str>) {
    for clause in clauses {
        match clause {
            Clause::And(parts) | Clause::Or(parts) | Clause::Nor(parts) => parts.iter().for_each(|part| collect(part, used)),
            Clause::Not(part) => collect(part, used),
            Clause::Attribute { path, .. } => {
                used.insert(path);
            }
            Clause::Never => {}
        }
    }
}

impl Clause {
    fn holds(&self, attributes: &Value, groups: &Groups) -> bool {
        // No alternatives at all count as one that holds.
        let any = |parts: &[Clauses]| parts.is_empty() || parts.iter().any(|part| all_hold(part, attributes, groups));
        match self {
            Self::And(parts) => parts.iter().all(|part| all_hold(part, attributes, groups)),
            Self::Or(parts) => any(parts),
            Self::Nor(parts) => !any(parts),
            Self::Not(part) => !all_hold(part, attributes, groups),
            Self::Attribute { path, test } => test.passes(at(attributes, path), groups, false),
            Self::Never => false,
        }
    }
}

impl Test {
    fn passes(&self, value: &Value, groups: &Groups, insensitive: bool) -> bool {
        match self {
            Self::Text(wanted) if insensitive => text(value).to_lowercase() == wanted.to_lowercase(),
            Self::Text(wanted) => text(value) == wanted.as_str(),
            Self::Number(wanted) => number(value) == *wanted,
            Self::Truth(wanted) => !value.is_null() && truth(value) == *wanted,
            Self::Null => value.is_null(),
            Self::Alike(wanted) => alike(value, wanted),
            Self::Operators(operators) => operators.iter().all(|operator| operator.passes(value, groups)),
        }
    }
}

impl Operator {
    fn passes(&self, value: &Value, groups: &Groups) -> bool {
        match self {
            Self::Equal(wanted) => identical(value, wanted),
            Self::Different(unwanted) => !identical(value, unwanted),
            Self::Order { comparison, with } => order(value, with).is_some_and(|order| comparison.accepts(order)),
            Self::Version { comparison, with } => comparison.accepts(text_order(&padded(value), with)),
            Self::Exists(wanted) => value.is_null() != *wanted,
            Self::In { values, insensitive } => is_in(value, values, *insensitive),
            Self::InGroup(group) => groups.get(group).is_some_and(|values| is_in(value, values, false)),
            Self::Not(test) => !test.passes(value, groups, false),
            Self::Opposite(operator) => !operator.passes(value, groups),
            Self::Size(test) => value.as_array().is_some_and(|elements| test.passes(&elements.len().into(), groups, false)),
            Self::Element(test) => some_element(value, |element| test.passes(element, groups, false)),
            Self::ElementFields(clauses) => some_element(value, |element| all_hold(clauses, element, groups)),
            Self::All { tests, insensitive } => value.as_array().is_some_and(|elements| {
                tests.iter().all(|test| elements.iter().any(|element| test.passes(element, groups, *insensitive)))
            }),
            Self::Pattern(pattern) => pattern.is_match(&text(value)),
            Self::Type(wanted) => type_of(value) == wanted,
            Self::Never => false,
        }
    }
}

impl Comparison {
    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Different => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Whether a value, or an element of a list, is among `values`.
fn is_in(value: &Value, values: &[Value], insensitive: bool) -> bool {
    let same = |a: &Value, b: &Value| match (a, b) {
        (Value::String(a), Value::String(b)) if insensitive => a.to_lowercase() == b.to_lowercase(),
        _ => identical(a, b),
    };
    let contained = |value: &Value| values.iter().any(|other| same(value, other));
    value.as_array().map_or_else(|| contained(value), |elements| elements.iter().any(contained))
}

/// Whether some element passes. Elements that count as false in JavaScript are not asked.
fn some_element(value: &Value, passes: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|elements| elements.iter().any(|element| truth(element) && passes(element)))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The value at a dotted path; `null` where there is none.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(value, |value, key| member(value, key)).unwrap_or(&Value::Null)
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(key),
        Value::Array(elements) => {
            let is_index = key.bytes().all(|byte| byte.is_ascii_digit()) && (key == "0" || !key.starts_with('0'));
            if is_index { elements.get(key.parse::<usize>().ok()?) } else { None }
        }
        _ => None,
    }
}
