//! Runs Carryout on one machine: starts a local cloud, builds the functions, deploys the stack, seeds it, signs tokens,
//! and plays a round of orders. [`Cli`] is the command line; [`client`], [`shopping`] and [`Stack`] are also what tests
//! use to talk to a running stack, [`local_cloud`] to kill some of it, [`routing`] to choose tracks, [`parity`] to compare
//! prices, [`postgres`] and [`Localstripe`] to have a database and a payment processor, [`npm`] to compare with what
//! others wrote, [`forecast`] to read load, and [`scaling`] to
//! see and tell the scaler.

mod canary;
mod cli;
pub mod client;
mod control;
mod demo;
mod deploy;
pub mod forecast;
mod functions;
mod ledger;
pub mod local_cloud;
mod localstripe;
pub mod npm;
mod order;
pub mod parity;
pub mod postgres;
mod predicate;
mod price;
mod project;
mod quote;
pub mod reconciliation;
pub mod routing;
pub mod scaling;
mod seed;
mod soak;
mod stack;
mod statemachines;
mod terminal;
mod token;
mod tools;
pub mod trends;
mod with_cloud;

pub use cli::Cli;
pub use demo::shopping;
pub use localstripe::Localstripe;
pub use project::Project;
pub use seed::marketplace;
pub use stack::Stack;
pub use terminal::{Step, Terminal};
pub use token::Issuer;
