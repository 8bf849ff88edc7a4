//! Requests and responses of an API Gateway REST API, and problem replies (RFC 9457).

mod body;
mod handle;
mod problem;
mod proxy_event;
mod request;
mod response;

pub use body::MAX_BODY_BYTES;
pub use handle::handle_http;
pub use problem::Problem;
pub(crate) use problem::chain;
pub use request::Request;
pub use response::Response;
