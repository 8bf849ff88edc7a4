//! Applications of couriers and merchants, over HTTP: for the applicants themselves and for operators.

use carryout_environment::{Clock, ErrorCode, HasErrorCode, StorageError};
use carryout_lambda::{
    http::{Problem, Request, Response},
    idempotency::validation_hash,
    lease_until,
    token::{Identity, JwksSource, TokenVerifier},
};
use carryout_onboarding::{
    Onboarding, Ports,
    applicant::{Applicant, OperatorAction},
    codes::{
        APPLICANT_CLOSED, APPLICANT_STEP_UNKNOWN, APPLICANT_UNKNOWN, MARKET_LEGACY, MARKET_NOT_OPEN, STEP_NOT_OPTIONAL,
        STEP_NOT_READY, STEP_NOT_THERE, STEP_TAKES_NO_DOCUMENT, VAULT_UNAVAILABLE,
    },
    legacy::LegacySystem,
    markets::MarketSource,
    operate::{OperateError, Operation},
    ports::{AdvanceQueue, Applicants, Documents, Vault, Vendors, Waits},
    start::{NewApplication, StartError, Started},
    submit::{Submission, SubmitError, SubmitRequest},
    uploads::UploadRequest,
    view::{OperatorView, view},
};
use carryout_workflow::run::RunError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The step refuses what was submitted.
pub const STEP_REFUSED: ErrorCode =
    ErrorCode::permanent("ApplicantStep.Refused", "Look at the application: it has the reason, and who can act on it.");
/// Another attempt holds the step.
pub const STEP_BUSY: ErrorCode = ErrorCode::retryable("ApplicantStep.Busy", "Send the same form again in a moment.");

/// Letters of an applicant's id.
const ID_LETTERS: usize = 26;

/// The function.
pub struct Onboard<P: Ports, J> {
    /// The service.
    pub onboarding: Onboarding<P>,
    /// Generates the names of objects.
    pub new_id: fn(&str) -> String,
    /// Checks tokens.
    pub tokens: TokenVerifier<J>,
}

/// The market in which an application begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartBody {
    country: String,
    market_type: String,
}

/// A submission of a step: its form, or that it is skipped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    #[serde(default)]
    form: Option<Map<String, Value>>,
    #[serde(default)]
    skip: bool,
}

/// The document to upload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadBody {
    content_type: String,
    content_length: u64,
}

/// An operator's action.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationBody {
    action: OperatorAction,
    reason: String,
}

