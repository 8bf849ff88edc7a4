//! The deployed stack, from the outside: requests go in by HTTP, and what came of them is read from the partners' books
//! and from the stack's tables.
//!
//! `make e2e` deploys and runs them; `cargo nextest run -p e2e` runs them against the stack that `.carryout/stack.json`
//! names. Every test brings its own stores and consumers (see [`harness`]), so tests run at the same time, and again and
//! again on the same stack, without seeing each other.

mod audit;
mod cancelled;
mod compensation;
mod contract;
mod emulator;
mod exactly_once;
mod exclusive;
mod faults;
mod harness;
mod lost;
mod machines;
mod malformed;
mod mirror;
mod onboarding;
mod parity;
mod parked;
mod partner_faults;
mod placed;
mod prices;
mod reconcile;
mod refunds;
mod reprice;
mod scaling;
mod stores;
mod tokens;
mod tracks;
mod trends;
mod webhooks;
