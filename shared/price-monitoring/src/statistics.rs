use std::collections::BTreeMap;

/// What is kept of many amounts instead of them: their sum, the sum of their squares, and how many lie in each bucket of a
/// sketch. Two of them are merged by adding every member, so that counting can be spread and put together in any order.
///
/// Sum and mean are exact. A median is off by at most [`Statistics::ACCURACY`] of its amount: buckets grow geometrically, as in
/// DDSketch (<https://arxiv.org/abs/1908.10693>). Money is not computed with what comes out; it is looked at.
///
/// ```
/// use carryout_price_monitoring::Statistics;
///
/// let mut statistics = Statistics::default();
/// [1_000, 1_100, 9_000].into_iter().for_each(|amount| statistics.add(amount));
/// assert_eq!((statistics.count(), statistics.mean()), (3, Some(3_700.0)));
/// assert!((statistics.median().unwrap() / 1_100.0 - 1.0).abs() <= Statistics::ACCURACY);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Sum of the amounts. Minor units.
    pub sum: i128,
    /// Sum of the amounts' squares.
    pub squares: i128,
    /// How many amounts lie in each bucket. Buckets rise with the amounts: 0 is nothing, 1 is one minor unit, and those of
    /// negative amounts are negative.
    pub sketch: BTreeMap<i32, u64>,
}

/// By what a bucket is wider than the one before it.
const GROWTH: f64 = 1.05;

impl Statistics {
    /// By how much a median may be off, as a share of it.
    pub const ACCURACY: f64 = (GROWTH - 1.0) / (GROWTH + 1.0);

    /// Counts one amount.
    pub fn add(&mut self, amount: i64) {
        let exact = i128::from(amount);
        self.sum = self.sum.saturating_add(exact);
        self.squares = self.squares.saturating_add(exact.saturating_mul(exact));
        *self.sketch.entry(bucket(amount)).or_default() += 1;
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
        for (bucket, count) in &other.sketch {
            *self.sketch.entry(*bucket).or_default() += count;
        }
    }

    /// How many amounts were counted.
    pub fn count(&self) -> u64 {
        self.sketch.values().sum()
    }

    /// The mean; `None` of nothing. Minor units.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }

    /// The standard deviation of what was counted; `None` of nothing. Minor units.
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.squares as f64 / self.count() as f64 - mean * mean).max(0.0).sqrt())
    }

    /// The median, the lower one of two; `None` of nothing. Minor units.
    pub fn median(&self) -> Option<f64> {
        let mut left = self.count().checked_sub(1)? / 2;
        for (bucket, count) in &self.sketch {
            if left < *count {
                return Some(middle(*bucket));
            }
            left -= count;
        }
        None
    }
}

/// The bucket of an amount: 1 for one minor unit, then one for each 5 % more.
fn bucket(amount: i64) -> i32 {
    if amount == 0 {
        return 0;
    }
    // At most 895 for the largest amount there is.
    let index = ((amount.unsigned_abs() as f64).ln() / GROWTH.ln()).ceil() as i32 + 1;
    if amount < 0 { -index } else { index }
}

/// The amount that is off by the same share from either end of its bucket.
fn middle(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let amount = if bucket.abs() == 1 { 1.0 } else { 2.0 * GROWTH.powi(bucket.abs() - 1) / (GROWTH + 1.0) };
    amount * f64::from(bucket.signum())
}

/// What a value should be by what it was before: robustly, so that a few bad weeks among the good ones change little.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The median of the past values.
    pub median: f64,
    /// Their median absolute deviation from it, times 1.4826, which estimates the standard deviation of normal values.
    /// At least 1 % of the median and at least 1, so that a past without any deviation does not make each cent a surprise.
    pub spread: f64,
}

impl Expected {
    /// By `past` values; `None` by none.
    ///
    /// Iglewicz and Hoaglin, *How to Detect and Handle Outliers* (1993), chapter 3.
    pub fn by(past: &[f64]) -> Option<Self> {
        let middle = median(past)?;
        let deviations: Vec<f64> = past.iter().map(|value| (value - middle).abs()).collect();
        let spread = 1.4826 * median(&deviations)?;
        Some(Self { median: middle, spread: spread.max(middle.abs() / 100.0).max(1.0) })
    }

