//! Onboarding on in-memory adapters: every path of every market, faults, kills, answers that come late, operators, privacy.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports what should not happen by panicking")]

mod definitions;
mod faults;
mod operators;
mod paths;
mod world;