impl<P, J> Onboard<P, J>
where
    P: Ports<
            Applicants: Applicants,
            Vendors: Vendors,
            Vault: Vault,
            Documents: Documents,
            Queue: AdvanceQueue,
            Waits: Waits,
            Legacy: LegacySystem,
            Markets: MarketSource,
            Clock: Clock,
        >,
    J: JwksSource,
{
    /// Answers a request.
    ///
    /// # Errors
    ///
    /// The problem with which the request is answered.
    pub async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let identity = self.tokens.verify(request).await?;
        match (request.method.as_str(), request.route.as_str()) {
            ("POST", "/v1/applicants") => self.start(request, &identity).await,
            ("PUT", _) => self.submit(request, &identity).await,
            ("POST", route) if route.ends_with("/uploads") => self.upload(request, &identity).await,
            ("POST", _) => self.operate(request, &identity).await,
            ("DELETE", _) => {
                let applicant = self.visible_applicant(request, &identity).await?;
                self.onboarding.erase(&applicant.id).await.map_err(|error| unavailable(&error))?;
                tracing::info!(applicant.id = %applicant.id, by = identity.subject, "erased");
                Ok(Response::empty(204))
            }
            (_, route) => {
                let applicant = self.visible_applicant(request, &identity).await?;
                if route.ends_with("/data") {
                    tracing::info!(applicant.id = %applicant.id, by = identity.subject, "exported");
                    let exported = self.onboarding.export(&applicant).await;
                    return Ok(Response::json(200, &exported.map_err(|error| sealed(&error))?));
                }
                self.shown(200, &applicant, &identity).await
            }
        }
    }

    async fn start(&self, request: &Request, identity: &Identity) -> Result<Response, Problem> {
        let body: StartBody = request.json()?;
        // A repeated start by the same person in the same market gets the same application.
        let mut hash = validation_hash(&json!([identity.subject, body.country, body.market_type]));
        hash.truncate(ID_LETTERS);
        let application = NewApplication {
            id: format!("apl_{hash}"),
            owner: identity.subject.clone(),
            country: body.country,
            market_type: body.market_type,
            correlation_id: request.correlation_id.clone(),
        };
        let started = self.onboarding.start(application).await;
        let Started { applicant, is_new } = started.map_err(|error| match error {
            StartError::NotOpen(_) => Problem::from_code(404, MARKET_NOT_OPEN, error.to_string()),
            StartError::Legacy(_) => Problem::from_code(409, MARKET_LEGACY, error.to_string()),
            StartError::Storage(error) => unavailable(&error),
        })?;
        if applicant.owner != identity.subject {
            // Erased since.
            return Err(Problem::from_code(409, APPLICANT_CLOSED, "the application was erased"));
        }
        let response = self.shown(if is_new { 201 } else { 200 }, &applicant, identity).await?;
        Ok(response.header("location", format!("/v1/applicants/{}", applicant.id)))
    }

    async fn submit(&self, request: &Request, identity: &Identity) -> Result<Response, Problem> {
        let (id, step) = (request.path_param("id")?, request.path_param("step")?);
        let body: StepBody = request.json()?;
        let submission = match (body.form, body.skip) {
            (Some(form), false) => Submission::Form(form),
            (None, true) => Submission::Skip,
            _ => return Err(Problem::invalid_field("form", "send either a form or \"skip\": true")),
        };
        let (now, owner) = (self.onboarding.clock.now(), identity.subject.as_str());
        let lease_until = lease_until(request.deadline_ms, now);
        let callback_api = Some(request.api_id.as_str());
        let submitted = self.onboarding.submit(SubmitRequest { id, owner, step, submission, callback_api, lease_until }).await;
        let applicant = submitted.map_err(|error| not_submitted(&error))?;
        tracing::info!(applicant.id = %applicant.id, step, "submitted");
        self.shown(200, &applicant, identity).await
    }

    async fn upload(&self, request: &Request, identity: &Identity) -> Result<Response, Problem> {
        let (id, step) = (request.path_param("id")?, request.path_param("step")?);
        let UploadBody { content_type, content_length } = request.json()?;
        let (owner, name) = (identity.subject.as_str(), &(self.new_id)("doc"));
        let upload = UploadRequest { id, owner, step, name, content_type: &content_type, content_length };
        let upload = self.onboarding.upload(upload).await.map_err(|error| match &error {
            // Its body is not a form.
            SubmitError::Wrong(wrong) => Problem::invalid_field(wrong.field.clone(), error.to_string()),
            error => not_submitted(error),
        })?;
        tracing::info!(applicant.id = id, step, "upload allowed");
        Ok(Response::json(201, &upload))
    }

    async fn operate(&self, request: &Request, identity: &Identity) -> Result<Response, Problem> {
        identity.require_role("operator")?;
        let (id, step) = (request.path_param("id")?, request.path_param("step")?);
        let OperationBody { action, reason } = request.json()?;
        if reason.trim().is_empty() {
            return Err(Problem::invalid_field("reason", "give a reason"));
        }
        let operation = Operation { id, step, operator: &identity.subject, action, reason: &reason };
        let applicant = self.onboarding.operate(operation).await.map_err(|error| match &error {
            OperateError::Unknown(_) => Problem::from_code(404, APPLICANT_UNKNOWN, error.to_string()),
            OperateError::NoStep(_) => Problem::from_code(404, APPLICANT_STEP_UNKNOWN, error.to_string()),
            OperateError::NotSkippable(_) => Problem::from_code(409, STEP_NOT_OPTIONAL, error.to_string()),
            OperateError::Moved { .. } => Problem::from_code(409, STEP_NOT_THERE, error.to_string()),
            OperateError::Storage(error) => unavailable(error),
        })?;
        tracing::info!(applicant.id = %applicant.id, step, action = ?action, operator = identity.subject, "operated");
        self.shown(200, &applicant, identity).await
    }

    /// The applicant of the request: the caller's own, or any for an operator.
    async fn visible_applicant(&self, request: &Request, identity: &Identity) -> Result<Applicant, Problem> {
        let id = request.path_param("id")?;
        let applicant = self.onboarding.applicants.applicant(id).await.map_err(|error| unavailable(&error))?;
        let visible = |applicant: &Applicant| applicant.owner == identity.subject || identity.has_role("operator");
        let unknown = || Problem::from_code(404, APPLICANT_UNKNOWN, format!("there is no application {id}"));
        applicant.filter(visible).ok_or_else(unknown)
    }

    async fn shown(&self, status: u16, applicant: &Applicant, identity: &Identity) -> Result<Response, Problem> {
        let markets = self.onboarding.markets.markets().await.map_err(|error| unavailable(&error))?;
        let view = view(applicant, &markets).map_err(|error| Problem::internal(&error))?;
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
    Problem::from_code(503, VAULT_UNAVAILABLE, "personal data can't be encrypted or decrypted right now")
        .retry_after(1)
        .caused_by(error)
}

fn not_submitted(error: &SubmitError) -> Problem {
    let message = error.to_string();
    match error {
        SubmitError::Unknown(_) => Problem::from_code(404, APPLICANT_UNKNOWN, message),
        SubmitError::NoStep(_) => Problem::from_code(404, APPLICANT_STEP_UNKNOWN, message),
        SubmitError::NotReady { next, .. } => Problem::from_code(409, STEP_NOT_READY, message).with("next", next.clone()),
        SubmitError::NotOptional(_) => Problem::from_code(409, STEP_NOT_OPTIONAL, message),
        SubmitError::NoDocument(_) => Problem::from_code(409, STEP_TAKES_NO_DOCUMENT, message),
        SubmitError::Wrong(wrong) => Problem::invalid_field(format!("form.{}", wrong.field), message),
        SubmitError::Closed => Problem::from_code(409, APPLICANT_CLOSED, message),
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
            // The submission is stored, and continues by itself.
            Problem::from_code(503, STEP_BUSY, failure.message).retry_after(5).caused_by(error)
        }
        RunError::Step(_) | RunError::Refused(_) => {
            Problem::from_code(409, STEP_REFUSED, failure.message).with("reason", failure.code).advice(failure.advice)
        }
        RunError::InProgress(_) | RunError::Superseded(..) | RunError::Compensating | RunError::CancelRequested => {
            Problem::from_code(409, STEP_BUSY, "another attempt holds this step")
        }
        RunError::Closed => Problem::from_code(409, APPLICANT_CLOSED, "the application is closed"),
        RunError::Unknown => Problem::from_code(404, APPLICANT_STEP_UNKNOWN, "the application has no such step"),
    }
}
