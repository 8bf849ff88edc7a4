//! Documents: an applicant's client uploads them with a presigned request, and submits the name of the object. An applicant can submit
//! neither the object of another applicant nor that of another step.

use crate::{
    form::{CONTENT_TYPES, WrongField, object_prefix},
    markets::MarketSource,
    ports::{Applicants, Document, Documents, Upload},
    service::{Onboarding, Ports},
    submit::{SubmitError, open_step},
};
use carryout_environment::Clock;
use carryout_workflow::Subject as _;

/// The lifetime of an upload. Milliseconds.
pub const UPLOAD_LASTS_MS: i64 = 10 * 60 * 1_000;
/// The maximum size of a document. Bytes.
pub const LARGEST_BYTES: u64 = 10 * 1_024 * 1_024;

/// A request to upload a document for a step.
#[derive(Debug, Clone)]
pub struct UploadRequest<'a> {
    /// The applicant's id.
    pub id: &'a str,
    /// The account that uploads: the subject of the token.
    pub owner: &'a str,
    /// The step's entry.
    pub step: &'a str,
    /// The name of the document. MUST be new each time: an object is written once, so it stays what the vendor has verified.
    pub name: &'a str,
    /// The media type.
    pub content_type: &'a str,
    /// The exact size. Bytes.
    pub content_length: u64,
}

impl<P> Onboarding<P>
where
    P: Ports<Applicants: Applicants, Documents: Documents, Markets: MarketSource, Clock: Clock>,
{
    /// Allows an applicant to upload a document for a step that is next.
    ///
    /// # Errors
    ///
    /// See [`SubmitError`]; [`SubmitError::Wrong`] names `content_type` or `content_length`.
    pub async fn upload(&self, request: UploadRequest<'_>) -> Result<Upload, SubmitError> {
        let UploadRequest { id, owner, step, name, content_type, content_length } = request;
        let (markets, now) = (self.current_markets().await?, self.now());
        let applicant = self.own_applicant(id, owner).await?;
        if applicant.is_closed() {
            return Err(SubmitError::Closed);
        }
        if !open_step(markets.of(&applicant)?, &applicant, step)?.step.takes_document() {
            return Err(SubmitError::NoDocument(step.to_owned()));
        }
        if !CONTENT_TYPES.contains(&content_type) {
            return Err(WrongField::new("content_type", format!("must be one of {}", CONTENT_TYPES.join(", "))).into());
        }
        if !(1..=LARGEST_BYTES).contains(&content_length) {
            return Err(WrongField::new("content_length", format!("must be 1 to {LARGEST_BYTES} bytes")).into());
        }
        let object = format!("{}{name}", object_prefix(id, Some(step)));
        let document = Document { object, content_type: content_type.to_owned(), content_length };
        Ok(self.documents.upload(&document, now, now + UPLOAD_LASTS_MS).await?)
    }
}
