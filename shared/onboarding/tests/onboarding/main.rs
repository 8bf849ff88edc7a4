//! Onboarding on in-memory adapters: every path of every market, faults, kills, answers that come late, operators, privacy.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod definitions;
mod faults;
mod operators;
mod paths;
mod world;
