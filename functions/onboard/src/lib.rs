//! Applications of couriers and merchants, over HTTP: for the applicants themselves and for operators.

use carryout_environment::{Clock, ErrorCode, HasErrorCode, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    idempotency::validation_hash,
    lease_until,
    token::{Identity, JwksSource, TokenVerifier},
};
use carryout_onboarding::{
    applicant::Applicant,
    codes::{
        APPLICANT_CLOSED, APPLICANT_STEP_UNKNOWN, APPLICANT_UNKNOWN, MARKET_LEGACY, MARKET_NOT_OPEN, STEP_NOT_OPTIONAL,
        STEP_NOT_READY, STEP_NOT_THERE, STEP_TAKES_NO_DOCUMENT, VAULT_UNAVAILABLE,
    },
    legacy::LegacySystem,
    markets::Markets,
    operate::{Action, OperateError, Operation, operate},
    ports::{Applicants, Documents, MarketSource, Nudges, Vault, Vendors, Waits},
    privacy::{erase, export},
    start::{Beginner, StartError, start},
    steps::Ports,
    submit::{Submission, SubmitError, submit},
    uploads::upload,
    view::{OperatorView, view},
};
use carryout_workflow::run::RunError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A step's own refusal of what was submitted.
pub const STEP_REFUSED: ErrorCode =
    ErrorCode::permanent("ApplicantStep.Refused", "Look at the application: it says why, and who can do something about it.");
/// Somebody else acts on the step.
pub const STEP_BUSY: ErrorCode = ErrorCode::retryable("ApplicantStep.Busy", "Send the same form again in a moment.");

/// Letters of an applicant's id.
const ID_LETTERS: usize = 26;

/// The function with what it needs.
pub struct Onboard<A, V, K, D, N, W, L, M, J, C> {
    /// Applicants.
    pub applicants: A,
    /// Vendors, who answer through the API of a request.
    pub vendors: V,
    /// Seals personal data.
    pub vault: K,
    /// Documents of applicants.
    pub documents: D,
    /// Makes the names of objects.
    pub new_id: fn(&str) -> String,
    /// Has applicants advanced.
    pub nudges: N,
    /// Ends waits.
    pub waits: W,
    /// The system before this one.
    pub legacy: L,
    /// The markets.
    pub markets: M,
    /// Checks tokens.
    pub tokens: TokenVerifier<J>,
    /// Tells the time.
    pub clock: C,
}

/// Who begins where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartBody {
    country: String,
    market_type: String,
}

/// What is submitted of a step: its form, or that it is skipped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    #[serde(default)]
    form: Option<Map<String, Value>>,
    #[serde(default)]
    skip: bool,
}

/// The document that is about to be uploaded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadBody {
    content_type: String,
    content_length: u64,
}

/// What an operator does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationBody {
    action: Action,
    reason: String,
}