    /// How many spreads a value is off: the robust z-score.
    pub fn z(&self, value: f64) -> f64 {
        (value - self.median) / self.spread
    }
}

/// The middle of the sorted values, the mean of the two middle ones where their number is even.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(amounts: &[i64]) -> Statistics {
        let mut statistics = Statistics::default();
        amounts.iter().for_each(|amount| statistics.add(*amount));
        statistics
    }

    #[test]
    fn nothing_has_no_mean() {
        let nothing = Statistics::default();
        assert_eq!((nothing.count(), nothing.mean(), nothing.deviation(), nothing.median()), (0, None, None, None));
    }

    #[test]
    fn the_deviation_is_the_textbooks() {
        let statistics = counted(&[2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!((statistics.mean(), statistics.deviation(), statistics.count()), (Some(5.0), Some(2.0), 8));
        assert_eq!(counted(&[0, 0, 0]).median(), Some(0.0));
        assert_eq!(counted(&[-1, -1, 1]).median(), Some(-1.0));
    }

    #[test]
    fn the_spread_ignores_one_bad_week_and_is_never_nothing() {
        let expected = Expected::by(&[3_400.0, 3_500.0, 3_450.0, 90_000.0, 3_480.0]).unwrap();
        assert_eq!(expected.median, 3_480.0);
        assert!((expected.spread - 1.4826 * 30.0).abs() < 1e-9 && expected.z(3_600.0) < 3.0 && expected.z(7_000.0) > 50.0);
        let flat = Expected::by(&[500.0; 6]).unwrap();
        assert_eq!((flat.spread, flat.z(505.0)), (5.0, 1.0));
        assert_eq!(Expected::by(&[0.0; 6]).unwrap().z(-3.0), -3.0);
        assert_eq!(Expected::by(&[]), None);
    }

    proptest! {
        #[test]
        fn counting_apart_and_merging_is_counting_together(one in amounts(), other in amounts()) {
            let mut merged = counted(&one);
            merged.merge(&counted(&other));
            prop_assert_eq!(merged, counted(&[one, other].concat()));
        }

        #[test]
        fn the_median_is_as_accurate_as_it_says(amounts in amounts()) {
            let mut sorted = amounts.clone();
            sorted.sort_unstable();
            let median = counted(&amounts).median();
            let Some(exact) = sorted.get(sorted.len().saturating_sub(1) / 2) else {
                prop_assert_eq!(median, None);
                return Ok(());
            };
            let (exact, median) = (*exact as f64, median.unwrap());
            prop_assert!((median - exact).abs() <= exact.abs() * (Statistics::ACCURACY + 1e-9), "{} is not {}", median, exact);
        }

        #[test]
        fn mean_and_deviation_are_within_the_amounts(amounts in amounts()) {
            let statistics = counted(&amounts);
            let (Some(least), Some(most)) = (amounts.iter().min(), amounts.iter().max()) else { return Ok(()) };
            let (mean, deviation) = (statistics.mean().unwrap(), statistics.deviation().unwrap());
            prop_assert!(*least as f64 - 1e-3 <= mean && mean <= *most as f64 + 1e-3);
            prop_assert!(deviation <= (most - least) as f64 + 1.0);
        }

        #[test]
        fn a_score_does_not_depend_on_the_order_or_the_unit(past in prop::collection::vec(500.0..10_000.0_f64, 1..12), value in 0.0..20_000.0_f64) {
            let score = Expected::by(&past).unwrap().z(value);
            let mut reversed = past.clone();
            reversed.reverse();
            prop_assert_eq!(Expected::by(&reversed).unwrap().z(value), score);
            let tenfold: Vec<f64> = past.iter().map(|value| value * 10.0).collect();
            let scaled = Expected::by(&tenfold).unwrap().z(value * 10.0);
            prop_assert!((scaled - score).abs() <= 1e-6 * (1.0 + score.abs()), "{} is not {}", scaled, score);
        }
    }

    fn amounts() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-10_000_000_i64..1_000_000_000, 0..60)
    }
}
