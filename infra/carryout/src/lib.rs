//! The command line tool: what operators do with a deployed stack, and what developers do on one machine.
//!
//! [`Cli`] is the command line. Tests use the modules below it to talk to a running stack: [`client`] and [`shopping`] send
//! requests, [`routing`], [`parity`] and [`scaling`] change settings, [`trends`] and [`reconciliation`] read reports. The local cloud is a
//! crate of its own, `local-cloud`.

mod canary;
mod cli;
pub mod client;
mod control;
mod demo;
mod deploy;
pub mod forecast;
mod functions;
mod invoke;
mod lambda;
mod ledger;
mod logs;
mod order;
pub mod parity;
mod quote;
pub mod reconciliation;
pub mod routing;
pub mod scaling;
mod seed;
mod soak;
mod stack;
mod stacks;
mod statemachines;
mod token;
mod tools;
pub mod trends;
mod watch;
mod with_cloud;

pub use cli::Cli;
pub use demo::shopping;
pub use seed::marketplace;
pub use stack::Stack;
pub use token::Issuer;
