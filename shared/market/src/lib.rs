//! Markets as data: one file says in which country and currency a market trades, under which taxes and fees, which workflows
//! handle its orders, and whether it is open.
//!
//! [`Markets::embedded`] holds the files of `markets/`. An override in the control table replaces one of them after the same
//! [`lint()`], while the process runs: a service asks its [`MarketSource`] for the markets in force.

mod id;
pub mod ids;
mod lint;
mod market;
mod market_type;
mod markets;
mod text;
pub mod workflows;

pub use id::{CountryCode, InvalidId, MarketId};
pub use lint::{MarketFinding, MarketRule, lint, parse};
pub use market::{CheckoutWorkflows, FeeRule, FeeSource, Limits, Market, Opening, OpeningState, TaxRegime, TaxRule, UNTAXED};
pub use market_type::MarketType;
pub use markets::{InvalidMarkets, MarketSource, Markets, NotServed, file_of};
pub use text::Text;
