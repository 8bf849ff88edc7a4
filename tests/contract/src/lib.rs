//! Files agree with each other.
//!
//! The tests in `tests/` hold what is written twice together: workflows and state machines, error codes and documents,
//! functions and the stacks, adapters and policies, routes and OpenAPI, sample events and the types that they become.
//! Each direction is checked, and each finding says what to do.
//!
//! This crate reads the files: YAML as CloudFormation means it ([`carryout_stacks::yaml`]), Rust as syntax trees ([`source`]).

pub mod adapters;
pub mod codes;
pub mod files;
pub mod findings;
pub mod imports;
pub mod openapi;
pub mod problems;
pub mod schema;
pub mod source;
pub mod template;
pub mod types;
pub mod units;
