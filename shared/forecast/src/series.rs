//! A series of offered load: one value for each slot of time.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How long a slot is. Slots begin at whole multiples of their length, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub enum Slot {
    /// One minute.
    Minute,
    /// Five minutes: how often provisioned concurrency is billed, and what the scaler runs on.
    FiveMinutes,
    /// A quarter of an hour.
    QuarterHour,
    /// Half an hour.
    HalfHour,
    /// An hour.
    Hour,
}

impl Slot {
    /// Every length there is, shortest first.
    pub const ALL: [Self; 5] = [Self::Minute, Self::FiveMinutes, Self::QuarterHour, Self::HalfHour, Self::Hour];

    /// The length in minutes.
    pub const fn minutes(self) -> u16 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::QuarterHour => 15,
            Self::HalfHour => 30,
            Self::Hour => 60,
        }
    }

    /// The length in seconds.
    pub const fn seconds(self) -> i64 {
        self.minutes() as i64 * 60
    }

    /// Slots in a day of 24 hours.
    pub const fn per_day(self) -> usize {
        24 * 60 / self.minutes() as usize
    }

    /// Slots in a week.
    pub const fn per_week(self) -> usize {
        7 * self.per_day()
    }

    /// How many slots a duration touches, at least one.
    pub fn covering(self, duration: SignedDuration) -> usize {
        let slots = duration.as_secs().max(1).unsigned_abs().div_ceil(self.seconds().unsigned_abs());
        usize::try_from(slots).unwrap_or(usize::MAX)
    }

    /// The beginning of the slot that holds a moment.
    pub fn floor(self, moment: Timestamp) -> Timestamp {
        let second = moment.as_second();
        let into = second.rem_euclid(self.seconds());
        Timestamp::from_second(second - into).unwrap_or(Timestamp::MIN)
    }
}

impl From<Slot> for u16 {
    fn from(slot: Slot) -> Self {
        slot.minutes()
    }
}

impl TryFrom<u16> for Slot {
    type Error = SeriesError;

    fn try_from(minutes: u16) -> Result<Self, SeriesError> {
        Self::ALL.into_iter().find(|slot| slot.minutes() == minutes).ok_or(SeriesError::Slot { minutes })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} min", self.minutes())
    }
}

/// Why rows are no series. Rows are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// No slot has this length.
    #[error("a slot of {minutes} minutes is not known; slots have 1, 5, 15, 30 or 60 minutes")]
    Slot {
        /// The length that was asked for.
        minutes: u16,
    },
    /// There is nothing to learn from.
    #[error("there are no rows; give at least one")]
    Empty,
    /// A row is earlier than the one before it.
    #[error("row {row} ({at}) is earlier than the row before it; sort the rows by time")]
    Unsorted {
        /// The row.
        row: usize,
        /// Its time.
        at: String,
    },
    /// Two rows are of the same moment.
    #[error("row {row} ({at}) has the time of the row before it; keep one of the two, or add them up")]
    Duplicate {
        /// The later row.
        row: usize,
        /// Its time.
        at: String,
    },
    /// A value is no count.
    #[error("row {row} ({at}) has the value {value}; offered load is a number from 0")]
    Value {
        /// The row.
        row: usize,
        /// Its time.
        at: String,
        /// What it says.
        value: String,
    },
    /// A row does not begin a slot, so that the rows are finer than the slots they claim to be.
    #[error("row {row} ({at}) does not begin a slot of {slot}; name the slot the rows have")]
    OffSlot {
        /// The row.
        row: usize,
        /// Its time.
        at: String,
        /// The slot's length.
        slot: Slot,
    },
    /// Rows are missing and no gap was allowed.
    #[error("{missing} slots are missing before row {row} ({at}); fill them in, or allow gaps")]
    Missing {
        /// The row after the gap.
        row: usize,
        /// Its time.
        at: String,
        /// How many slots are missing.
        missing: usize,
    },
    /// A local time that the clocks skipped.
    #[error("row {row} ({at}) is a time that clocks skip in {zone}; are the rows in UTC, or of another time zone?")]
    Skipped {
        /// The row.
        row: usize,
        /// Its local time.
        at: String,
        /// The time zone.
        zone: String,
    },
    /// More slots than a series holds.
    #[error("the rows span {slots} slots; a series holds {most}, so that a wrong year is not taken for a gap")]
    TooLong {
        /// What the rows span.
        slots: usize,
        /// The limit.
        most: usize,
    },
    /// Slots can be put together, never split.
    #[error("slots of {from} can't become slots of {to}; choose a length that is a multiple")]
    Finer {
        /// What the rows have.
        from: Slot,
        /// What was asked for.
        to: Slot,
    },
}

