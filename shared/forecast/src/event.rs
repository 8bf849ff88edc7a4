//! The event calendar: holidays, promotions, closures.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::local_time::LocalTime;
use crate::series::Series;

/// Weeks before an occurrence that it is compared with.
const WEEKS_COMPARED: usize = 4;

/// One occurrence of an event. Occurrences with the same name are the same event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What it is called, for example `thanksgiving`.
    pub name: String,
    /// When it begins, in the series' local time.
    pub from: DateTime,
    /// When it is over: the first moment after it.
    pub until: DateTime,
    /// Load ÷ what the load would be without it, from 0. Without this and `per_second`, it is learned from earlier
    /// occurrences, and is 1 where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<f64>,
    /// Requests in each second, whatever the load would be without it: 0 for a closure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
}

/// Why a calendar is wrong.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// An event ends before it begins.
    #[error("event `{name}` from {from} ends at {until}; `until` is the first moment after the event")]
    Backwards {
        /// The event.
        name: String,
        /// Its beginning.
        from: DateTime,
        /// Its end.
        until: DateTime,
    },
    /// An effect is no number from 0, or there are two.
    #[error("event `{name}` from {from} needs one of `multiplier` and `per_second`, a number from 0, or neither, to be learned")]
    Effect {
        /// The event.
        name: String,
        /// Its beginning.
        from: DateTime,
    },
}

/// Events, earliest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Calendar {
    events: Vec<Event>,
}

/// How an occurrence changes the load, as known at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Load is this many times what it would be.
    Multiplier(f64),
    /// Load is this many requests in each second.
    PerSecond(f64),
    /// Load is this many times what it would be, as so many earlier occurrences teach.
    Learned {
        /// The mean over the occurrences.
        multiplier: f64,
        /// How many there were.
        occurrences: usize,
    },
    /// There is nothing to learn from: the load is forecast as if there were no event.
    Unknown,
}

impl Calendar {
    /// A calendar of these events, in any order.
    pub fn new(mut events: Vec<Event>) -> Result<Self, CalendarError> {
        for Event { name, from, until, multiplier, per_second } in &events {
            if until <= from {
                return Err(CalendarError::Backwards { name: name.clone(), from: *from, until: *until });
            }
            let is_amount = |amount: &Option<f64>| amount.is_none_or(|amount| (0.0..=1e9).contains(&amount));
            if !is_amount(multiplier) || !is_amount(per_second) || (multiplier.is_some() && per_second.is_some()) {
                return Err(CalendarError::Effect { name: name.clone(), from: *from });
            }
        }
        events.sort_by_key(|event| event.from);
        Ok(Self { events })
    }

    /// The events, earliest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What each event does to the load, as a forecast made after the whole series would take it.
    pub fn effects(&self, series: &Series) -> Vec<(Event, Effect)> {
        let time = LocalTime::new(series, series.len());
        let occurrences = Occurrences::new(self, series, &time);
        self.events.iter().cloned().zip((0..).map(|index| occurrences.effect(index, series.len()))).collect()
    }
}

/// A calendar laid over a series.
#[derive(Debug)]
pub(crate) struct Occurrences {
    occurrences: Vec<Occurrence>,
}

#[derive(Debug)]
struct Occurrence {
    name: String,
    from: usize,
    until: usize,
    given: Option<Effect>,
    /// Load ÷ the mean of the same slots before, once it is over.
    observed: Option<f64>,
}

impl Occurrences {
    pub(crate) fn new(calendar: &Calendar, series: &Series, time: &LocalTime) -> Self {
        let seconds = series.slot().seconds();
        let index = |local: DateTime| {
            let moment = series.zone().to_ambiguous_timestamp(local).compatible().ok();
            let since = moment.map_or(i64::MAX, |moment| moment.as_second().saturating_sub(series.start().as_second()));
            usize::try_from(since.div_euclid(seconds)).unwrap_or(0)
        };
        let spans: Vec<(usize, usize)> = calendar.events.iter().map(|event| (index(event.from), index(event.until))).collect();
        let mut usual = series.raw().to_vec();
        for (from, until) in &spans {
            usual.iter_mut().take(*until).skip(*from).for_each(|value| *value = f64::NAN);
        }
        let occurrence = |(event, (from, until)): (&Event, &(usize, usize))| {
            let (from, until) = (*from, *until);
            let given = event.multiplier.map(Effect::Multiplier).or(event.per_second.map(Effect::PerSecond));
            let observed = if until <= series.len() { observed(series, &usual, time, from, until) } else { None };
            Occurrence { name: event.name.clone(), from, until, given, observed }
        };
        Self { occurrences: calendar.events.iter().zip(&spans).map(occurrence).collect() }
    }

    /// What an occurrence does, as known when slot `origin` begins.
    fn effect(&self, index: usize, origin: usize) -> Effect {
        let Some(occurrence) = self.occurrences.get(index) else { return Effect::Unknown };
        if let Some(given) = occurrence.given {
            return given;
        }
        let over = origin.min(occurrence.from);
        let earlier = self.occurrences.iter().filter(|other| other.name == occurrence.name && other.until <= over);
        let (sum, count) =
            earlier.filter_map(|other| other.observed).fold((0.0, 0_usize), |(sum, count), ratio| (sum + ratio, count + 1));
        if count == 0 { Effect::Unknown } else { Effect::Learned { multiplier: sum / count as f64, occurrences: count } }
    }

    /// Changes `forecast`, which begins with slot `first` and was made at `origin`, by the events that touch it.
    pub(crate) fn apply(&self, forecast: &mut [f64], first: usize, origin: usize, seconds: i64) {
        for (index, occurrence) in self.occurrences.iter().enumerate() {
            let within = occurrence.from.max(first)..occurrence.until.min(first + forecast.len());
            if within.is_empty() {
                continue;
            }
            let effect = self.effect(index, origin);
            for value in forecast.iter_mut().take(within.end - first).skip(within.start - first) {
                match effect {
                    Effect::Multiplier(multiplier) | Effect::Learned { multiplier, .. } => *value *= multiplier,
                    Effect::PerSecond(rate) => *value = rate * seconds as f64,
                    Effect::Unknown => {}
                }
            }
        }
    }

    /// Takes the events out of the past: load under a multiplier is divided by it, any other load under an event teaches
    /// nothing about days without one.
    pub(crate) fn take_out(&self, values: &mut [f64]) {
        for (index, occurrence) in self.occurrences.iter().enumerate() {
            let effect = self.effect(index, occurrence.from);
            let span = values.iter_mut().take(occurrence.until).skip(occurrence.from);
            span.for_each(|value| match effect {
                Effect::Multiplier(multiplier) | Effect::Learned { multiplier, .. } if multiplier > 0.05 => *value /= multiplier,
                _ => *value = f64::NAN,
            });
        }
    }
}

/// Load ÷ the mean of the same slots in the weeks before, of those without any event.
fn observed(series: &Series, without_events: &[f64], time: &LocalTime, from: usize, until: usize) -> Option<f64> {
    let (mut load, mut usual) = (0.0, 0.0);
    for index in from..until {
        let weeks = (1..=WEEKS_COMPARED).filter_map(|week| without_events.get(time.days_before(index, 7 * week)?));
        let weeks = weeks.filter(|value| !value.is_nan());
        let (sum, count) = weeks.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
        if let (Some(value), true) = (series.get(index), count > 0) {
            load += value;
            usual += sum / count as f64;
        }
    }
    (usual > 0.0).then(|| load / usual)
}
