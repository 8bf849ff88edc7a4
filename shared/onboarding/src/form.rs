//! Forms: one declaration that clients render, that answers are checked against, and that marks personal data.

use regex::Regex;
use serde_json::{Map, Value, json};

/// The media types that documents may have.
pub const CONTENT_TYPES: [&str; 3] = ["application/pdf", "image/jpeg", "image/png"];

/// The maximum length of an object's name. Characters.
const LONGEST_OBJECT: usize = 200;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name among the data of an applicant: `legal_name`.
    pub name: String,
    /// Its title on screens.
    pub title: String,
    /// Its type.
    pub kind: Kind,
    /// Whether an answer is required.
    pub required: bool,
    /// Whether it is encrypted before it is stored.
    pub personal: bool,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text of 1 to `longest` characters.
    Text {
        /// The maximum length. Characters.
        longest: usize,
        /// The regular expression that must match it as a whole, if any.
        pattern: Option<String>,
    },
    /// A calendar date: `1990-02-28`.
    Date,
    /// One of these values.
    Choice(Vec<String>),
    /// Consent: only `true` is accepted.
    Consent,
    /// An uploaded document: the object of an upload.
    Document,
}

/// A submitted field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct WrongField {
    /// The field.
    pub field: String,
    /// What is wrong with it, without its value.
    pub reason: String,
}

impl WrongField {
    /// A field with the reason why it is wrong.
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

    /// The same, encrypted before it is stored.
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
        let text = || value.as_str().ok_or_else(|| "must be a string".to_owned());
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

/// Checks a submitted form against its fields.
///
/// # Errors
///
/// The first field that is wrong, in the order of the fields; then the first that is not part of the form.
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

/// The prefix of the objects that an applicant has uploaded, for all steps or for one.
pub(crate) fn object_prefix(applicant_id: &str, step: Option<&str>) -> String {
    step.map_or_else(|| format!("{applicant_id}/"), |step| format!("{applicant_id}/{step}/"))
}

/// Checks that the documents of a form are objects below `prefix`: the applicant's own, and of this step.
///
/// # Errors
///
/// The first field with another object.
pub(crate) fn check_documents(fields: &[Field], prefix: &str, answers: &Map<String, Value>) -> Result<(), WrongField> {
    for field in fields.iter().filter(|field| field.kind == Kind::Document) {
        let object = answers.get(&field.name).and_then(Value::as_str).unwrap_or_default();
        if object.strip_prefix(prefix).is_none_or(|name| name.is_empty() || name.contains('/')) {
            return Err(WrongField::new(&field.name, "must be the object of an upload for this step"));
        }
    }
    Ok(())
}
