use super::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::Segment;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::str::FromStr;
use uuid::Uuid;

/// The largest body that is read, in bytes: 64 KiB. A larger one is refused before anything else is done.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A request, as API Gateway passes it on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The route that fits, such as `/v1/orders/{id}`: what to match on, and what to log.
    pub route: String,
    /// The path that was asked for.
    pub path: String,
    /// The route's parameters by name.
    pub path_params: BTreeMap<String, String>,
    /// Query parameters by name, each with all its values in order.
    pub query: BTreeMap<String, Vec<String>>,
    /// Headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// Follows this request through every log and every partner.
    pub correlation_id: String,
    /// The client's address.
    pub source_ip: String,
    /// The id of the API that the request came through.
    pub api_id: String,
    /// When Lambda will stop this invocation. Milliseconds since the Unix epoch; 0 where nobody will.
    pub deadline_ms: i64,
}

impl Request {
    /// Reads an API Gateway REST proxy event (format 1.0).
    ///
    /// # Errors
    ///
    /// 413 `Request.TooLarge` for a body above [`MAX_BODY_BYTES`], 400 `Request.Malformed` for an encoded body that can't be
    /// decoded, 400 `Request.NotHttp` for an event that is no request at all.
    pub fn from_event(event: Value) -> Result<Self, Problem> {
        let correlation_id = correlation_id(&event);
        let event: ProxyEvent = serde_json::from_value(event).map_err(|error| {
            Problem::new(400, "Request.NotHttp", "the event is not an API Gateway proxy request").caused_by(&error)
        })?;
        let body = decoded(event.body.unwrap_or_default(), event.is_base64_encoded)?;
        let headers = if event.multi_value_headers.is_empty() {
            event.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
        } else {
            flattened(event.multi_value_headers).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
        };
        let query = if event.multi_value_query_string_parameters.is_empty() {
            event.query_string_parameters.into_iter().map(|(name, value)| (name, vec![value])).collect()
        } else {
            event.multi_value_query_string_parameters
        };
        Ok(Self {
            method: event.http_method.to_ascii_uppercase(),
            route: event.resource,
            path: event.path,
            path_params: event.path_parameters,
            query,
            headers,
            body,
            correlation_id,
            source_ip: event.request_context.identity.source_ip.unwrap_or_default(),
            api_id: event.request_context.api_id.unwrap_or_default(),
            deadline_ms: 0,
        })
    }

    /// The value of a header, whatever the case of its name; the last one where it is repeated, as API Gateway has it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A parameter of the route.
    ///
    /// # Errors
    ///
    /// 404 `Request.NoSuchRoute` where the route has none of this name.
    pub fn path_param(&self, name: &str) -> Result<&str, Problem> {
        let missing = || Problem::new(404, "Request.NoSuchRoute", format!("the path has no {name}"));
        self.path_params.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    /// The first value of a query parameter.
    pub fn query_param(&self, name: &str) -> Option<&str> {
        self.query.get(name)?.first().map(String::as_str)
    }

    /// The first value of a query parameter as a `T`; nothing where it is absent.
    ///
    /// # Errors
    ///
    /// 400 `Request.InvalidField` where it can't be one.
    pub fn query_as<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let parse =
            |value: &str| value.parse().map_err(|reason| Problem::invalid_field(name, format!("{name} is not valid: {reason}")));
        self.query_param(name).map(parse).transpose()
    }

    /// The body as a `T`.
    ///
    /// # Errors
    ///
    /// 400 `Request.Malformed` with line and column where it is not JSON, 400 `Request.InvalidField` with the path of the
    /// field (`lines[0].quantity`) where it is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Err(Problem::new(400, "Request.Malformed", "the body is empty; send a JSON object"));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.inner().classify() {
            Category::Data => invalid_field(&error),
            Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
        })?;
        reader.end().map_err(|error| malformed(&error))?;
        Ok(value)
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        400,
        "Request.Malformed",
        format!("the body is not valid JSON at line {}, column {}: {}", error.line(), error.column(), text(error)),
    )
    .with("line", error.line())
    .with("column", error.column())
}

