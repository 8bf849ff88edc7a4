use super::{Problem, body};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// An HTTP request, as API Gateway passes it on.
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
        body::parse(&self.body)
    }
}
