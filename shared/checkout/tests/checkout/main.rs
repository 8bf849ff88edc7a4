//! The checkout over its in-memory adapters: what becomes of an order, of its money, of the stock, of the messages.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

mod cancel;
mod closing;
mod delivery_and_merchant;
mod fraud;
mod hours;
mod ledger;
mod limits;
mod payment;
mod quoting;
mod reconcile;
mod redrive;
mod refunds;
mod reprice;
mod runs;
mod submit;
mod sweep;
mod track;
mod whole_workflow;
mod world;
