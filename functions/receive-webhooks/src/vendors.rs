//! Answers of the vendors of onboarding.

use crate::TOLERANCE_SECONDS;
use carryout_environment::{Clock, ErrorCode, Secrets, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, verify_webhook},
};
use carryout_onboarding::{
    Onboarding, Ports,
    answer::Answered,
    codes::VENDOR_CONTRADICTS,
    markets::MarketSource,
    ports::{AdvanceQueue, Applicants, Waits},
    vendor::VendorCallback,
};
use serde_json::json;

/// No step waits for this answer.
pub const VENDOR_NOT_ASKED: ErrorCode = ErrorCode::permanent("Vendor.NotAsked", "Nothing to do: no step waits for this answer.");

/// Receives vendors' answers.
pub struct VendorAnswers<P: Ports, S> {
    /// The service.
    pub onboarding: Onboarding<P>,
    /// The secret that vendors sign with.
    pub secret: S,
}

impl<P, S> VendorAnswers<P, S>
where
    P: Ports<Applicants: Applicants, Queue: AdvanceQueue, Waits: Waits, Markets: MarketSource, Clock: Clock>,
    S: Secrets,
{
    /// `POST /v1/webhooks/vendors`: records the answer, and requests that the applicant is advanced. Safe to repeat.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let secret = self.secret.secret().await.map_err(|error| Problem::internal(&error))?;
        let keys = KeyRing::new(&secret.current, secret.previous.as_deref());
        let now = self.onboarding.clock.now();
        verify_webhook(&keys, request.header("carryout-signature"), &request.body, now / 1_000, TOLERANCE_SECONDS)?;
        let callback: VendorCallback = request.json()?;
        let answered = self.onboarding.answer(&callback).await.map_err(|error| unavailable(&error))?;
        let key = &callback.key;
        tracing::info!(key, ?answered, "vendor answered");
        match answered {
            Answered::Recorded => Ok(Response::json(200, &json!({ "key": key, "recorded": true }))),
            Answered::Repeated => Ok(Response::json(200, &json!({ "key": key, "recorded": false }))),
            Answered::Contradicts => {
                Err(Problem::from_code(409, VENDOR_CONTRADICTS, format!("{key} was answered differently before")))
            }
            Answered::TooLate => {
                Err(Problem::from_code(409, VENDOR_NOT_ASKED, format!("{key} is not waiting for an answer any more")))
            }
            Answered::Unknown => {
                Err(Problem::from_code(404, VENDOR_NOT_ASKED, format!("there is no request under the key {key}")))
            }
        }
    }
}

fn unavailable(error: &StorageError) -> Problem {
    Problem::from_code(503, error.code(), "the answer could not be recorded; send it again").retry_after(1).caused_by(error)
}