impl<A, V, P, K, D, N, W, L, M, J, C> Onboard<A, V, K, D, N, W, L, M, J, C>
where
    A: Applicants,
    V: Fn(&Request) -> P,
    P: Vendors,
    K: Vault,
    D: Documents,
    N: Nudges,
    W: Waits,
    L: LegacySystem,
    M: MarketSource,
    J: JwksSource,
    C: Clock,
{
    /// Answers a request.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let markets = self.markets.markets().await.map_err(|error| unavailable(&error))?;
        let identity = self.tokens.verify(request).await?;
        match (request.method.as_str(), request.route.as_str()) {
            ("POST", "/v1/applicants") => self.start(request, &identity, &markets).await,
            ("PUT", _) => self.submit(request, &identity, &markets).await,
            ("POST", route) if route.ends_with("/uploads") => self.upload(request, &identity, &markets).await,
            ("POST", _) => self.operate(request, &identity, &markets).await,
            ("DELETE", _) => {
                let applicant = self.own(request, &identity).await?;
                let erased = erase(&self.applicants, &self.documents, &applicant.id, self.clock.now()).await;
                erased.map_err(|error| unavailable(&error))?;
                tracing::info!(applicant.id = %applicant.id, by = identity.subject, "erased");
                Ok(Response::empty(204))
            }
            (_, route) => {
                let applicant = self.own(request, &identity).await?;
                if route.ends_with("/data") {
                    tracing::info!(applicant.id = %applicant.id, by = identity.subject, "exported");
                    let exported = export(&self.vault, &applicant).await;
                    return Ok(Response::json(200, &exported.map_err(|error| sealed(&error))?));
                }
                self.shown(200, &applicant, &identity, &markets)
            }
        }
    }

    async fn start(&self, request: &Request, identity: &Identity, markets: &Markets) -> Result<Response, Problem> {
        let body: StartBody = request.json()?;
        // The same person gets the same application in the same market, however often they begin.
        let mut hash = validation_hash(&json!([identity.subject, body.country, body.market_type]));
        hash.truncate(ID_LETTERS);
        let beginner = Beginner {
            id: format!("apl_{hash}"),
            owner: identity.subject.clone(),
            country: body.country,
            market_type: body.market_type,
            correlation_id: request.correlation_id.clone(),
        };
        let started = start(&self.applicants, &self.nudges, &self.vault, &self.legacy, markets, beginner, self.clock.now()).await;
        let (applicant, is_new) = started.map_err(|error| match error {
            StartError::NotOpen(_) => Problem::from_code(404, MARKET_NOT_OPEN, error.to_string()),
            StartError::Legacy(_) => Problem::from_code(409, MARKET_LEGACY, error.to_string()),
            StartError::Storage(error) => unavailable(&error),
        })?;
        if applicant.owner != identity.subject {
            // Erased since.
            return Err(Problem::from_code(409, APPLICANT_CLOSED, "the application was erased"));
        }
        let response = self.shown(if is_new { 201 } else { 200 }, &applicant, identity, markets)?;
        Ok(response.header("location", format!("/v1/applicants/{}", applicant.id)))
    }

    async fn submit(&self, request: &Request, identity: &Identity, markets: &Markets) -> Result<Response, Problem> {
        let (id, step) = (request.path_param("id")?, request.path_param("step")?);
        let body: StepBody = request.json()?;
        let submission = match (body.form, body.skip) {
            (Some(form), false) => Submission::Form(form),
            (None, true) => Submission::Skip,
            _ => return Err(Problem::invalid_field("form", "send either a form or \"skip\": true")),
        };
        let now = self.clock.now();
        let lease_until = lease_until(request.deadline_ms, now);
        let vendors = (self.vendors)(request);
        let ports = Ports { applicants: &self.applicants, vendors: &vendors, vault: &self.vault };
        let submitted = submit(ports, &self.nudges, markets, id, &identity.subject, step, submission, now, lease_until).await;
        let applicant = submitted.map_err(|error| not_submitted(&error))?;
        tracing::info!(applicant.id = %applicant.id, step, "submitted");
        self.shown(200, &applicant, identity, markets)
    }

    async fn upload(&self, request: &Request, identity: &Identity, markets: &Markets) -> Result<Response, Problem> {
        let (id, step) = (request.path_param("id")?, request.path_param("step")?);
        let body: UploadBody = request.json()?;
        let (who, what) = ((id, identity.subject.as_str(), step), (body.content_type.as_str(), body.content_length));
        let name = (self.new_id)("doc");
        let upload = upload(&self.applicants, &self.documents, markets, who, what, &name, self.clock.now()).await;
        let upload = upload.map_err(|error| match &error {
            // Its body is no form.
            SubmitError::Wrong(wrong) => Problem::invalid_field(wrong.field.clone(), error.to_string()),
            error => not_submitted(error),
        })?;
        tracing::info!(applicant.id = id, step, "upload allowed");
        Ok(Response::json(201, &upload))
    }

    async fn operate(&self, request: &Request, identity: &Identity, markets: &Markets) -> Result<Response, Problem> {
        identity.require_role("operator")?;
        let (id, step) = (request.path_param("id")?, request.path_param("step")?);
        let body: OperationBody = request.json()?;
        if body.reason.trim().is_empty() {
            return Err(Problem::invalid_field("reason", "say why"));
        }
        let operation = Operation { operator: &identity.subject, action: body.action, reason: &body.reason };
        let done = operate(&self.applicants, &self.nudges, &self.waits, markets, id, step, operation, self.clock.now()).await;
        let applicant = done.map_err(|error| match &error {
            OperateError::Unknown(_) => Problem::from_code(404, APPLICANT_UNKNOWN, error.to_string()),
            OperateError::NoStep(_) => Problem::from_code(404, APPLICANT_STEP_UNKNOWN, error.to_string()),
            OperateError::NotSkippable(_) => Problem::from_code(409, STEP_NOT_OPTIONAL, error.to_string()),
            OperateError::Moved { .. } => Problem::from_code(409, STEP_NOT_THERE, error.to_string()),
            OperateError::Storage(error) => unavailable(error),
        })?;
        tracing::info!(applicant.id = %applicant.id, step, action = ?body.action, operator = identity.subject, "operated");
        self.shown(200, &applicant, identity, markets)
    }

    /// The applicant of the request: their own, or any for an operator.
    async fn own(&self, request: &Request, identity: &Identity) -> Result<Applicant, Problem> {
        let id = request.path_param("id")?;
        let applicant = self.applicants.applicant(id).await.map_err(|error| unavailable(&error))?;
        let visible = |applicant: &Applicant| applicant.owner == identity.subject || identity.has_role("operator");
        let unknown = || Problem::from_code(404, APPLICANT_UNKNOWN, format!("there is no application {id}"));
        applicant.filter(visible).ok_or_else(unknown)
    }

    fn shown(&self, status: u16, applicant: &Applicant, identity: &Identity, markets: &Markets) -> Result<Response, Problem> {
        let view = view(applicant, markets).map_err(|error| Problem::internal(&error))?;
        if identity.has_role("operator") {
            return Ok(Response::json(status, &OperatorView { applicant: view, audit: applicant.audit.clone() }));
        }
        Ok(Response::json(status, &view))
    }
}

