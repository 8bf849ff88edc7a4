use crate::{
    coercion::truth,
    condition::{Clause, Clauses, Comparison, Operator, Test},
    pattern,
    version::padded,
};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::{Map, Value};
use std::fmt;

/// How deep a condition may be nested.
const MAX_DEPTH: usize = 64;

/// What is wrong with a part of a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no such operator, or not here: `$or`, `$and` and `$nor` stand beside attributes, not below one.
    #[error("there is no operator {0} here")]
    UnknownOperator(String),
    /// An operator's argument, or the condition, has the wrong shape.
    #[error("{of} takes {wanted}")]
    WrongShape {
        /// The operator, or `a condition`.
        of: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// An object has operators and other members, and so is compared as a whole.
    #[error("operators and other members are mixed: write one or the other")]
    Mixed,
    /// A pattern can't be used.
    #[error("the pattern can't be used: {0}")]
    Pattern(String),
    /// It is nested too deep.
    #[error("the condition is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer (RFC 6901) into the condition.
    pub pointer: String,
    /// What is wrong there.
    pub fault: Fault,
}

/// `/name/$regx: there is no operator $regx here`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.pointer.is_empty() { "/" } else { &self.pointer }, self.fault)
    }
}

/// `{"pointer": "/name/$regx", "problem": "there is no operator $regx here"}`.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_struct("Problem", 2)?;
        written.serialize_field("pointer", &self.pointer)?;
        written.serialize_field("problem", &self.fault.to_string())?;
        written.end()
    }
}

/// Everything that is wrong with a condition; at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&problems.join("; "))
    }
}

impl std::error::Error for Problems {}

pub(crate) fn parse(source: &Value) -> (Clauses, Vec<Problem>) {
    let mut parser = Parser { pointer: String::new(), depth: 0, problems: Vec::new() };
    let clauses = parser.condition(source);
    (clauses, parser.problems)
}

struct Parser {
    pointer: String,
    depth: usize,
    problems: Vec<Problem>,
}

impl Parser {
    /// A whole condition, or a part of one beside attributes.
    fn condition(&mut self, source: &Value) -> Clauses {
        let Value::Object(members) = source else {
            self.wrong_shape("a condition", "an object");
            return vec![Clause::Never];
        };
        members.iter().map(|(key, value)| self.within(key, |parser| parser.clause(key, value))).collect()
    }

    fn clause(&mut self, key: &str, value: &Value) -> Clause {
        if self.depth > MAX_DEPTH {
            self.problem(Fault::TooDeep);
            return Clause::Never;
        }
        match key {
            "$and" => self.parts(key, value).map_or(Clause::Never, Clause::And),
            "$or" => self.parts(key, value).map_or(Clause::Never, Clause::Or),
            "$nor" => self.parts(key, value).map_or(Clause::Never, Clause::Nor),
            "$not" if value.is_object() => Clause::Not(self.condition(value)),
            "$not" => {
                self.wrong_shape(key, "a condition");
                Clause::Never
            }
            _ => {
                // `$groups` is an attribute by which GrowthBook once told a consumer's groups.
                if key.starts_with('$') && key != "$groups" {
                    self.problem(Fault::UnknownOperator(key.to_owned()));
                }
                Clause::Attribute { path: key.to_owned(), test: self.test(value) }
            }
        }
    }

    fn parts(&mut self, operator: &str, value: &Value) -> Option<Vec<Clauses>> {
        let Value::Array(parts) = value else {
            self.wrong_shape(operator, "a list of conditions");
            return None;
        };
        Some(
            parts
                .iter()
                .enumerate()
                .map(|(index, part)| self.within(&index.to_string(), |parser| parser.condition(part)))
                .collect(),
        )
    }

    fn test(&mut self, value: &Value) -> Test {
        match value {
            Value::Null => Test::Null,
            Value::Bool(flag) => Test::Truth(*flag),
            Value::Number(number) => Test::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Test::Text(text.clone()),
            Value::Object(members) if is_operators(members) => Test::Operators(
                members.iter().map(|(name, argument)| self.within(name, |parser| parser.operator(name, argument))).collect(),
            ),
            Value::Object(members) => {
                if members.keys().any(|key| key.starts_with('$')) {
                    self.problem(Fault::Mixed);
                }
                Test::Alike(value.clone())
            }
            Value::Array(_) => Test::Alike(value.clone()),
        }
    }

