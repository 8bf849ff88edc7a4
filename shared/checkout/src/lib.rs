//! The checkout, in the order in which it happens.
//!
//! 1. A person finds a [`store`] and asks what a cart costs: [`quoting`] prices it and locks the price.
//! 2. [`submit`] takes the order: loads everything at once, validates, writes the [`order`] once, sends one message.
//! 3. [`routing`] has chosen which versions of the steps handle it; [`start`] picks the market's workflow out of [`workflows`] and starts it.
//! 4. The [`steps`] run, each under its claim; on a permanent failure their undos run, newest first.
//! 5. [`track`] tells where the order stands. [`sweep`] finds orders that stopped moving and drives them on.
//! 6. The consumer may [`cancel`] until the store has accepted; an operator may [`redrive`] an order whose undo could not
//!    be finished.
//! 7. The [`ledger`] tells where an order's money is. [`reconcile`] holds it against what the processor says.
//! 8. What an order costs after a substitution, a weighed item or a missing line is told by [`reprice`].
//! 9. An operator gives back what was paid, or a part of it, with [`request_refund`]; a workflow of its own works on the
//!    [`refund`].
//!
//! Promotions and credits of which there is a limited amount are counted in [`redemptions`]. What a price depended on is kept with its
//! quote, and [`audit`] computes it again.
//!
//! Readers of the system before this one are served by the mirror in [`legacy`]; its prices are held against ours in
//! [`parity`]. What prices do over time is in [`trends`].
//!
//! What the checkout needs from the world outside is in [`ports`]; what is agreed with each partner in [`partners`];
//! every error code in [`codes`].

pub mod audit;
pub mod cancel;
pub mod cart;
pub mod codes;
pub mod consumer;
pub mod decline;
pub mod ledger;
pub mod order;
pub mod partners;
pub mod ports;
mod providers;
pub mod quoting;
pub mod reconcile;
pub mod redemptions;
pub mod redrive;
pub mod refund;
pub mod reprice;
pub mod request_refund;
pub mod routing;
pub mod start;
pub mod steps;
pub mod store;
pub mod submit;
pub mod sweep;
pub mod track;
pub mod workflows;
