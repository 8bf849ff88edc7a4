//! Runs Carryout on one machine: starts a local cloud, builds the functions, deploys the stack, seeds it, signs tokens,
//! and plays a round of orders. [`Cli`] is the command line; [`client`] and [`Stack`] are also what tests use to talk to
//! a running stack.

mod cli;
pub mod client;
mod demo;
mod deploy;
mod functions;
mod local_cloud;
mod project;
mod seed;
mod stack;
mod statemachines;
mod terminal;
mod token;
mod tools;

pub use cli::Cli;
pub use project::Project;
pub use seed::marketplace;
pub use stack::Stack;
pub use terminal::{Step, Terminal};
pub use token::Issuer;
