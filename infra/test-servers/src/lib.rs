//! Servers that tests run against, each on a free port and ended with the test: [`Postgres`], and [`Localstripe`] as a payment
//! processor that others wrote.

mod localstripe;
mod postgres;

pub use localstripe::Localstripe;
pub use postgres::Postgres;
