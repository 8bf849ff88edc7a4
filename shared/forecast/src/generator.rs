//! A seeded market: demand to test, demonstrate and measure with.

use fastrand::Rng;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::local_time::LocalTime;
use crate::series::{Series, SeriesError, Slot};

/// How busy each hour of a day is, from midnight on: a quiet night, a lunch, and a dinner that is the day's peak.
const HOURS: [f64; 24] = [
    0.35, 0.2, 0.12, 0.08, 0.07, 0.1, 0.2, 0.4, 0.6, 0.7, 0.95, 1.5, 1.9, 1.5, 1.0, 0.85, 1.0, 1.5, 2.3, 2.6, 2.2, 1.6, 1.05, 0.6,
];
/// How busy each day is, Monday first.
const DAYS: [f64; 7] = [0.85, 0.86, 0.9, 0.97, 1.2, 1.22, 1.05];

/// Demand as a food market has it: meals, weekends, growth, moods that last some hours, and days that are like no other.
#[derive(Debug, Clone)]
pub struct Market {
    /// The same seed is the same demand.
    pub seed: u64,
    /// The first slot.
    pub start: Timestamp,
    /// The length of slots.
    pub slot: Slot,
    /// Where people eat.
    pub zone: TimeZone,
    /// How many days.
    pub days: usize,
    /// Requests in a slot, about, on average.
    pub mean: f64,
}

impl Market {
    /// Makes the demand.
    pub fn series(&self) -> Result<Series, SeriesError> {
        let len = self.days * self.slot.per_day();
        let empty = Series::new(self.start, self.slot, self.zone.clone(), vec![None; len])?;
        let time = LocalTime::new(&empty, len);
        let mut random = Rng::with_seed(self.seed);
        let kept = 0.97_f64.powf(f64::from(self.slot.minutes()) / 30.0);
        let (mut mood, mut of_day) = (0.0, 0.0);
        let values = (0..len).map(|index| {
            if time.begins_day(index) {
                of_day = 0.06 * normal(&mut random) + if random.f64() < 0.03 { 0.45 * normal(&mut random) } else { 0.0 };
            }
            mood = kept * mood + (1.0 - kept * kept).sqrt() * 0.06 * normal(&mut random);
            let hour = time.of_day(index) as f64 * 24.0 / self.slot.per_day() as f64;
            // Day 0 of local time is a Thursday.
            let day = DAYS.get((time.of_week(index) / self.slot.per_day() + 3) % 7).copied().unwrap_or(1.0);
            let growth = 1.0 + 0.001 * index as f64 / self.slot.per_day() as f64;
            let mean = self.mean * between(hour) * day * growth * f64::exp(mood + of_day);
            Some(poisson(mean, &mut random))
        });
        let values: Vec<Option<f64>> = values.collect();
        Series::new(self.start, self.slot, self.zone.clone(), values)
    }
}

fn between(hour: f64) -> f64 {
    let at = |hour: f64| HOURS.get(hour as usize % 24).copied().unwrap_or(1.0);
    at(hour) + (at(hour.floor() + 1.0) - at(hour)) * hour.fract()
}

/// A number from the normal distribution with mean 0 and deviation 1 (Box and Muller).
pub(crate) fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

/// A count from the Poisson distribution; from a mean of 50 on, from the normal one beside it.
fn poisson(mean: f64, random: &mut Rng) -> f64 {
    if mean > 50.0 {
        return (mean + mean.sqrt() * normal(random)).round().max(0.0);
    }
    let (mut count, mut product, least) = (0.0, random.f64(), (-mean).exp());
    while product > least {
        count += 1.0;
        product *= random.f64();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(seed: u64) -> Series {
        let start = "2026-01-05T00:00:00Z".parse().unwrap();
        Market { seed, start, slot: Slot::HalfHour, zone: TimeZone::UTC, days: 28, mean: 200.0 }.series().unwrap()
    }

    #[test]
    fn a_seed_is_a_market() {
        assert_eq!(market(7).raw(), market(7).raw());
        assert_ne!(market(7).raw(), market(8).raw());
    }

    #[test]
    fn dinner_is_busier_than_the_night_and_friday_than_monday() {
        let series = market(7);
        let sum = |slots: std::ops::Range<usize>| slots.filter_map(|index| series.get(index)).sum::<f64>();
        assert!(sum(37..41) > 5.0 * sum(5..9));
        assert!(
            (0..4).map(|week| sum((week * 7 + 4) * 48..(week * 7 + 5) * 48)).sum::<f64>()
                > (0..4).map(|week| sum(week * 7 * 48..(week * 7 + 1) * 48)).sum::<f64>()
        );
        assert!((150.0..260.0).contains(&series.mean()), "{}", series.mean());
    }
}
