//! What every function needs once.
//!
//! A function's `main` wires, in this order: [`telemetry::init`], a [`config::Reader`], its adapters, and one of
//! [`run_http`], [`run_task`], [`run_batch`], [`run_schedule`], [`run_stream`] or [`run_http_or_batch`]. Its handler is a plain async
//! function over [`http::Request`], a JSON value or a [`batch::Message`], and is tested without Lambda.
//!
//! Nothing here is kept per invocation outside the invocation's own tracing span and future, so one environment may
//! serve many requests at once.

pub mod batch;
pub mod clock;
pub mod config;
pub mod http;
pub mod idempotency;
pub mod ids;
mod invocation;
pub mod metrics;
mod serve;
pub mod signature;
pub mod step;
mod task;
pub mod telemetry;
#[cfg(test)]
mod test_events;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;

pub use invocation::{Invocation, lease_until};
pub use serve::{run_batch, run_http, run_http_or_batch, run_schedule, run_stream, run_task};
pub use task::{TaskError, handle_schedule, handle_stream, handle_task};

/// The error that a function's `main` may end with.
pub type Error = lambda_runtime::Error;
