use crate::call::{Http, send};
use carryout_checkout::{
    partners::{Agreement, Fallback},
    ports::CallError,
};
use carryout_onboarding::ports::{VendorAnswer, VendorError, VendorKind, VendorRequest, Vendors};
use serde::Deserialize;
use serde_json::json;

/// What is agreed with every vendor of onboarding: its step is tried again for as long as it takes.
const VENDOR: Agreement =
    Agreement { name: "vendor", timeout_ms: 3_000, longest_processing_ms: 8_000, fallback: Fallback::Queue };

/// The vendors of onboarding behind HTTP: `POST /v1/{kind}/requests`, answered at once or by a callback, and
/// `GET /v1/{kind}/requests?key=`.
#[derive(Clone)]
pub struct HttpVendors {
    http: Http,
    base_url: String,
    answer_to: String,
}

#[derive(Deserialize)]
struct Found {
    found: Option<VendorAnswer>,
}

impl HttpVendors {
    /// The vendors below `base_url`, who answer later to `answer_to`.
    pub fn new(http: Http, base_url: impl Into<String>, answer_to: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into(), answer_to: answer_to.into() }
    }

    fn url(&self, kind: VendorKind) -> String {
        format!("{}/v1/{}/requests", self.base_url, kind.name())
    }
}

fn unheard(error: CallError) -> VendorError {
    match error {
        CallError::Unavailable { detail, .. } => VendorError::Unavailable(detail),
        CallError::Unclear { detail, .. } => VendorError::NoAnswer(detail),
        CallError::Refused { code, detail, .. } => VendorError::Unavailable(format!("{code}: {detail}")),
    }
}

impl Vendors for HttpVendors {
    async fn ask(&self, request: &VendorRequest) -> Result<VendorAnswer, VendorError> {
        let body = json!({ "details": request.details, "answer_to": self.answer_to });
        let post = self.http.client().post(self.url(request.kind)).header("Idempotency-Key", &request.key).json(&body);
        match send(&VENDOR, post).await {
            Err(CallError::Refused { detail, .. }) => Ok(VendorAnswer::Refused { reason: detail }),
            answered => answered.map_err(unheard),
        }
    }

    async fn find(&self, kind: VendorKind, key: &str) -> Result<Option<VendorAnswer>, VendorError> {
        let get = self.http.client().get(self.url(kind)).query(&[("key", key)]);
        let found: Found = send(&VENDOR, get).await.map_err(unheard)?;
        Ok(found.found)
    }
}
