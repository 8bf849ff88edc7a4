//! The methods, side by side: what each of them expects, seen from an origin.
//!
//! An *origin* is the number of slots known; a forecast from it is of the slots `origin`, `origin + 1`, … Nothing here
//! reads a slot from the origin on.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::event::{Calendar, Occurrences};
use crate::local_time::LocalTime;
use crate::series::Series;
use crate::smoothing::{Rates, Smoothing};

/// A way to forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// What was in the same slot a week ago.
    WeeklyNaive,
    /// The mean of the same slots of the last weeks × a damped recent level.
    SlotMean,
    /// The median of the same slots of the last weeks × a damped recent level.
    SlotMedian,
    /// Exponential smoothing with the seasons of a day and a week.
    Smoothing,
    /// All of them, weighted for each horizon by how well they did there lately.
    Combined,
}

impl Method {
    /// Every method, the simplest first.
    pub const ALL: [Self; 5] = [Self::WeeklyNaive, Self::SlotMean, Self::SlotMedian, Self::Smoothing, Self::Combined];

    /// Its name in output, for example `weekly_naive`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WeeklyNaive => "weekly_naive",
            Self::SlotMean => "slot_mean",
            Self::SlotMedian => "slot_median",
            Self::Smoothing => "smoothing",
            Self::Combined => "combined",
        }
    }

    fn has(self, variant: &Variant) -> bool {
        match variant {
            Variant::Naive => matches!(self, Self::WeeklyNaive | Self::Combined),
            Variant::Profile(Profile::Mean4 | Profile::Mean6, _) => matches!(self, Self::SlotMean | Self::Combined),
            Variant::Profile(Profile::Median6 | Profile::Median8, _) => matches!(self, Self::SlotMedian | Self::Combined),
            Variant::Smoothing(_) => matches!(self, Self::Smoothing | Self::Combined),
        }
    }
}

/// How many variants there are.
pub(crate) const VARIANTS: usize = 21;

/// A method with its parameters. The weights choose among them, so none has to be right for every series.
#[derive(Debug, Clone, Copy)]
enum Variant {
    Naive,
    Profile(Profile, Level),
    Smoothing(Rates),
}

/// What the same slots of so many weeks come to.
#[derive(Debug, Clone, Copy)]
enum Profile {
    Mean4,
    Mean6,
    Median6,
    Median8,
}

const PROFILES: usize = 4;
const MOST_WEEKS: usize = 8;

/// The load of the last minutes ÷ the profile's, to a power that pulls it towards 1.
#[derive(Debug, Clone, Copy)]
struct Level {
    minutes: usize,
    damping: f64,
}

const MOMENT: Level = Level { minutes: 30, damping: 0.9 };
const HOUR: Level = Level { minutes: 60, damping: 0.8 };
const DAY: Level = Level { minutes: 24 * 60, damping: 0.7 };
const WEEK: Level = Level { minutes: 7 * 24 * 60, damping: 0.8 };

/// A level is at most this many times the profile, and at least one such part of it.
const MOST_LEVEL: f64 = 8.0;

const ALL: [Variant; VARIANTS] = [
    Variant::Naive,
    Variant::Profile(Profile::Mean4, MOMENT),
    Variant::Profile(Profile::Mean4, HOUR),
    Variant::Profile(Profile::Mean4, DAY),
    Variant::Profile(Profile::Mean4, WEEK),
    Variant::Profile(Profile::Mean6, MOMENT),
    Variant::Profile(Profile::Mean6, HOUR),
    Variant::Profile(Profile::Mean6, DAY),
    Variant::Profile(Profile::Mean6, WEEK),
    Variant::Profile(Profile::Median6, MOMENT),
    Variant::Profile(Profile::Median6, HOUR),
    Variant::Profile(Profile::Median6, DAY),
    Variant::Profile(Profile::Median6, WEEK),
    Variant::Profile(Profile::Median8, MOMENT),
    Variant::Profile(Profile::Median8, HOUR),
    Variant::Profile(Profile::Median8, DAY),
    Variant::Profile(Profile::Median8, WEEK),
    Variant::Smoothing(Rates { level: 0.003, day: 0.05, week: 0.2, error: 0.95 }),
    Variant::Smoothing(Rates { level: 0.003, day: 0.02, week: 0.2, error: 0.9 }),
    Variant::Smoothing(Rates { level: 0.01, day: 0.05, week: 0.3, error: 0.95 }),
    Variant::Smoothing(Rates { level: 0.001, day: 0.1, week: 0.3, error: 0.95 }),
];

