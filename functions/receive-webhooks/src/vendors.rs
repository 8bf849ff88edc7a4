//! Answers of the vendors of onboarding.

use crate::TOLERANCE_SECONDS;
use carryout_environment::{Clock, ErrorCode, Secrets, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, verify_webhook},
};
use carryout_onboarding::{
    answer::{Answered, answer},
    codes::VENDOR_CONTRADICTS,
    ports::{Applicants, MarketSource, Nudges, VendorCallback, Waits},
};
use serde_json::json;

/// Nobody waits for this answer.
pub const VENDOR_NOT_ASKED: ErrorCode = ErrorCode::permanent("Vendor.NotAsked", "Nothing to do: nobody waits for this answer.");

/// What takes vendors' answers.
pub struct VendorAnswers<A, N, W, M, S> {
    /// Applicants.
    pub applicants: A,
    /// Has applicants advanced.
    pub nudges: N,
    /// Ends waits.
    pub waits: W,
    /// The markets.
    pub markets: M,
    /// What vendors sign with.
    pub secret: S,
}

impl<A: Applicants, N: Nudges, W: Waits, M: MarketSource, S: Secrets> VendorAnswers<A, N, W, M, S> {
    /// `POST /v1/webhooks/vendors`: records the answer, then has the applicant advanced. Safe to repeat.
    pub async fn handle(&self, clock: &impl Clock, request: &Request) -> Result<Response, Problem> {
        let secret = self.secret.secret().await.map_err(|error| Problem::internal(&error))?;
        let keys = KeyRing::new(&secret.current, secret.previous.as_deref());
        let now = clock.now();
        verify_webhook(&keys, request.header("carryout-signature"), &request.body, now / 1_000, TOLERANCE_SECONDS)?;
        let callback: VendorCallback = request.json()?;
        let markets = self.markets.markets().await.map_err(|error| unavailable(&error))?;
        let answered = answer(&self.applicants, &self.nudges, &self.waits, &markets, &callback, now).await;
        let answered = answered.map_err(|error| unavailable(&error))?;
        let key = &callback.key;
        tracing::info!(key, ?answered, "vendor answered");
        match answered {
            Answered::Recorded => Ok(Response::json(200, &json!({ "key": key, "recorded": true }))),
            Answered::Repeated => Ok(Response::json(200, &json!({ "key": key, "recorded": false }))),
            Answered::Contradicts => {
                Err(Problem::from_code(409, VENDOR_CONTRADICTS, format!("{key} was answered otherwise before")))
            }
            Answered::TooLate => Err(Problem::from_code(409, VENDOR_NOT_ASKED, format!("{key} waits for no answer any more"))),
            Answered::Unknown => Err(Problem::from_code(404, VENDOR_NOT_ASKED, format!("nobody asked under the key {key}"))),
        }
    }
}

fn unavailable(error: &StorageError) -> Problem {
    Problem::from_code(503, error.code(), "the answer could not be recorded; send it again").retry_after(1).caused_by(error)
}
