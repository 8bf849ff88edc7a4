//! Requests and responses of an API Gateway REST API, and problem replies (RFC 9457).

mod problem;
mod request;
mod response;

pub use problem::Problem;
pub(crate) use problem::chain;
pub use request::{MAX_BODY_BYTES, Request};
pub use response::Response;

pub(crate) use request::{correlation_id, fit_for_logs};