    fn operator(&mut self, name: &str, argument: &Value) -> Operator {
        if self.depth > MAX_DEPTH {
            self.problem(Fault::TooDeep);
            return Operator::Never;
        }
        match name {
            "$eq" | "$ne" => {
                if argument.is_array() || argument.is_object() {
                    self.wrong_shape(name, "a text, a number, true, false or null");
                }
                if name == "$eq" { Operator::Equal(argument.clone()) } else { Operator::Different(argument.clone()) }
            }
            "$lt" => self.order(name, Comparison::Less, argument),
            "$lte" => self.order(name, Comparison::LessOrEqual, argument),
            "$gt" => self.order(name, Comparison::Greater, argument),
            "$gte" => self.order(name, Comparison::GreaterOrEqual, argument),
            "$veq" => self.version(name, Comparison::Equal, argument),
            "$vne" => self.version(name, Comparison::Different, argument),
            "$vlt" => self.version(name, Comparison::Less, argument),
            "$vlte" => self.version(name, Comparison::LessOrEqual, argument),
            "$vgt" => self.version(name, Comparison::Greater, argument),
            "$vgte" => self.version(name, Comparison::GreaterOrEqual, argument),
            "$exists" => {
                if !argument.is_boolean() {
                    self.wrong_shape(name, "true or false");
                }
                Operator::Exists(truth(argument))
            }
            "$in" => self.list(name, argument, |values| Operator::In { values, insensitive: false }),
            "$ini" => self.list(name, argument, |values| Operator::In { values, insensitive: true }),
            "$nin" => self.list(name, argument, |values| opposite(Operator::In { values, insensitive: false })),
            "$nini" => self.list(name, argument, |values| opposite(Operator::In { values, insensitive: true })),
            "$inGroup" => self.text(name, argument).map_or(Operator::Never, Operator::InGroup),
            "$notInGroup" => self.text(name, argument).map_or(Operator::Never, |group| opposite(Operator::InGroup(group))),
            "$not" => Operator::Not(Box::new(self.test(argument))),
            "$size" => Operator::Size(Box::new(self.test(argument))),
            "$elemMatch" => match argument {
                Value::Object(members) if is_operators(members) => Operator::Element(Box::new(self.test(argument))),
                Value::Object(_) => Operator::ElementFields(self.condition(argument)),
                _ => self.never(name, "operators or a condition"),
            },
            "$all" => self.all(name, argument, false),
            "$alli" => self.all(name, argument, true),
            "$regex" => self.pattern(name, argument, false),
            "$regexi" => self.pattern(name, argument, true),
            "$type" => match argument.as_str() {
                Some(kind @ ("string" | "number" | "boolean" | "array" | "object" | "null")) => Operator::Type(kind.to_owned()),
                _ => self.never(name, "string, number, boolean, array, object or null"),
            },
            _ => {
                self.problem(Fault::UnknownOperator(name.to_owned()));
                Operator::Never
            }
        }
    }

    fn order(&mut self, name: &str, comparison: Comparison, argument: &Value) -> Operator {
        if !argument.is_string() && !argument.is_number() {
            self.wrong_shape(name, "a text or a number");
        }
        Operator::Order { comparison, with: argument.clone() }
    }

    fn version(&mut self, name: &str, comparison: Comparison, argument: &Value) -> Operator {
        if !argument.is_string() && !argument.is_number() {
            self.wrong_shape(name, "a version, such as 1.2.3");
        }
        Operator::Version { comparison, with: padded(argument) }
    }

    fn list(&mut self, name: &str, argument: &Value, operator: impl Fn(Vec<Value>) -> Operator) -> Operator {
        match argument {
            Value::Array(values) => operator(values.clone()),
            _ => self.never(name, "a list"),
        }
    }

    fn all(&mut self, name: &str, argument: &Value, insensitive: bool) -> Operator {
        let Value::Array(values) = argument else { return self.never(name, "a list") };
        let tests = values.iter().enumerate().map(|(index, value)| self.within(&index.to_string(), |parser| parser.test(value)));
        Operator::All { tests: tests.collect(), insensitive }
    }

    fn pattern(&mut self, name: &str, argument: &Value, insensitive: bool) -> Operator {
        let Some(pattern) = self.text(name, argument) else { return Operator::Never };
        match pattern::compile(&pattern, insensitive) {
            Ok(pattern) => Operator::Pattern(pattern),
            Err(reason) => {
                self.problem(Fault::Pattern(reason));
                Operator::Never
            }
        }
    }

    fn text(&mut self, name: &str, argument: &Value) -> Option<String> {
        if let Value::String(text) = argument {
            return Some(text.clone());
        }
        self.wrong_shape(name, "a text");
        None
    }

    fn never(&mut self, name: &str, wanted: &'static str) -> Operator {
        self.wrong_shape(name, wanted);
        Operator::Never
    }

    fn wrong_shape(&mut self, of: &str, wanted: &'static str) {
        self.problem(Fault::WrongShape { of: of.to_owned(), wanted });
    }

    fn problem(&mut self, fault: Fault) {
        self.problems.push(Problem { pointer: self.pointer.clone(), fault });
    }

    /// Does `parse` one level deeper, at `key`.
    fn within<T>(&mut self, key: &str, parse: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        self.pointer.truncate(length);
        parsed
    }
}

fn opposite(operator: Operator) -> Operator {
    Operator::Opposite(Box::new(operator))
}

/// Whether an object has members, and only operators.
fn is_operators(members: &Map<String, Value>) -> bool {
    !members.is_empty() && members.keys().all(|key| key.starts_with('$'))
}
