//! Statistics of the prices that consumers are quoted, and the watch that reports unusual hours.
//!
//! [`Trends`] stores [`Statistics`] of every price measure by market, minute and hour. [`watch`] compares the last full hour with the
//! same hour of earlier weeks.

mod statistics;
mod trends;

pub use statistics::{Expected, Statistics};
pub use trends::{Anomaly, MIN_QUOTES, Observation, PriceWatch, Span, Trends, WEEKS, watch};