fn unavailable(error: &StorageError) -> Problem {
    Problem::from_code(503, error.code(), "the application can't be read or written right now").retry_after(1).caused_by(error)
}

fn sealed(error: &StorageError) -> Problem {
    Problem::from_code(503, VAULT_UNAVAILABLE, "personal data can't be sealed or opened right now")
        .retry_after(1)
        .caused_by(error)
}

fn not_submitted(error: &SubmitError) -> Problem {
    let told = error.to_string();
    match error {
        SubmitError::Unknown(_) => Problem::from_code(404, APPLICANT_UNKNOWN, told),
        SubmitError::NoStep(_) => Problem::from_code(404, APPLICANT_STEP_UNKNOWN, told),
        SubmitError::NotReady { next, .. } => Problem::from_code(409, STEP_NOT_READY, told).with("next", next.clone()),
        SubmitError::NotOptional(_) => Problem::from_code(409, STEP_NOT_OPTIONAL, told),
        SubmitError::NoDocument(_) => Problem::from_code(409, STEP_TAKES_NO_DOCUMENT, told),
        SubmitError::Wrong(wrong) => Problem::invalid_field(format!("form.{}", wrong.field), told),
        SubmitError::Closed => Problem::from_code(409, APPLICANT_CLOSED, told),
        SubmitError::Vault(error) => sealed(error),
        SubmitError::Storage(error) => unavailable(error),
        SubmitError::Run(run) => not_run(run),
    }
}

fn not_run<E: HasErrorCode>(error: &RunError<E>) -> Problem {
    let failure = error.failure();
    match error {
        RunError::Storage(error) => unavailable(error),
        RunError::Step(step) if step.code().class.may_retry() => {
            // What was submitted is kept, and goes on by itself.
            Problem::from_code(503, STEP_BUSY, failure.message).retry_after(5).caused_by(error)
        }
        RunError::Step(_) | RunError::Refused(_) => {
            Problem::from_code(409, STEP_REFUSED, failure.message).with("reason", failure.code).advice(failure.advice)
        }
        RunError::InProgress(_) | RunError::Superseded(..) | RunError::Turned | RunError::CancelRequested => {
            Problem::from_code(409, STEP_BUSY, "somebody else acts on this step right now")
        }
        RunError::Closed => Problem::from_code(409, APPLICANT_CLOSED, "the application is closed"),
        RunError::Unknown => Problem::from_code(404, APPLICANT_STEP_UNKNOWN, "the application has no such step"),
    }
}