/// The variants of a method, as a mask over all of them.
pub(crate) fn mask(method: Method) -> [bool; VARIANTS] {
    ALL.each_ref().map(|variant| method.has(variant))
}

/// What a forecast rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// So many whole weeks of history.
    Weeks(usize),
    /// Less than a week: the same slots of so many days.
    Days(usize),
    /// Less than a day: the level of the last hour, or of all there is.
    Level,
    /// No history at all: zero, so that a plan keeps to its minimum.
    Nothing,
}

/// A series as methods see it: without events and with outliers cut, up to any origin the same as if it ended there.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) values: Vec<f64>,
    pub(crate) time: LocalTime,
    pub(crate) events: Occurrences,
    pub(crate) slot_seconds: i64,
    sums: Vec<f64>,
    counts: Vec<u32>,
}

/// A slot is an outlier beyond this many times the largest one of the week before. It counts as that much, so that a broken
/// counter can't take over, and a rush that stays is followed nonetheless.
const OUTLIER: f64 = 2.0;

impl Past {
    /// Prepares a series for forecasts of up to `horizon` slots after its end.
    pub(crate) fn new(series: &Series, calendar: &Calendar, horizon: usize) -> Self {
        let time = LocalTime::new(series, series.len() + horizon);
        let events = Occurrences::new(calendar, series, &time);
        let mut values = series.raw().to_vec();
        events.take_out(&mut values);
        cut_outliers(&mut values, time.per_week());
        let (mut sums, mut counts) = (vec![0.0], vec![0]);
        for (index, value) in values.iter().enumerate() {
            let (sum, count) = if value.is_nan() { (0.0, 0) } else { (*value, 1) };
            sums.push(sums.get(index).copied().unwrap_or(0.0) + sum);
            counts.push(counts.get(index).copied().unwrap_or(0) + count);
        }
        Self { values, time, events, slot_seconds: series.slot().seconds(), sums, counts }
    }

    /// The mean of the known slots in a range.
    pub(crate) fn mean(&self, range: std::ops::Range<usize>) -> Option<f64> {
        let count = self.counts.get(range.end)?.checked_sub(*self.counts.get(range.start)?)?;
        let sum = self.sums.get(range.end)? - self.sums.get(range.start)?;
        (count > 0).then(|| (sum / f64::from(count)).max(0.0))
    }

    /// The mean of the week before an origin: the measure of what is much and little.
    pub(crate) fn size(&self, origin: usize) -> f64 {
        self.mean(origin.saturating_sub(self.time.per_week())..origin).unwrap_or(0.0)
    }

    /// How many slots before the origin nothing was heard.
    pub(crate) fn silence(&self, origin: usize) -> usize {
        self.values.iter().take(origin).rev().take_while(|value| value.is_nan()).count()
    }

    /// What a forecast from this origin rests on.
    pub(crate) fn basis(&self, origin: usize) -> Basis {
        let Some(first) = self.values.iter().take(origin).position(|value| !value.is_nan()) else { return Basis::Nothing };
        let known = origin - first;
        match (known / self.time.per_week(), known / self.time.per_day()) {
            (0, 0) => Basis::Level,
            (0, days) => Basis::Days(days),
            (weeks, _) => Basis::Weeks(weeks),
        }
    }

    /// The same slots of the weeks before, newest first.
    fn same_slots<'a>(&self, index: usize, into: &'a mut [f64; MOST_WEEKS]) -> &'a mut [f64] {
        let mut found = 0;
        for week in 1..=MOST_WEEKS {
            let Some(then) = self.time.days_before(index, 7 * week) else { break };
            if let (Some(value), Some(place)) = (self.values.get(then).filter(|value| !value.is_nan()), into.get_mut(found)) {
                *place = *value;
                found += 1;
            }
        }
        into.get_mut(..found).unwrap_or_default()
    }
}

