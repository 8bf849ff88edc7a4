//! Documents: an applicant's own client puts them where an upload says, and submits the object that it was given. Nobody can submit
//! somebody else's object, or one of another step.

use crate::{
    applicant::Applicant,
    form::{Kind, WrongField},
    markets::Markets,
    ports::{Applicants, Document, Documents, Upload},
    steps::Description,
    submit::{SubmitError, open_step},
};
use carryout_workflow::Subject as _;
use serde_json::{Map, Value};

/// How long an upload lasts. Milliseconds.
pub const UPLOAD_LASTS_MS: i64 = 10 * 60 * 1_000;
/// The media types that documents may have.
pub const CONTENT_TYPES: [&str; 3] = ["application/pdf", "image/jpeg", "image/png"];
/// Bytes of a document, at most.
pub const LARGEST_BYTES: u64 = 10 * 1_024 * 1_024;

/// Everything that an applicant has uploaded begins like this.
pub(crate) fn prefix(applicant_id: &str) -> String {
    format!("{applicant_id}/")
}

fn prefix_of_step(applicant_id: &str, step: &str) -> String {
    format!("{applicant_id}/{step}/")
}

/// Lets `owner` upload a document for a step that is next. `name` MUST be new each time: an object is written once, so what a vendor
/// has looked at stays what it was. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
///
/// See [`SubmitError`]; [`SubmitError::Wrong`] names `content_type` or `content_length`.
pub async fn upload(
    applicants: &impl Applicants,
    documents: &impl Documents,
    markets: &Markets,
    (id, owner, step): (&str, &str, &str),
    (content_type, content_length): (&str, u64),
    name: &str,
    now: i64,
) -> Result<Upload, SubmitError> {
    let unknown = || SubmitError::Unknown(id.to_owned());
    let applicant = applicants.applicant(id).await?.filter(|applicant| applicant.owner == owner).ok_or_else(unknown)?;
    if applicant.is_closed() {
        return Err(SubmitError::Closed);
    }
    let next = open_step(markets.of(&applicant)?, &applicant, step)?;
    if !next.description.fields.iter().any(|field| field.kind == Kind::Document) {
        return Err(SubmitError::NoDocument(step.to_owned()));
    }
    if !CONTENT_TYPES.contains(&content_type) {
        return Err(WrongField::new("content_type", format!("must be one of {}", CONTENT_TYPES.join(", "))).into());
    }
    if !(1..=LARGEST_BYTES).contains(&content_length) {
        return Err(WrongField::new("content_length", format!("must be 1 to {LARGEST_BYTES} bytes")).into());
    }
    let object = format!("{}{name}", prefix_of_step(id, step));
    let document = Document { object, content_type: content_type.to_owned(), content_length };
    Ok(documents.upload(&document, now, now + UPLOAD_LASTS_MS).await?)
}

/// Whether the documents of a form are the applicant's, and of this step.
pub(crate) fn check(
    applicant: &Applicant,
    step: &str,
    description: &Description,
    answers: &Map<String, Value>,
) -> Result<(), WrongField> {
    let own = prefix_of_step(&applicant.id, step);
    for field in description.fields.iter().filter(|field| field.kind == Kind::Document) {
        let object = answers.get(&field.name).and_then(Value::as_str).unwrap_or_default();
        if object.strip_prefix(&own).is_none_or(|name| name.is_empty() || name.contains('/')) {
            return Err(WrongField::new(&field.name, "must be the object that an upload for this step has given"));
        }
    }
    Ok(())
}
