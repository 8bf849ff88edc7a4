//! Exponential smoothing with a season of a day and a season of a week, multiplied (Taylor 2003, "Short-term electricity
//! demand forecasting using double seasonal exponential smoothing"), with the last error carried forward.

use crate::local_time::LocalTime;

/// A season's factor stays within these, so that a night without load can end and a single spike can't take over.
const FACTORS: (f64, f64) = (0.02, 50.0);
/// The same for an observation ÷ what was expected of it.
const RATIOS: (f64, f64) = (0.125, 8.0);

/// How fast what was learned gives way. Level and error are per half hour, and the same per hour in other slots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// Share of an observation in the level.
    pub(crate) level: f64,
    /// Share of an observation in its slot of the day.
    pub(crate) day: f64,
    /// Share of an observation in its slot of the week.
    pub(crate) week: f64,
    /// What is left of an error after half an hour.
    pub(crate) error: f64,
}

/// What is known after the slots so far.
#[derive(Debug)]
pub(crate) struct Smoothing {
    level_rate: f64,
    day_rate: f64,
    week_rate: f64,
    error_kept: f64,
    level: f64,
    /// Years without load leave a level that load can raise again.
    least: f64,
    day: Vec<f64>,
    week: Vec<f64>,
    /// The last observation ÷ what was expected of it.
    last_ratio: f64,
    /// Slots since then.
    age: i32,
}

impl Smoothing {
    /// Begins with the week from slot `from`. `None` where it is not over, or all of it is missing or zero.
    pub(crate) fn begin(rates: &Rates, values: &[f64], from: usize, time: &LocalTime) -> Option<Self> {
        let first_week = values.get(from..from + time.per_week())?;
        let level = mean(first_week.iter().copied()).filter(|level| *level > 0.0)?;
        let mut by_day = vec![(0.0, 0_u32); time.per_day()];
        for (index, value) in (from..).zip(first_week).filter(|(_, value)| !value.is_nan()) {
            if let Some((sum, count)) = by_day.get_mut(time.of_day(index)) {
                *sum += value;
                *count += 1;
            }
        }
        let factor = |(sum, count): &(f64, u32)| if *count == 0 { 1.0 } else { within(sum / f64::from(*count) / level, FACTORS) };
        let day: Vec<f64> = by_day.iter().map(factor).collect();
        let mut week = vec![1.0; time.per_week()];
        for (index, value) in (from..).zip(first_week).filter(|(_, value)| !value.is_nan()) {
            if let (Some(of_week), Some(of_day)) = (week.get_mut(time.of_week(index)), day.get(time.of_day(index))) {
                *of_week = within(value / (level * of_day), FACTORS);
            }
        }
        let half_hours = 48.0 / time.per_day() as f64;
        Some(Self {
            level_rate: 1.0 - (1.0 - rates.level).powf(half_hours),
            day_rate: rates.day,
            week_rate: rates.week,
            error_kept: rates.error.powf(half_hours),
            level,
            least: level * 1e-6,
            day,
            week,
            last_ratio: 1.0,
            age: 0,
        })
    }

    /// Learns one slot. A missing one only ages the last error.
    pub(crate) fn observe(&mut self, value: f64, of_day: usize, of_week: usize) {
        if value.is_nan() {
            self.age = self.age.saturating_add(1);
            return;
        }
        let (Some(day), Some(week)) = (self.day.get_mut(of_day), self.week.get_mut(of_week)) else { return };
        let season = *day * *week;
        let ratio = within(value / (self.level * season), RATIOS);
        let observed = ratio * self.level;
        self.level += self.level_rate * (observed - self.level);
        self.level = self.level.max(self.least);
        let share = observed * season / self.level;
        let (of_day_now, of_week_now) = (share / *week, share / *day);
        *day = within(*day + self.day_rate * (of_day_now - *day), FACTORS);
        *week = within(*week + self.week_rate * (of_week_now - *week), FACTORS);
        self.last_ratio = ratio;
        self.age = 0;
    }

    /// What is expected of the slots after the last one observed.
    pub(crate) fn forecast(&self, origin: usize, horizon: usize, time: &LocalTime, into: &mut Vec<f64>) {
        let mut error = self.last_ratio.ln() * self.error_kept.powi(self.age);
        for index in origin..origin + horizon {
            error *= self.error_kept;
            let season = self.day.get(time.of_day(index)).zip(self.week.get(time.of_week(index)));
            let season = season.map_or(1.0, |(day, week)| day * week);
            // Beyond this the error is less than a millionth, and its exponential is 1.
            let carried = if error.abs() < 1e-6 { 1.0 } else { error.exp() };
            into.push(self.level * season * carried);
        }
    }
}

fn within(value: f64, (least, most): (f64, f64)) -> f64 {
    value.clamp(least, most)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let known = values.filter(|value| !value.is_nan());
    let (sum, count) = known.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}
