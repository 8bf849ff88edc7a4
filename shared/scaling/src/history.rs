//! What arrived, in slots of five minutes.

use std::collections::BTreeMap;

use carryout_forecast::{Series, SeriesError, Slot};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The slots of the history and of plans.
pub const SLOT: Slot = Slot::FiveMinutes;
/// Days of history that are kept and planned from: five weeks.
pub const HISTORY_DAYS: i64 = 35;

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// What is in use is the most of so many minutes.
const IN_USE_MINUTES: i64 = 15;
/// A duration is the mean of so many seconds.
const MEASURED_SECONDS: i64 = DAY_SECONDS;

/// What a function was asked and did in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Observed {
    /// Requests that arrived, those included that were throttled.
    pub arrived: f64,
    /// Seconds that environments were busy.
    pub busy: f64,
    /// The most environments that were busy at once.
    pub concurrent: u32,
}

/// A day of UTC: its slots by their place, from 0 at midnight. A slot that is not there is unknown.
pub type Day = BTreeMap<u16, Observed>;

/// A function's days, by their number since 1970. A day without slots was looked at, and nothing was known of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The days.
    pub days: BTreeMap<i64, Day>,
}

/// The day of a moment and the place of its slot.
pub fn slot_of(at: Timestamp) -> (i64, u16) {
    let second = at.as_second();
    let place = second.rem_euclid(DAY_SECONDS) / SLOT.seconds();
    (second.div_euclid(DAY_SECONDS), u16::try_from(place).unwrap_or(0))
}

/// When a day begins.
pub fn day_begins(day: i64) -> Timestamp {
    Timestamp::from_second(day.saturating_mul(DAY_SECONDS)).unwrap_or(Timestamp::MAX)
}

impl History {
    /// Takes in slots, those that are known already included.
    pub fn take_in(&mut self, slots: &BTreeMap<Timestamp, Observed>) {
        for (at, observed) in slots {
            let (day, place) = slot_of(*at);
            self.days.entry(day).or_default().insert(place, *observed);
        }
    }

    /// The slots in the order of time.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = (Timestamp, &Observed)> {
        let at = |day: i64, place: u16| day_begins(day) + SignedDuration::from_secs(i64::from(place) * SLOT.seconds());
        self.days.iter().flat_map(move |(day, slots)| slots.iter().map(move |(place, observed)| (at(*day, *place), observed)))
    }

    /// The end of the last slot that is known.
    pub fn end(&self) -> Option<Timestamp> {
        self.slots().next_back().map(|(at, _)| at + SignedDuration::from_secs(SLOT.seconds()))
    }

    /// Offered load from the first known slot until a moment; what is unknown is missing.
    pub fn series(&self, until: Timestamp, zone: TimeZone) -> Result<Series, SeriesError> {
        let known: BTreeMap<Timestamp, f64> =
            self.slots().take_while(|(at, _)| *at < until).map(|(at, observed)| (at, observed.arrived)).collect();
        let start = known.keys().next().copied().unwrap_or(until);
        let len = (until.as_second() - start.as_second()) / SLOT.seconds();
        let mut known = known.into_iter().peekable();
        let values = (0..len).map(|index| {
            let at = start + SignedDuration::from_secs(index * SLOT.seconds());
            known.next_if(|(then, _)| *then == at).map(|(_, arrived)| arrived)
        });
        Series::new(start, SLOT, zone, values)
    }

    /// The most environments that were in use at once lately; `None` where nothing is known of that time.
    pub fn in_use(&self, at: Timestamp) -> Option<u32> {
        self.lately(at, IN_USE_MINUTES * 60).map(|observed| observed.concurrent).max()
    }

    /// How long a request of the last day kept an environment busy, in seconds.
    pub fn duration(&self, at: Timestamp) -> Option<f64> {
        let last_day = self.lately(at, MEASURED_SECONDS);
        let (busy, arrived) = last_day.fold((0.0, 0.0), |(busy, arrived), slot| (busy + slot.busy, arrived + slot.arrived));
        (arrived > 0.0 && busy > 0.0).then(|| busy / arrived)
    }

    fn lately(&self, at: Timestamp, seconds: i64) -> impl Iterator<Item = &Observed> {
        let since = at - SignedDuration::from_secs(seconds);
        let until_at = self.slots().rev().skip_while(move |(then, _)| *then >= at);
        until_at.take_while(move |(then, _)| *then >= since).map(|(_, observed)| observed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn history(slots: &[(&str, f64, u32)]) -> History {
        let slot = |(time, arrived, concurrent): &(&str, f64, u32)| {
            (at(time), Observed { arrived: *arrived, busy: arrived * 0.5, concurrent: *concurrent })
        };
        let mut history = History::default();
        history.take_in(&slots.iter().map(slot).collect());
        history
    }

    #[test]
    fn slots_become_a_series_across_midnight_with_its_gaps() {
        let history = history(&[("2026-07-01T23:50Z", 7.0, 1), ("2026-07-02T00:00Z", 9.0, 1)]);
        let series = history.series(at("2026-07-02T00:10Z"), TimeZone::UTC).unwrap();
        let values: Vec<Option<f64>> = (0..series.len()).map(|index| series.get(index)).collect();
        assert_eq!((series.start(), values), (at("2026-07-01T23:50Z"), vec![Some(7.0), None, Some(9.0), None]));
        assert_eq!(history.end(), Some(at("2026-07-02T00:05Z")));
    }

    #[test]
    fn nothing_known_is_a_series_without_slots() {
        let series = History::default().series(at("2026-07-02T00:10Z"), TimeZone::UTC).unwrap();
        assert_eq!((series.len(), series.start()), (0, at("2026-07-02T00:10Z")));
    }

    #[test]
    fn what_is_in_use_is_the_most_of_a_quarter_of_an_hour_and_unknown_in_silence() {
        let history = history(&[("2026-07-01T11:40Z", 1.0, 90), ("2026-07-01T11:50Z", 1.0, 5), ("2026-07-01T11:55Z", 1.0, 3)]);
        assert_eq!(history.in_use(at("2026-07-01T12:00Z")), Some(5));
        assert_eq!(history.in_use(at("2026-07-01T12:30Z")), None);
        assert_eq!(history.duration(at("2026-07-01T12:00Z")), Some(0.5));
        assert_eq!(history.duration(at("2026-07-03T12:00Z")), None);
    }
}
