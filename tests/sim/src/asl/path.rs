//! Reference paths and payload templates.

use super::machine::NotUnderstood;
use serde_json::{Map, Value};

/// `$`, `$.failure`, `$.branches[0].failure`; with two dollar signs, a path into the context object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    context: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Member(String),
    Index(usize),
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, NotUnderstood> {
        let wrong = || NotUnderstood(format!("{text:?} is no path"));
        let (context, rest) = match text.strip_prefix("$$") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('$').ok_or_else(wrong)?),
        };
        let mut segments = Vec::new();
        let mut members = rest.split('.');
        if members.next() != Some("") {
            return Err(wrong());
        }
        for member in members {
            let (name, mut indexes) = member.split_at(member.find('[').unwrap_or(member.len()));
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
                return Err(wrong());
            }
            segments.push(Segment::Member(name.to_owned()));
            while !indexes.is_empty() {
                let (index, rest) = indexes.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(wrong)?;
                segments.push(Segment::Index(index.parse().map_err(|_| wrong())?));
                indexes = rest;
            }
        }
        Ok(Self { context, segments })
    }

    /// What the path leads to, if it leads anywhere.
    pub(super) fn find<'a>(&self, input: &'a Value, context: &'a Value) -> Option<&'a Value> {
        let root = if self.context { context } else { input };
        self.segments.iter().try_fold(root, |value, segment| match segment {
            Segment::Member(name) => value.get(name),
            Segment::Index(index) => value.get(index),
        })
    }
}

/// Where a state's result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResultPath {
    /// Nowhere: the state's input is its output.
    Discard,
    /// In place of the input.
    Replace,
    /// Into the input, under these members.
    Insert(Vec<String>),
}

impl ResultPath {
    /// Reads the field: `null` discards, absent replaces.
    pub(super) fn parse(field: Option<&Value>) -> Result<Self, NotUnderstood> {
        let text = match field {
            None => return Ok(Self::Replace),
            Some(Value::Null) => return Ok(Self::Discard),
            Some(field) => field.as_str().ok_or_else(|| NotUnderstood(format!("{field} is no ResultPath")))?,
        };
        let path = Path::parse(text)?;
        let member = |segment| match segment {
            Segment::Member(name) => Some(name),
            Segment::Index(_) => None,
        };
        let members: Option<Vec<String>> = path.segments.into_iter().map(member).collect();
        match members {
            Some(members) if !path.context && members.is_empty() => Ok(Self::Replace),
            Some(members) if !path.context => Ok(Self::Insert(members)),
            _ => Err(NotUnderstood(format!("{text:?} is no ResultPath"))),
        }
    }

    /// The output of a state with this input and result; nothing where the input has no place for it.
    pub(super) fn place(&self, mut input: Value, result: Value) -> Option<Value> {
        match self {
            Self::Discard => Some(input),
            Self::Replace => Some(result),
            Self::Insert(members) => {
                let mut place = &mut input;
                for member in members {
                    place = place.as_object_mut()?.entry(member).or_insert_with(|| Value::Object(Map::new()));
                }
                *place = result;
                Some(input)
            }
        }
    }
}

/// A payload template: members whose name ends in `.$` are paths.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Template {
    Literal(Value),
    Members(Vec<(String, Self)>),
    Path(Path),
}

impl Template {
    pub(super) fn parse(template: &Value) -> Result<Self, NotUnderstood> {
        match template {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| match (name.strip_suffix(".$"), value) {
                    (Some(name), Value::String(path)) => Ok((name.to_owned(), Self::Path(Path::parse(path)?))),
                    (Some(_), other) => Err(NotUnderstood(format!("{name} must be a path and is {other}"))),
                    (None, value) => Ok((name.clone(), Self::parse(value)?)),
                });
                Ok(Self::Members(members.collect::<Result<_, _>>()?))
            }
            Value::Array(_) => Err(NotUnderstood("a list in a payload template".to_owned())),
            literal => Ok(Self::Literal(literal.clone())),
        }
    }

    /// The payload; nothing where a path leads nowhere.
    pub(super) fn fill(&self, input: &Value, context: &Value) -> Option<Value> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            Self::Path(path) => path.find(input, context).cloned(),
            Self::Members(members) => {
                let filled = members.iter().map(|(name, member)| Some((name.clone(), member.fill(input, context)?)));
                filled.collect::<Option<Map<_, _>>>().map(Value::Object)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_into_objects_and_lists() {
        let (input, context) = (json!({ "a": { "b": [{ "c": 1 }, 2] } }), json!({ "Task": { "Token": "t" } }));
        let find = |path: &str| Path::parse(path).unwrap().find(&input, &context).cloned();
        assert_eq!(find("$"), Some(input.clone()));
        assert_eq!(find("$.a.b[0].c"), Some(json!(1)));
        assert_eq!(find("$.a.b[1]"), Some(json!(2)));
        assert_eq!(find("$.a.b[2]"), None);
        assert_eq!(find("$.x.y"), None);
        assert_eq!(find("$$.Task.Token"), Some(json!("t")));
    }

    #[test]
    fn what_is_no_plain_path_is_refused() {
        for text in ["", "a", "$a", "$.", "$..a", "$.a[*]", "$.a[x]", "$.a[1", "$.a[?(@.b)]", "States.Format('x')"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn results_are_discarded_replace_or_are_inserted() {
        let place = |field: Option<Value>, input: Value| ResultPath::parse(field.as_ref()).unwrap().place(input, json!("r"));
        assert_eq!(place(Some(Value::Null), json!({ "a": 1 })), Some(json!({ "a": 1 })));
        assert_eq!(place(None, json!({ "a": 1 })), Some(json!("r")));
        assert_eq!(place(Some(json!("$")), json!({ "a": 1 })), Some(json!("r")));
        assert_eq!(place(Some(json!("$.b.c")), json!({ "a": 1 })), Some(json!({ "a": 1, "b": { "c": "r" } })));
        assert_eq!(place(Some(json!("$.a")), json!({ "a": 1 })), Some(json!({ "a": "r" })));
        assert_eq!(place(Some(json!("$.a")), json!([1])), None);
        assert!(ResultPath::parse(Some(&json!("$.a[0]"))).is_err());
        assert!(ResultPath::parse(Some(&json!("$$.a"))).is_err());
    }

    #[test]
    fn templates_are_filled_all_or_not_at_all() {
        let template = Template::parse(&json!({ "fixed": 1, "id.$": "$.id", "deep": { "token.$": "$$.Task.Token" } })).unwrap();
        let context = json!({ "Task": { "Token": "t" } });
        let filled = json!({ "fixed": 1, "id": "o", "deep": { "token": "t" } });
        assert_eq!(template.fill(&json!({ "id": "o" }), &context), Some(filled));
        assert_eq!(template.fill(&json!({}), &context), None);
    }
}
