use super::{Problem, Request, body};
use crate::invocation::{is_safe_id, new_correlation_id};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

impl Request {
    /// Reads an API Gateway REST proxy event (format 1.0).
    ///
    /// # Errors
    ///
    /// 413 `Request.TooLarge` for a body above [`super::MAX_BODY_BYTES`], 400 `Request.Malformed` for an encoded body that can't be
    /// decoded, 400 `Request.NotHttp` for an event that is no request at all.
    pub fn from_event(event: Value) -> Result<Self, Problem> {
        let correlation_id = correlation_id(&event);
        let event: ProxyEvent = serde_json::from_value(event).map_err(|error| {
            Problem::new(400, "Request.NotHttp", "the event is not an API Gateway proxy request").caused_by(&error)
        })?;
        let body = body::decode(event.body.unwrap_or_default(), event.is_base64_encoded)?;
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
}

/// The id that follows a request: the client's own in `x-correlation-id` where it is fit for logs, else API Gateway's, else
/// a fresh one.
pub(super) fn correlation_id(event: &Value) -> String {
    let last =
        |value: &Value| value.as_array().map_or(Some(value), |values| values.last()).and_then(Value::as_str).map(str::to_owned);
    let header = ["multiValueHeaders", "headers"].iter().find_map(|headers| {
        let headers = event.get(headers)?.as_object()?;
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-correlation-id")).and_then(|(_, value)| last(value))
    });
    let gateway = || event.pointer("/requestContext/requestId").and_then(Value::as_str).map(str::to_owned);
    header.filter(|id| is_safe_id(id)).or_else(|| gateway().filter(|id| is_safe_id(id))).unwrap_or_else(new_correlation_id)
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
    use crate::http::MAX_BODY_BYTES;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
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
}