/// Whether slots may be missing between rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// A missing slot is an error.
    Refused,
    /// A missing slot is unknown, which is not zero: nothing is learned from it.
    Allowed,
}

/// Offered load by slot: requests that arrived, before any were shed and without retries.
///
/// A missing slot is unknown. Slots are of UTC, so that every hour of the year is there once; the time zone says which of
/// them belong to the same hour of people's day.
#[derive(Debug, Clone)]
pub struct Series {
    start: Timestamp,
    slot: Slot,
    zone: TimeZone,
    values: Vec<f64>,
}

impl Series {
    /// The longest series: four years of minutes.
    pub const MOST_SLOTS: usize = 4 * 366 * 24 * 60;

    /// A series of consecutive slots, of which the first holds `start`. `None` is a missing slot.
    pub fn new(
        start: Timestamp,
        slot: Slot,
        zone: TimeZone,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Result<Self, SeriesError> {
        let start = slot.floor(start);
        let mut taken = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let at = || at(start, slot, index).to_string();
            match value {
                Some(value) => taken.push(count(value, index + 1, at)?),
                None => taken.push(f64::NAN),
            }
        }
        if taken.len() > Self::MOST_SLOTS {
            return Err(SeriesError::TooLong { slots: taken.len(), most: Self::MOST_SLOTS });
        }
        Ok(Self { start, slot, zone, values: taken })
    }

    /// Reads rows of moments, one for each slot, in ascending order.
    pub fn from_rows(rows: &[(Timestamp, f64)], slot: Slot, zone: TimeZone, gaps: Gaps) -> Result<Self, SeriesError> {
        let placed: Vec<Placed> =
            rows.iter().enumerate().map(|(index, (at, value))| Placed::new(index, *at, *value, at.to_string())).collect();
        Self::place(&placed, slot, zone, gaps)
    }

    /// Reads rows of local times, one for each slot, in ascending order.
    ///
    /// Where clocks go back, an hour happens twice. Rows that give it twice are taken as they come. A row that gives it once
    /// has counted both: each of the two slots gets half.
    pub fn from_local_rows(rows: &[(DateTime, f64)], slot: Slot, zone: TimeZone, gaps: Gaps) -> Result<Self, SeriesError> {
        let mut placed = Vec::with_capacity(rows.len());
        for (index, (local, value)) in rows.iter().enumerate() {
            let instant = |offset: jiff::tz::Offset| offset.to_timestamp(*local).unwrap_or(Timestamp::MIN);
            match zone.to_ambiguous_timestamp(*local).offset() {
                AmbiguousOffset::Unambiguous { offset } => {
                    placed.push(Placed::new(index, instant(offset), *value, local.to_string()))
                }
                AmbiguousOffset::Gap { .. } => {
                    let zone = zone.iana_name().unwrap_or("this time zone").to_owned();
                    return Err(SeriesError::Skipped { row: index + 1, at: local.to_string(), zone });
                }
                AmbiguousOffset::Fold { before, after } => {
                    let (first, second) = (instant(before), instant(after));
                    let window = second.duration_since(first);
                    let is_near = |other: &&(DateTime, f64)| (local.duration_since(other.0)).abs() < window * 2;
                    let before_it = rows.iter().take(index).rev().take_while(is_near).filter(|(other, _)| other == local).count();
                    let after_it = rows.iter().skip(index + 1).take_while(is_near).filter(|(other, _)| other == local).count();
                    match (before_it, after_it) {
                        (0, 0) => placed.extend([first, second].map(|at| Placed::new(index, at, value / 2.0, local.to_string()))),
                        (0, _) => placed.push(Placed::new(index, first, *value, local.to_string())),
                        _ => placed.push(Placed::new(index, second, *value, local.to_string())),
                    }
                    if before_it + after_it == 0 {
                        // Halves of an hour's rows belong apart: all first halves come before all second ones.
                        let fold_begins = placed.iter().rposition(|row| row.at < first).map_or(0, |row| row + 1);
                        if let Some(fold) = placed.get_mut(fold_begins..) {
                            fold.sort_by_key(|row| row.at);
                        }
                    }
                }
            }
        }
        Self::place(&placed, slot, zone, gaps)
    }

