//! The deployed stack, from the outside: requests go in by HTTP, and what came of them is read from the partners' books
//! and from the stack's tables.
//!
//! `make e2e` deploys and runs them; `cargo nextest run -p e2e` runs them against the stack that `.carryout/stack.json`
//! names. Every test brings its own stores and consumers (see [`stage`]), so tests run at the same time, and again and
//! again on the same stack, without seeing each other.

mod alone;
mod audit;
mod cancelled;
mod contract;
mod emulator;
mod exactly_once;
mod faults;
mod lanes;
mod lost;
mod machines;
mod malformed;
mod mirror;
mod onboarding;
mod parity;
mod parked;
mod placed;
mod prices;
mod reconcile;
mod refunds;
mod reprice;
mod scaling;
mod stage;
mod stores;
mod survived;
mod tokens;
mod trends;
mod undone;
mod webhooks;