fn invalid_field(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let text = text(error.inner());
    let mut path = String::new();
    for segment in error.path() {
        // Writing to a string can't fail.
        let _ = match segment {
            Segment::Seq { index } => write!(path, "[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => push_member(&mut path, name),
            Segment::Unknown => Ok(()),
        };
    }
    // serde reports a missing field at its parent, and an unknown one at itself or, behind `flatten`, at its parent.
    let named = ["missing field `", "unknown field `"].iter().find_map(|start| text.strip_prefix(start)?.split('`').next());
    if let Some(name) = named
        && path != name
        && !path.ends_with(&format!(".{name}"))
    {
        let _ = push_member(&mut path, name);
    }
    let detail = if path.is_empty() { text } else { format!("{path}: {text}") };
    let problem = Problem::new(400, "Request.InvalidField", detail);
    if path.is_empty() { problem } else { problem.field(path) }
}

fn push_member(path: &mut String, name: &str) -> std::fmt::Result {
    let separator = if path.is_empty() { "" } else { "." };
    write!(path, "{separator}{name}")
}

/// The message of an error without serde_json's position, which goes elsewhere.
fn text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).map(str::to_owned).unwrap_or(text)
}

/// The id that follows a request: the client's own in `x-correlation-id` where it is fit for logs, else API Gateway's, else
/// a fresh one.
pub(crate) fn correlation_id(event: &Value) -> String {
    let last =
        |value: &Value| value.as_array().map_or(Some(value), |values| values.last()).and_then(Value::as_str).map(str::to_owned);
    let header = ["multiValueHeaders", "headers"].iter().find_map(|headers| {
        let headers = event.get(headers)?.as_object()?;
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-correlation-id")).and_then(|(_, value)| last(value))
    });
    let gateway = || event.pointer("/requestContext/requestId").and_then(Value::as_str).map(str::to_owned);
    header
        .filter(|id| fit_for_logs(id))
        .or_else(|| gateway().filter(|id| fit_for_logs(id)))
        .unwrap_or_else(|| Uuid::now_v7().to_string())
}

/// `[A-Za-z0-9_.-]{1,64}`
pub(crate) fn fit_for_logs(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn decoded(body: String, is_base64_encoded: bool) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new(413, "Request.TooLarge", format!("the body is larger than {MAX_BODY_BYTES} bytes"))
            .advice("Send less in one request.")
            .with("max_bytes", MAX_BODY_BYTES)
    };
    let longest = if is_base64_encoded { MAX_BODY_BYTES.div_ceil(3) * 4 } else { MAX_BODY_BYTES };
    if body.len() > longest {
        return Err(too_large());
    }
    if !is_base64_encoded {
        return Ok(body.into_bytes());
    }
    let body = STANDARD
        .decode(body)
        .map_err(|error| Problem::new(400, "Request.Malformed", format!("the body is not valid base64: {error}")))?;
    if body.len() > MAX_BODY_BYTES { Err(too_large()) } else { Ok(body) }
}

