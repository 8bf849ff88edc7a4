//! Runs Carryout on one machine: starts a local cloud, builds the functions, deploys the stack, seeds it, signs tokens,
//! and plays a round of orders. [`Cli`] is the command line; [`client`], [`shopping`] and [`Stack`] are also what tests
//! use to talk to a running stack, [`local_cloud`] to kill some of it, [`postgres`] to have a database, and
//! [`routing`] to choose lanes.

mod cli;
pub mod client;
mod demo;
mod deploy;
mod functions;
pub mod local_cloud;
pub mod postgres;
mod project;
pub mod routing;
mod sandbox;
mod seed;
mod stack;
mod statemachines;
mod terminal;
mod token;
mod tools;
mod with_cloud;

pub use cli::Cli;
pub use demo::shopping;
pub use project::Project;
pub use seed::marketplace;
pub use stack::Stack;
pub use terminal::{Step, Terminal};
pub use token::Issuer;
