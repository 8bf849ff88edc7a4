//! The standard collectors, in the order in which they run.

mod credits;
mod discounts;
mod fees;
mod subtotal;
mod tax;
mod tip;

pub(crate) use credits::Credits;
pub(crate) use discounts::{FeeDiscounts, LineDiscounts};
pub(crate) use fees::Fees;
pub(crate) use subtotal::Subtotal;
pub(crate) use tax::Tax;
pub(crate) use tip::Tip;