/// Cuts each slot by those of the week before it, once that week is over.
fn cut_outliers(values: &mut [f64], week: usize) {
    // The slots of the last week that no later one exceeds: the first is the largest.
    let mut largest: VecDeque<(usize, f64)> = VecDeque::new();
    for (index, value) in values.iter_mut().enumerate().filter(|(_, value)| !value.is_nan()) {
        while largest.front().is_some_and(|(then, _)| then + week < index) {
            largest.pop_front();
        }
        if let Some((_, most)) = largest.front().filter(|(_, most)| index >= week && *most > 0.0) {
            *value = value.min(OUTLIER * most);
        }
        while largest.back().is_some_and(|(_, smaller)| smaller <= value) {
            largest.pop_back();
        }
        largest.push_back((index, *value));
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
        (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => f64::midpoint(*below, *above),
        (_, Some(value)) => *value,
        _ => f64::NAN,
    }
}

/// The profiles of a range of slots, with sums to take levels from.
#[derive(Debug)]
struct Profiles {
    first: usize,
    naive: Vec<f64>,
    profiles: [Vec<f64>; PROFILES],
    /// Sums, up to each slot, of what arrived and of what the profile says, where both are known.
    levels: [Vec<(f64, f64)>; PROFILES],
}

impl Profiles {
    fn new(past: &Past, first: usize, until: usize) -> Self {
        let len = until - first;
        let mut naive = Vec::with_capacity(len);
        let mut profiles: [Vec<f64>; PROFILES] = std::array::from_fn(|_| Vec::with_capacity(len));
        let mut levels: [Vec<(f64, f64)>; PROFILES] = std::array::from_fn(|_| vec![(0.0, 0.0)]);
        let mut buffer = [0.0; MOST_WEEKS];
        for index in first..until {
            let same = past.same_slots(index, &mut buffer);
            naive.push(same.first().copied().unwrap_or(f64::NAN));
            let mean = |weeks: usize| {
                let newest = same.get(..weeks.min(same.len())).unwrap_or_default();
                if newest.is_empty() { f64::NAN } else { newest.iter().sum::<f64>() / newest.len() as f64 }
            };
            let means = [mean(4), mean(6)];
            let six = 6.min(same.len());
            if let Some(newest) = same.get_mut(..six) {
                newest.sort_unstable_by(f64::total_cmp);
            }
            let median_of_six = median(same.get(..six).unwrap_or_default());
            same.sort_unstable_by(f64::total_cmp);
            let statistics = [means[0], means[1], median_of_six, median(same)];
            let value = past.values.get(index).copied().unwrap_or(f64::NAN);
            for ((profile, level), statistic) in profiles.iter_mut().zip(&mut levels).zip(statistics) {
                profile.push(statistic);
                let (arrived, said) = level.last().copied().unwrap_or_default();
                let is_known = !value.is_nan() && !statistic.is_nan();
                level.push(if is_known { (arrived + value, said + statistic) } else { (arrived, said) });
            }
        }
        Self { first, naive, profiles, levels }
    }

    fn level(&self, profile: usize, level: Level, origin: usize, slot_seconds: i64) -> f64 {
        let window = (level.minutes * 60 / usize::try_from(slot_seconds).unwrap_or(60)).max(1);
        let sums = |index: usize| {
            let place = index.saturating_sub(self.first);
            self.levels.get(profile).and_then(|levels| levels.get(place)).copied().unwrap_or_default()
        };
        let (now, then) = (sums(origin), sums(origin.saturating_sub(window)));
        let (arrived, said) = (now.0 - then.0, now.1 - then.1);
        if said > 0.0 { (arrived / said).clamp(1.0 / MOST_LEVEL, MOST_LEVEL).powf(level.damping) } else { 1.0 }
    }
}

/// All methods over one series. Origins are asked for in ascending order.
#[derive(Debug)]
pub(crate) struct Methods<'a> {
    past: &'a Past,
    profiles: Profiles,
    smoothings: Vec<Option<Smoothing>>,
    /// Slots that the smoothings have seen.
    seen: usize,
}