fn flattened(values: BTreeMap<String, Vec<String>>) -> impl Iterator<Item = (String, String)> {
    values.into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyEvent {
    http_method: String,
    resource: String,
    path: String,
    #[serde(default, deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "or_default")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    multi_value_query_string_parameters: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "or_default")]
    path_parameters: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    request_context: RequestContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    api_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    identity: ClientIdentity,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct ClientIdentity {
    source_ip: Option<String>,
}

/// API Gateway writes `null` where there is nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(body: Value) -> Value {
        json!({
            "resource": "/v1/orders/{id}",
            "path": "/v1/orders/ord_1",
            "httpMethod": "get",
            "headers": { "Idempotency-Key": "k", "X-Twice": "b" },
            "multiValueHeaders": { "Idempotency-Key": ["k"], "X-Twice": ["a", "b"] },
            "queryStringParameters": { "lat": "37.7" },
            "multiValueQueryStringParameters": { "lat": ["37.7"], "created[gte]": ["1"] },
            "pathParameters": { "id": "ord_1" },
            "requestContext": { "requestId": "gateway-1", "identity": { "sourceIp": "192.0.2.1" } },
            "body": body,
            "isBase64Encoded": false,
        })
    }

    fn with_body(body: &str) -> Request {
        Request { body: body.into(), ..Request::default() }
    }

    #[test]
    fn a_proxy_event_becomes_a_request() {
        let request = Request::from_event(event(json!("{}"))).unwrap();
        assert_eq!(
            (request.method.as_str(), request.route.as_str(), request.path.as_str()),
            ("GET", "/v1/orders/{id}", "/v1/orders/ord_1")
        );
        assert_eq!(request.path_param("id"), Ok("ord_1"));
        assert_eq!(request.path_param("other").unwrap_err().code(), "Request.NoSuchRoute");
        assert_eq!(request.query_as::<f64>("lat"), Ok(Some(37.7)));
        assert_eq!(request.query_as::<u8>("lat").unwrap_err().wrong_field(), Some("lat"));
        assert_eq!(request.query_as::<u8>("lng"), Ok(None));
        assert_eq!(request.header("IDEMPOTENCY-key"), Some("k"));
        assert_eq!(request.header("x-twice"), Some("b"));
        assert_eq!(request.source_ip, "192.0.2.1");
        assert_eq!(request.body, b"{}");
    }

    #[test]
    fn what_is_absent_may_be_null() {
        let mut sparse = event(Value::Null);
        for member in
            ["headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters"]
        {
            sparse[member] = Value::Null;
        }
        let request = Request::from_event(sparse).unwrap();
        assert_eq!((request.body.len(), request.headers.len(), request.query.len()), (0, 0, 0));
        assert_eq!(Request::from_event(json!({ "Records": [] })).unwrap_err().code(), "Request.NotHttp");
    }

    #[test]
    fn the_clients_correlation_id_wins_where_it_is_fit_for_logs() {
        let mut own = event(Value::Null);
        own["multiValueHeaders"] = json!({ "X-Correlation-Id": ["client-1"] });
        assert_eq!(correlation_id(&own), "client-1");
        for unfit in ["", "a b", "a\nb", &"x".repeat(65)] {
            own["multiValueHeaders"] = json!({ "x-correlation-id": [unfit] });
            assert_eq!(correlation_id(&own), "gateway-1", "{unfit:?}");
        }
        assert_eq!(correlation_id(&json!({ "headers": { "x-correlation-id": "h-1" } })), "h-1");
        assert_eq!(correlation_id(&json!({})).len(), 36);
    }

    #[test]
    fn an_encoded_body_is_decoded() {
        let mut encoded = event(json!("eyJhIjoxfQ=="));
        encoded["isBase64Encoded"] = true.into();
        assert_eq!(Request::from_event(encoded.clone()).unwrap().body, b"{\"a\":1}");
        encoded["body"] = "%".into();
        assert_eq!(Request::from_event(encoded).unwrap_err().code(), "Request.Malformed");
    }

    #[test]
    fn a_body_that_is_too_large_is_refused_encoded_or_not() {
        let fits = "x".repeat(MAX_BODY_BYTES);
        let too_large = "x".repeat(MAX_BODY_BYTES + 1);
        assert!(Request::from_event(event(json!(fits))).is_ok());
        assert_eq!(Request::from_event(event(json!(too_large))).unwrap_err().status(), 413);
        for (body, accepted) in [(fits, true), (too_large, false)] {
            let mut encoded = event(json!(STANDARD.encode(body)));
            encoded["isBase64Encoded"] = true.into();
            assert_eq!(Request::from_event(encoded).is_ok(), accepted);
        }
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Cart {
        store: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Line {
        quantity: u32,
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        for (body, field) in [
            (r#"{"store":"s","lines":[{"quantity":1},{"quantity":"two"}]}"#, Some("lines[1].quantity")),
            (r#"{"store":"s","lines":[{"quantity":-1}]}"#, Some("lines[0].quantity")),
            (r#"{"store":"s","lines":[{}]}"#, Some("lines[0].quantity")),
            (r#"{"store":"s","lines":[{"quantity":1,"price":1}]}"#, Some("lines[0].price")),
            (r#"{"lines":[]}"#, Some("store")),
            (r#"{"store":"s","lines":[],"extra":1}"#, Some("extra")),
            ("17", None),
        ] {
            let problem = with_body(body).json::<Cart>().unwrap_err();
            assert_eq!((problem.code(), problem.wrong_field()), ("Request.InvalidField", field), "{body}: {problem}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_located() {
        for (body, place) in [
            ("{\n  \"store\": }", "line 2, column 12"),
            ("{\"store\":\"s\"", "line 1, column 12"),
            ("{\"store\":\"s\",\"lines\":[]} x", "line 1, column 26"),
        ] {
            let problem = with_body(body).json::<Cart>().unwrap_err();
            assert_eq!((problem.status(), problem.code()), (400, "Request.Malformed"));
            assert!(problem.detail().contains(place), "{problem}");
        }
        assert!(with_body(" ").json::<Cart>().unwrap_err().detail().contains("empty"));
    }
}
