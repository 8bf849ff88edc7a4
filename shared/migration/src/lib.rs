//! The move from the legacy system to this one: everything that is deleted once it is complete.
//!
//! [`mirror`] copies orders to the legacy system for its readers. [`parity`] compares the legacy system's prices with ours and decides
//! which of the two a consumer is shown. [`partners`] has the timeouts and fallbacks. No other domain crate depends on this one.

pub mod mirror;
pub mod parity;
pub mod partners;
