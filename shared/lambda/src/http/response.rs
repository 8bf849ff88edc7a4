use super::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a handler answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    /// Names in lower case, each once.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// A response with no body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A response with a body of the given content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }.header("content-type", content_type)
    }

    /// `body` as JSON. A body that JSON can't hold (a map whose keys are not strings) becomes the problem `Internal`.
    pub fn json(status: u16, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::new(status, "application/json", body),
            Err(error) => Problem::internal(&error).into_response(""),
        }
    }

    /// Sets a header, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        let name = name.to_ascii_lowercase();
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a header unless there is one of this name.
    #[must_use]
    pub(crate) fn default_header(self, name: &str, value: &str) -> Self {
        if self.header_value(name).is_some() { self } else { self.header(name, value) }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of a header, whatever the case of its name.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON; null where it is something else.
    pub fn json_body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The proxy response that API Gateway expects of a Lambda.
    pub fn into_event(self) -> Value {
        let headers: Map<String, Value> = self.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        let (body, encoded) = match String::from_utf8(self.body) {
            Ok(text) => (text, false),
            Err(binary) => (STANDARD.encode(binary.as_bytes()), true),
        };
        json!({ "statusCode": self.status, "headers": headers, "body": body, "isBase64Encoded": encoded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_response_has_strings_only_and_each_header_once() {
        let response =
            Response::json(202, &json!({ "id": "ord_1" })).header("Location", "/a").header("location", "/v1/orders/ord_1");
        assert_eq!(
            response.into_event(),
            json!({
                "statusCode": 202,
                "headers": { "content-type": "application/json", "location": "/v1/orders/ord_1" },
                "body": "{\"id\":\"ord_1\"}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn a_binary_body_is_encoded() {
        let event = Response::new(200, "application/octet-stream", [0xff, 0xfe]).into_event();
        assert_eq!((event["body"].as_str(), event["isBase64Encoded"].as_bool()), (Some("//4="), Some(true)));
    }
}