    fn place(rows: &[Placed], slot: Slot, zone: TimeZone, gaps: Gaps) -> Result<Self, SeriesError> {
        let first = rows.first().ok_or(SeriesError::Empty)?;
        let start = slot.floor(first.at);
        let mut values: Vec<f64> = Vec::with_capacity(rows.len());
        for row in rows {
            let number = row.number;
            let label = || row.label.clone();
            if slot.floor(row.at) != row.at {
                return Err(SeriesError::OffSlot { row: number, at: label(), slot });
            }
            let value = count(row.value, number, label)?;
            let place = (row.at.as_second() - start.as_second()).div_euclid(slot.seconds());
            let Ok(place) = usize::try_from(place) else {
                return Err(SeriesError::Unsorted { row: number, at: label() });
            };
            if place >= Self::MOST_SLOTS {
                return Err(SeriesError::TooLong { slots: place + 1, most: Self::MOST_SLOTS });
            }
            match place.checked_sub(values.len()) {
                None if place + 1 == values.len() => return Err(SeriesError::Duplicate { row: number, at: label() }),
                None => return Err(SeriesError::Unsorted { row: number, at: label() }),
                Some(0) => {}
                Some(missing) if gaps == Gaps::Refused => {
                    return Err(SeriesError::Missing { row: number, at: label(), missing });
                }
                Some(_) => values.resize(place, f64::NAN),
            }
            values.push(value);
        }
        Ok(Self { start, slot, zone, values })
    }

    /// The same load in longer slots, added up in UTC. A longer slot of which a part is missing is scaled up from what is
    /// there; one of which all is missing stays missing.
    pub fn aggregated(&self, to: Slot) -> Result<Self, SeriesError> {
        if !to.minutes().is_multiple_of(self.slot.minutes()) {
            return Err(SeriesError::Finer { from: self.slot, to });
        }
        let parts = usize::from(to.minutes() / self.slot.minutes());
        let start = to.floor(self.start);
        let lead = usize::try_from((self.start.as_second() - start.as_second()) / self.slot.seconds()).unwrap_or(0);
        let mut values = Vec::with_capacity((lead + self.values.len()).div_ceil(parts));
        let mut place = 0;
        while place < lead + self.values.len() {
            let known = (place.max(lead)..place + parts).filter_map(|part| self.get(part - lead));
            let (sum, count) = known.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
            values.push(if count == 0 { f64::NAN } else { sum * parts as f64 / count as f64 });
            place += parts;
        }
        Ok(Self { start, slot: to, zone: self.zone.clone(), values })
    }

    /// The first `len` slots, as if the others had not happened yet.
    pub fn until(&self, len: usize) -> Self {
        let values = self.values.iter().take(len).copied().collect();
        Self { start: self.start, slot: self.slot, zone: self.zone.clone(), values }
    }

    /// When the first slot begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// How long each slot is.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Whose days and weeks these are.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// How many slots there are, missing ones included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The load in a slot; `None` where it is missing.
    pub fn get(&self, index: usize) -> Option<f64> {
        self.values.get(index).copied().filter(|value| !value.is_nan())
    }

    /// When a slot begins; also of slots after the last one.
    pub fn at(&self, index: usize) -> Timestamp {
        at(self.start, self.slot, index)
    }

    /// The slot that holds a moment; also after the last one, and `None` before the first.
    pub fn index_of(&self, moment: Timestamp) -> Option<usize> {
        usize::try_from((moment.as_second() - self.start.as_second()).div_euclid(self.slot.seconds())).ok()
    }

    /// How many slots are missing.
    pub fn missing(&self) -> usize {
        self.values.iter().filter(|value| value.is_nan()).count()
    }

    /// The mean of the slots that are known; 0 where none is.
    pub fn mean(&self) -> f64 {
        let known = self.values.iter().filter(|value| !value.is_nan());
        let (sum, count) = known.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
        if count == 0 { 0.0 } else { sum / count as f64 }
    }

    /// The values, with NaN for missing ones.
    pub(crate) fn raw(&self) -> &[f64] {
        &self.values
    }
}

struct Placed {
    number: usize,
    at: Timestamp,
    value: f64,
    label: String,
}

impl Placed {
    fn new(index: usize, at: Timestamp, value: f64, label: String) -> Self {
        Self { number: index + 1, at, value, label }
    }
}

