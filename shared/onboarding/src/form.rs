//! Forms: one declaration that a client draws, that an answer is held against, and that says what is personal.

use crate::uploads::CONTENT_TYPES;
use regex::Regex;
use serde_json::{Map, Value, json};

/// Characters of an object's name, at most.
const LONGEST_OBJECT: usize = 200;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name among everything that is known of an applicant: `legal_name`.
    pub name: String,
    /// What it is called on a screen.
    pub title: String,
    /// What may be in it.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is sealed before it is stored.
    pub personal: bool,
}

/// What may be in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text of 1 to `longest` characters that a regular expression matches as a whole.
    Text {
        /// Characters, at most.
        longest: usize,
        /// The expression, if any.
        pattern: Option<String>,
    },
    /// A calendar date: `1990-02-28`.
    Date,
    /// One of these.
    Choice(Vec<String>),
    /// Yes. A form that asks for consent takes no other answer.
    Consent,
    /// An uploaded document: the object that an upload has given.
    Document,
}

/// What is wrong with a form that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct WrongField {
    /// The field.
    pub field: String,
    /// What is wrong with it, without its value.
    pub reason: String,
}

impl WrongField {
    /// `field` is wrong for this reason.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl Field {
    /// A required text.
    pub fn text(name: impl Into<String>, title: impl Into<String>, longest: usize) -> Self {
        Self::of(name, title, Kind::Text { longest, pattern: None })
    }

    /// A required text that `pattern` matches as a whole.
    pub fn matching(name: impl Into<String>, title: impl Into<String>, longest: usize, pattern: &str) -> Self {
        Self::of(name, title, Kind::Text { longest, pattern: Some(pattern.to_owned()) })
    }

    /// A required field of a kind.
    pub fn of(name: impl Into<String>, title: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), title: title.into(), kind, required: true, personal: false }
    }

    /// The same, sealed before it is stored.
    #[must_use]
    pub fn personal(self) -> Self {
        Self { personal: true, ..self }
    }

    /// The same, not required.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    fn schema(&self) -> Value {
        let mut schema = match &self.kind {
            Kind::Text { longest, pattern: None } => json!({ "type": "string", "minLength": 1, "maxLength": longest }),
            Kind::Text { longest, pattern: Some(pattern) } => {
                json!({ "type": "string", "minLength": 1, "maxLength": longest, "pattern": whole(pattern) })
            }
            Kind::Date => json!({ "type": "string", "format": "date" }),
            Kind::Choice(choices) => json!({ "type": "string", "enum": choices }),
            Kind::Consent => json!({ "const": true }),
            Kind::Document => json!({ "type": "string", "minLength": 1, "maxLength": LONGEST_OBJECT, "x-upload": CONTENT_TYPES }),
        };
        schema["title"] = self.title.clone().into();
        schema
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        let text = || value.as_str().ok_or_else(|| "must be a text".to_owned());
        match &self.kind {
            Kind::Text { longest, pattern } => {
                let text = text()?;
                if text.trim().is_empty() || text.chars().count() > *longest {
                    return Err(format!("must have 1 to {longest} characters"));
                }
                let Some(pattern) = pattern else { return Ok(()) };
                let fits = Regex::new(&whole(pattern)).is_ok_and(|pattern| pattern.is_match(text));
                if fits { Ok(()) } else { Err(format!("must look like {pattern}")) }
            }
            Kind::Date => {
                text()?.parse::<jiff::civil::Date>().map(drop).map_err(|_| "must be a date such as 1990-02-28".to_owned())
            }
            Kind::Choice(choices) if choices.iter().any(|choice| Some(choice.as_str()) == value.as_str()) => Ok(()),
            Kind::Choice(choices) => Err(format!("must be one of {}", choices.join(", "))),
            Kind::Document => {
                let fits = text()?.len() <= LONGEST_OBJECT;
                if fits { Ok(()) } else { Err("must be the object of an upload".to_owned()) }
            }
            Kind::Consent if *value == Value::Bool(true) => Ok(()),
            Kind::Consent => Err("must be true".to_owned()),
        }
    }
}

fn whole(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

/// The JSON Schema of a form.
pub fn schema(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|field| (field.name.clone(), field.schema())).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Holds a submitted form against its fields.
///
/// # Errors
///
/// The first field that is wrong, in the order of the fields; then the first that the form does not have.
pub fn check(fields: &[Field], answers: &Map<String, Value>) -> Result<(), WrongField> {
    for field in fields {
        match answers.get(&field.name) {
            None if field.required => return Err(WrongField::new(&field.name, "is missing")),
            None => {}
            Some(value) => field.check(value).map_err(|reason| WrongField::new(&field.name, reason))?,
        }
    }
    match answers.keys().find(|name| !fields.iter().any(|field| field.name == **name)) {
        Some(unknown) => Err(WrongField::new(unknown, "is not part of this form")),
        None => Ok(()),
    }
}
