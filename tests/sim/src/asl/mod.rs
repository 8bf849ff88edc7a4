//! Amazon States Language, as much of it as the saga compiler emits and not a field more: what is not understood is
//! refused when a machine is read, never ignored when it runs.
//!
//! Source: <https://states-language.net/spec.html>, and what Step Functions documents beyond it.

mod interpreter;
mod machine;
mod path;

pub use interpreter::{Ended, Platform, Raised, run};
pub use machine::{Machine, NotUnderstood};
