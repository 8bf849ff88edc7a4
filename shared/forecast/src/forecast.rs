//! Forecasts: the load expected in the slots to come, with quantiles.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use thiserror::Error;

use crate::event::{Calendar, Occurrences};
use crate::learn::{Choice, POINTS, View, Walk};
use crate::methods::{Basis, Method, Past, mask};
use crate::series::{Series, Slot};

/// The furthest a forecast goes after the last slot, in days: a day less than a week, so that the same slot of the week
/// before is always past.
pub const MOST_DAYS: usize = 6;

/// Days of history that a choice is learned from, besides the weeks before them that methods look back on.
const LEARNED_DAYS: usize = 42;

/// Minutes of silence after which a feed is late, and those after which it has stopped.
const LATE_MINUTES: usize = 30;
const STOPPED_MINUTES: usize = 24 * 60;

/// Why there is no forecast.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForecastError {
    /// The horizon is too far, or no slot long.
    #[error(
        "a forecast of {slots} slots of {slot} is not possible; ask for 1 to {most}, which is {MOST_DAYS} days after the data"
    )]
    Horizon {
        /// What was asked for, with the slots since the data ends.
        slots: usize,
        /// The slot's length.
        slot: Slot,
        /// The furthest possible.
        most: usize,
    },
    /// The first slot asked for is one that the series has.
    #[error("the forecast begins at {from}, which the data already has; it ends at {until}")]
    Past {
        /// The first slot asked for.
        from: Timestamp,
        /// Where the data ends.
        until: Timestamp,
    },
}

/// Whether load is still being reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// The last slots are known.
    Live,
    /// Nothing was heard for half an hour or more: levels fade, and the band is that of forecasts from so long ago.
    Late,
    /// Nothing was heard for a day or more: a plan does not go below what is set.
    Stopped,
}

/// The load expected in consecutive slots.
#[derive(Debug, Clone)]
pub struct Forecast {
    start: Timestamp,
    slot: Slot,
    basis: Basis,
    feed: Feed,
    expected: Vec<f64>,
    spreads: Vec<f64>,
    groups: Vec<usize>,
    quantiles: Vec<Vec<f64>>,
}

impl Choice {
    /// Learns from a series which methods to trust for forecasts of up to `horizon` slots.
    pub fn learn(series: &Series, calendar: &Calendar, horizon: usize) -> Result<Self, ForecastError> {
        check_horizon(series, horizon)?;
        let past = Past::new(series, calendar, horizon);
        let step = (series.slot().per_day() / 24).max(1);
        let first =
            series.len().saturating_sub(LEARNED_DAYS * series.slot().per_day()).max(series.slot().per_week()).min(series.len());
        let mut walk = Walk::new(&past, vec![mask(Method::Combined)], first, horizon, step);
        for origin in (first..series.len()).step_by(step) {
            walk.visit(origin);
        }
        Ok(walk.into_choice(0, series.len()))
    }
}