impl<'a> Methods<'a> {
    /// Methods for forecasts of `horizon` slots from origins at or after `first_origin`.
    pub(crate) fn new(past: &'a Past, first_origin: usize, horizon: usize) -> Self {
        let first = first_origin.saturating_sub(past.time.per_week());
        let until = (past.values.len() + horizon).min(past.time.len());
        Self { past, profiles: Profiles::new(past, first, until), smoothings: Vec::new(), seen: 0 }
    }

    /// What each variant expects: variant by variant, `horizon` slots each, NaN where it has no answer.
    pub(crate) fn forecast(&mut self, origin: usize, horizon: usize) -> Vec<f64> {
        self.smooth(origin);
        let mut all = Vec::with_capacity(VARIANTS * horizon);
        let place = origin - self.profiles.first;
        let mut smoothings = self.smoothings.iter();
        for variant in &ALL {
            match variant {
                Variant::Naive => all.extend_from_slice(self.profiles.naive.get(place..place + horizon).unwrap_or_default()),
                Variant::Profile(profile, level) => {
                    let profile = *profile as usize;
                    let level = self.profiles.level(profile, *level, origin, self.past.slot_seconds);
                    let ahead = self.profiles.profiles.get(profile).and_then(|values| values.get(place..place + horizon));
                    all.extend(ahead.unwrap_or_default().iter().map(|value| value * level));
                }
                Variant::Smoothing(_) => match smoothings.next() {
                    Some(Some(smoothing)) => smoothing.forecast(origin, horizon, &self.past.time, &mut all),
                    _ => all.resize(all.len() + horizon, f64::NAN),
                },
            }
        }
        all
    }

    fn smooth(&mut self, origin: usize) {
        let Past { values, time, .. } = self.past;
        if self.smoothings.is_empty() {
            let from = values.iter().take(origin).position(|value| *value > 0.0).unwrap_or(origin);
            if origin < from + time.per_week() {
                return;
            }
            let rates = ALL.iter().filter_map(|variant| match variant {
                Variant::Smoothing(rates) => Some(rates),
                _ => None,
            });
            self.smoothings = rates.map(|rates| Smoothing::begin(rates, values, from, time)).collect();
            self.seen = from + time.per_week();
        }
        for index in self.seen..origin {
            let (of_day, of_week) = (time.of_day(index), time.of_week(index));
            let value = values.get(index).copied().unwrap_or(f64::NAN);
            self.smoothings.iter_mut().flatten().for_each(|smoothing| smoothing.observe(value, of_day, of_week));
        }
        self.seen = self.seen.max(origin);
    }

    /// What is expected of a slot where no variant has an answer: the same slots of the days before × the level of the last
    /// hour; without a day, that level.
    pub(crate) fn fallback(&self, origin: usize, index: usize) -> f64 {
        let hour = (3600 / usize::try_from(self.past.slot_seconds).unwrap_or(3600)).max(1);
        let by_day = |index: usize| {
            let days = (1..=14).filter_map(|day| self.past.time.days_before(index, day)).filter(|then| *then < origin);
            let known = days.filter_map(|then| self.past.values.get(then)).filter(|value| !value.is_nan());
            let (sum, count) = known.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
            (count > 0).then(|| sum / count as f64)
        };
        let recent = origin.saturating_sub(hour)..origin;
        let is_young = matches!(self.past.basis(origin), Basis::Nothing | Basis::Level);
        let Some(usual) = by_day(index).filter(|_| !is_young) else {
            return self.past.mean(recent).or_else(|| self.past.mean(0..origin)).unwrap_or(0.0);
        };
        let pairs =
            recent.filter_map(|index| Some((self.past.values.get(index).filter(|value| !value.is_nan())?, by_day(index)?)));
        let (arrived, said) = pairs.fold((0.0, 0.0), |(arrived, said), (value, usual)| (arrived + value, said + usual));
        if said > 0.0 { usual * (arrived / said).clamp(1.0 / MOST_LEVEL, MOST_LEVEL).powf(HOUR.damping) } else { usual }
    }
}
