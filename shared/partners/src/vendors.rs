use crate::call::{Http, send};
use carryout_checkout::{
    partners::{Fallback, PartnerPolicy},
    ports::CallError,
};
use carryout_onboarding::{
    ports::Vendors,
    vendor::{VendorAnswer, VendorError, VendorKind, VendorRequest},
};
use serde::Deserialize;
use serde_json::json;

/// What is agreed with every vendor of onboarding: its step is tried again for as long as it takes.
const VENDOR: PartnerPolicy =
    PartnerPolicy { name: "vendor", timeout_ms: 3_000, longest_processing_ms: 8_000, fallback: Fallback::Queue };

/// The vendors of onboarding behind HTTP: `POST /v1/{kind}/requests`, answered at once or by a callback, and
/// `GET /v1/{kind}/requests?key=`. A vendor refuses by an answer; a request that it does not take says nothing of the applicant.
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
    /// The vendors below `base_url`, who answer later to `answer_to`. An asterisk in it stands for the API of a request.
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
        let answer_to = match &request.callback_api {
            Some(api) => self.answer_to.replace('*', api),
            None => self.answer_to.clone(),
        };
        let body = json!({ "details": request.details, "answer_to": answer_to });
        let post = self.http.client().post(self.url(request.kind)).header("Idempotency-Key", &request.key).json(&body);
        send(&VENDOR, post).await.map_err(unheard)
    }

    async fn find(&self, kind: VendorKind, key: &str) -> Result<Option<VendorAnswer>, VendorError> {
        let get = self.http.client().get(self.url(kind)).query(&[("key", key)]);
        let found: Found = send(&VENDOR, get).await.map_err(unheard)?;
        Ok(found.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    /// A vendor that gives one answer to whatever it is asked, and where it is.
    async fn vendor(status: &'static str, body: &'static str) -> HttpVendors {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The request fits into one read, and nothing of it matters here.
            let read = stream.read(&mut vec![0; 64 * 1_024]).await.unwrap();
            assert!(read > 0);
            let length = body.len();
            let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(reply.as_bytes()).await.unwrap();
        });
        HttpVendors::new(Http::default(), format!("http://{address}"), "http://127.0.0.1/answers")
    }

    fn request() -> VendorRequest {
        VendorRequest {
            key: "apl_1/check-risk/1".to_owned(),
            kind: VendorKind::Risk,
            details: serde_json::Map::new(),
            callback_api: None,
        }
    }

    #[tokio::test]
    async fn a_vendor_refuses_by_an_answer_and_not_by_a_status() {
        let refuses = vendor("200 OK", r#"{"answer":"refused","reason":"too risky"}"#).await;
        let refused = VendorAnswer::Refused { reason: "too risky".to_owned() };
        assert_eq!(refuses.ask(&request()).await.unwrap(), refused);
        for status in [
            "400 Bad Request",
            "401 Unauthorized",
            "403 Forbidden",
            "404 Not Found",
            "422 Unprocessable Content",
            "429 Too Many Requests",
            "503 Service Unavailable",
        ] {
            let answered = vendor(status, "{}").await.ask(&request()).await;
            assert!(matches!(answered, Err(VendorError::Unavailable(_))), "{status}: {answered:?}");
        }
        let answered = vendor("500 Internal Server Error", "{}").await.ask(&request()).await;
        assert!(matches!(answered, Err(VendorError::NoAnswer(_))), "it may have been taken: {answered:?}");
    }

    #[tokio::test]
    async fn what_a_vendor_knows_of_a_key_is_found() {
        let knows = vendor("200 OK", r#"{"found":{"answer":"pending"}}"#).await;
        assert_eq!(knows.find(VendorKind::Risk, "apl_1/check-risk/1").await.unwrap(), Some(VendorAnswer::Pending));
        let knows_nothing = vendor("200 OK", r#"{"found":null}"#).await;
        assert_eq!(knows_nothing.find(VendorKind::Risk, "apl_1/check-risk/1").await.unwrap(), None);
    }
}
