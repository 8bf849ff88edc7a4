//! Plays the partners (payment, fraud, logistics, merchants, vendors, a legacy system), keeps books, and injects faults.
//!
//! A call goes through [`Sandbox::handle`]: it is routed to its partner, the oldest matching fault is consumed, the partner
//! acts unless the fault prevents it, the call is recorded in the books, and the answer is given, delayed or replaced.
//! Deferred work comes back through [`Sandbox::deliver`].

pub mod books;
pub mod call;
pub mod callbacks;
mod dispatch;
pub mod documents;
pub mod faults;
pub mod fraud;
mod ids;
pub mod legacy;
pub mod logistics;
pub mod merchant;
mod partner;
mod partners;
pub mod payment;
mod sandbox;
pub mod vendors;

pub use call::Partner;
pub use sandbox::{Ports, Sandbox, SandboxError, Settings};

#[cfg(test)]
mod tests;