impl Forecast {
    /// Forecasts `horizon` slots from the one that begins at `from`, which is where the series ends or later. Slots between
    /// the two are unknown.
    pub fn make(
        series: &Series,
        calendar: &Calendar,
        choice: &Choice,
        from: Timestamp,
        horizon: usize,
    ) -> Result<Self, ForecastError> {
        let end = series.len();
        let wait = match series.index_of(from).and_then(|index| index.checked_sub(end)) {
            Some(wait) => wait,
            None => return Err(ForecastError::Past { from, until: series.at(end) }),
        };
        let whole = wait.saturating_add(horizon);
        check_horizon(series, whole)?;
        if horizon == 0 {
            return Err(ForecastError::Horizon { slots: 0, slot: series.slot(), most: MOST_DAYS * series.slot().per_day() });
        }
        let past = Past::new(series, calendar, whole);
        let unknown = past.silence(end);
        let (view, groups) = choice.view(&past, end, whole, unknown);
        let (mut expected, mut spreads) = with_events(&view, &past.events, end, past.slot_seconds);
        expected.drain(..wait);
        spreads.drain(..wait);
        let silence = (unknown + wait) * usize::from(series.slot().minutes());
        let feed = match silence {
            _ if end == 0 => Feed::Live,
            0..LATE_MINUTES => Feed::Live,
            LATE_MINUTES..STOPPED_MINUTES => Feed::Late,
            _ => Feed::Stopped,
        };
        Ok(Self {
            start: series.at(end + wait),
            slot: series.slot(),
            basis: past.basis(end),
            feed,
            expected,
            spreads,
            groups: groups.into_iter().skip(wait).collect(),
            quantiles: choice.quantiles(),
        })
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.expected.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// When the first slot begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// How long each slot is.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The same as a duration.
    pub(crate) fn slot_duration(&self) -> SignedDuration {
        SignedDuration::from_secs(self.slot.seconds())
    }

    /// What it rests on.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Whether load is still being reported.
    pub fn feed(&self) -> Feed {
        self.feed
    }

    /// The load expected in a slot, 0 after the last one.
    pub fn expected(&self, index: usize) -> f64 {
        self.expected.get(index).copied().unwrap_or(0.0)
    }

    /// The load that is not exceeded in a slot with this probability, from 0 to 1.
    pub fn quantile(&self, index: usize, share: f64) -> f64 {
        let point = share.clamp(0.0, 1.0) * POINTS as f64;
        let group = self.groups.get(index).and_then(|group| self.quantiles.get(*group));
        let at = |point: f64| group.and_then(|quantiles| quantiles.get(point as usize)).copied().unwrap_or(0.0);
        let (below, above) = (at(point.floor()), at(point.ceil()));
        let error = below + (above - below) * point.fract();
        let spread = self.spreads.get(index).copied().unwrap_or(0.0);
        (self.expected(index) + spread * error).max(0.0)
    }

    /// One sentence for people: what the forecast rests on.
    pub fn explain(&self) -> String {
        let basis = match self.basis {
            Basis::Weeks(1) => "the same slots of the one week there is".to_owned(),
            Basis::Weeks(weeks) => format!("the same slots of the last weeks (of {weeks}) and the recent level"),
            Basis::Days(days) => format!("the same slots of {days} days, since there is no week yet; the band is assumed"),
            Basis::Level => "the level of the last hour, since there is no day yet; the band is assumed".to_owned(),
            Basis::Nothing => "nothing, since there is no history; plans keep to their minimum".to_owned(),
        };
        let feed = match self.feed {
            Feed::Live => "",
            Feed::Late => "; the feed is late, so the band is wider",
            Feed::Stopped => "; the feed has stopped, so plans do not go below what is set",
        };
        format!("rests on {basis}{feed}")
    }
}

/// A view under its events: the load in each slot, and the width of its band.
pub(crate) fn with_events(view: &View, events: &Occurrences, origin: usize, slot_seconds: i64) -> (Vec<f64>, Vec<f64>) {
    let widths = view.expected.iter().zip(&view.scales).map(|(expected, scale)| (expected + view.floor) * scale);
    let mut tops: Vec<f64> = view.expected.iter().zip(widths).map(|(expected, width)| expected + width).collect();
    let mut expected = view.expected.clone();
    events.apply(&mut expected, origin, origin, slot_seconds);
    events.apply(&mut tops, origin, origin, slot_seconds);
    let spreads = tops.iter().zip(&expected).map(|(top, expected)| (top - expected).max(0.0)).collect();
    (expected, spreads)
}

pub(crate) fn check_horizon(series: &Series, slots: usize) -> Result<(), ForecastError> {
    let most = MOST_DAYS * series.slot().per_day();
    if slots == 0 || slots > most {
        return Err(ForecastError::Horizon { slots, slot: series.slot(), most });
    }
    Ok(())
}