fn at(start: Timestamp, slot: Slot, index: usize) -> Timestamp {
    let seconds = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(slot.seconds());
    Timestamp::from_second(start.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

/// A value that can be a count. What is beyond 10¹⁵ is no load of this world, and would lose its units in sums.
fn count(value: f64, row: usize, at: impl Fn() -> String) -> Result<f64, SeriesError> {
    if (0.0..=1e15).contains(&value) { Ok(value) } else { Err(SeriesError::Value { row, at: at(), value: value.to_string() }) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    fn local_day(day: jiff::civil::Date, values: &[f64]) -> Vec<(DateTime, f64)> {
        let begins = day.at(0, 0, 0, 0);
        values.iter().enumerate().map(|(hour, value)| (begins + SignedDuration::from_hours(hour as i64), *value)).collect()
    }

    #[test]
    fn an_hour_that_clocks_repeat_and_rows_give_once_is_split() {
        let rows = local_day(date(2014, 11, 2), &[10.0, 40.0, 30.0]);
        let series = Series::from_local_rows(&rows, Slot::Hour, new_york(), Gaps::Refused).unwrap();
        assert_eq!(series.raw(), [10.0, 20.0, 20.0, 30.0]);
    }

    #[test]
    fn half_hours_of_a_repeated_hour_are_split_in_the_order_of_time() {
        let begins = date(2014, 11, 2).at(0, 30, 0, 0);
        let rows: Vec<(DateTime, f64)> =
            (0..4).map(|half| (begins + SignedDuration::from_mins(30 * half), 10.0 * (half + 1) as f64)).collect();
        let series = Series::from_local_rows(&rows, Slot::HalfHour, new_york(), Gaps::Refused).unwrap();
        assert_eq!(series.raw(), [10.0, 10.0, 15.0, 10.0, 15.0, 40.0]);
    }

    #[test]
    fn an_hour_that_rows_give_twice_is_taken_as_it_comes() {
        let mut rows = local_day(date(2014, 11, 2), &[10.0, 20.0, 30.0]);
        rows.insert(2, (date(2014, 11, 2).at(1, 0, 0, 0), 25.0));
        let series = Series::from_local_rows(&rows, Slot::Hour, new_york(), Gaps::Refused).unwrap();
        assert_eq!(series.raw(), [10.0, 20.0, 25.0, 30.0]);
    }

    #[test]
    fn an_hour_that_clocks_skip_is_no_gap_and_no_row() {
        let mut rows = local_day(date(2014, 3, 9), &[10.0, 20.0, 25.0, 30.0]);
        let skipped = Series::from_local_rows(&rows, Slot::Hour, new_york(), Gaps::Refused).unwrap_err();
        assert!(matches!(skipped, SeriesError::Skipped { row: 3, .. }), "{skipped}");

        rows.remove(2);
        let series = Series::from_local_rows(&rows, Slot::Hour, new_york(), Gaps::Refused).unwrap();
        assert_eq!(series.raw(), [10.0, 20.0, 30.0]);
    }

    #[test]
    fn rows_that_are_wrong_are_named() {
        let hour = |hour: i64, value| (Timestamp::from_second(hour * 3600).unwrap(), value);
        let read = |rows: &[(Timestamp, f64)]| Series::from_rows(rows, Slot::Hour, TimeZone::UTC, Gaps::Refused).unwrap_err();
        assert!(matches!(read(&[hour(1, 1.0), hour(0, 1.0)]), SeriesError::Unsorted { row: 2, .. }));
        assert!(matches!(read(&[hour(5, 1.0), hour(6, 1.0), hour(5, 1.0)]), SeriesError::Unsorted { row: 3, .. }));
        assert!(matches!(read(&[hour(1, 1.0), hour(1, 1.0)]), SeriesError::Duplicate { row: 2, .. }));
        assert!(matches!(read(&[hour(1, 1.0), hour(4, 1.0)]), SeriesError::Missing { row: 2, missing: 2, .. }));
        assert!(matches!(read(&[hour(1, -1.0)]), SeriesError::Value { row: 1, .. }));
        assert!(matches!(read(&[hour(1, f64::NAN)]), SeriesError::Value { row: 1, .. }));
        assert!(matches!(read(&[hour(1, f64::INFINITY)]), SeriesError::Value { row: 1, .. }));
        let half = (Timestamp::from_second(1800).unwrap(), 1.0);
        assert!(matches!(read(&[half]), SeriesError::OffSlot { row: 1, .. }));
        assert_eq!(read(&[]), SeriesError::Empty);
    }

    #[test]
    fn allowed_gaps_are_unknown_and_not_zero() {
        let hour = |hour: i64, value| (Timestamp::from_second(hour * 3600).unwrap(), value);
        let series = Series::from_rows(&[hour(1, 4.0), hour(4, 6.0)], Slot::Hour, TimeZone::UTC, Gaps::Allowed).unwrap();
        assert_eq!((series.len(), series.missing(), series.mean()), (4, 2, 5.0));
        assert_eq!((series.get(0), series.get(1), series.get(3)), (Some(4.0), None, Some(6.0)));
    }

    #[test]
    fn longer_slots_add_up_and_scale_what_is_half_known() {
        let values = [Some(1.0), Some(2.0), None, Some(3.0), None, None, Some(5.0)];
        let begins = Timestamp::from_second(1800).unwrap();
        let series = Series::new(begins, Slot::HalfHour, TimeZone::UTC, values).unwrap().aggregated(Slot::Hour).unwrap();
        assert_eq!(series.start(), Timestamp::UNIX_EPOCH);
        assert_eq!((0..4).map(|hour| series.get(hour)).collect::<Vec<_>>(), [Some(2.0), Some(4.0), Some(6.0), Some(10.0)]);
        assert!(matches!(series.aggregated(Slot::Minute), Err(SeriesError::Finer { .. })));
    }
}
