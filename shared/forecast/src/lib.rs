//! Demand forecasting and capacity planning: pure functions over series of offered load.
//!
//! A [`Series`] holds what arrived, slot by slot. [`Choice::learn`] forecasts its past from one origin after another to see
//! which [`Method`] to trust at which horizon and how wrong it tends to be; [`Forecast::make`] forecasts what comes, with
//! quantiles; [`plan()`] turns forecasts into provisioned concurrency within the limits of functions and their account.
//! [`backtest()`] tells what forecasts would have been worth, and [`compare`] replays days request by request under a forecast
//! and under other policies. Nothing here knows a clock, and no forecast reads what lies after its origin.
//!
//! ```
//! use carryout_forecast::{Calendar, Choice, Forecast, Market, Slot};
//! use jiff::tz::TimeZone;
//!
//! let zone = TimeZone::get("America/New_York")?;
//! let market = Market { seed: 7, start: "2026-01-05T05:00Z".parse()?, slot: Slot::HalfHour, zone, days: 35, mean: 400.0 };
//! let (series, calendar) = (market.series()?, Calendar::default());
//! let choice = Choice::learn(&series, &calendar, 48)?;
//! let forecast = Forecast::make(&series, &calendar, &choice, series.at(series.len()), 48)?;
//! let dinner = 2 * 19;
//! assert!(forecast.expected(dinner) > 3.0 * forecast.expected(2 * 4));
//! assert!(forecast.quantile(dinner, 0.95) > forecast.expected(dinner));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backtest;
mod event;
mod forecast;
mod generator;
mod learn;
mod local_time;
mod margin;
mod methods;
mod plan;
mod policies;
mod price;
mod series;
mod simulate;
mod smoothing;

pub use backtest::{Backtest, MEAN_CONCURRENCY, Point, Score, Settings, backtest};
pub use event::{Calendar, CalendarError, Effect, Event};
pub use forecast::{Feed, Forecast, ForecastError, MOST_DAYS};
pub use generator::Market;
pub use learn::Choice;
pub use margin::Margin;
pub use methods::{Basis, Method};
pub use plan::{Account, Function, Pinned, Plan, PlanError, Planned, Setting, plan};
pub use policies::{Compared, compare};
pub use price::{Architecture, PRICES_OF, Price, PriceError};
pub use series::{Gaps, Series, SeriesError, Slot};
pub use simulate::{Environments, Outcome, Policy, simulate};
