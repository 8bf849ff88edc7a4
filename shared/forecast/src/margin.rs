//! Environments for the ups and downs inside a slot, whose load arrives at random and not evenly.

use serde::{Deserialize, Serialize};

use crate::learn::normal_quantile;

/// From this load on, a Poisson distribution is taken for a normal one with its skewness; the difference is below one
/// environment.
const NORMAL_FROM: f64 = 400.0;

/// How many environments a mean concurrency needs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// The mean, rounded up.
    None,
    /// So many that the concurrency of requests that arrive at random, and never wait, is not more with the probability of
    /// the quantile that is planned for: the Poisson distribution of a service with unlimited environments.
    Poisson,
    /// So many that at most this share of the requests finds all of them busy: Erlang's B formula.
    Erlang {
        /// The share, above 0 and below 1.
        overflow: f64,
    },
}

impl Margin {
    /// The environments that `mean` concurrency needs, `most` at most.
    pub(crate) fn environments(self, mean: f64, quantile: f64, most: u32) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        match self {
            Self::None => (mean.ceil() as u32).min(most),
            Self::Poisson => poisson_quantile(mean, quantile, most),
            Self::Erlang { overflow } => erlang(mean, overflow, most),
        }
    }
}

/// The smallest count that is not exceeded with probability `share`.
fn poisson_quantile(mean: f64, share: f64, most: u32) -> u32 {
    if mean >= NORMAL_FROM {
        let z = normal_quantile(share);
        let count = (mean + z * mean.sqrt() + (z * z - 1.0) / 6.0).round();
        return (count.max(0.0) as u32).min(most);
    }
    let mut of_count = (-mean).exp();
    let mut up_to_count = of_count;
    let mut count = 0;
    // Beyond a mean and forty deviations there is nothing but rounding.
    let end = (mean + 40.0 * mean.sqrt() + 40.0) as u32;
    while up_to_count < share && count < most.min(end) {
        count += 1;
        of_count *= mean / f64::from(count);
        up_to_count += of_count;
    }
    count
}

/// The smallest number of environments that blocks at most `overflow` of an offered load of `mean`.
fn erlang(mean: f64, overflow: f64, most: u32) -> u32 {
    let mut blocked = 1.0;
    let mut count = 0;
    while blocked > overflow && count < most {
        count += 1;
        blocked = mean * blocked / (f64::from(count) + mean * blocked);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poisson_margin_is_that_of_tables() {
        // P(N ≤ 15) = 0.9513 and P(N ≤ 14) = 0.9165 at a mean of 10.
        assert_eq!(Margin::Poisson.environments(10.0, 0.95, 100), 15);
        assert_eq!(Margin::Poisson.environments(10.0, 0.4, 100), 9);
        assert_eq!(Margin::Poisson.environments(10.0, 1.0, 12), 12);
    }

    #[test]
    fn large_loads_follow_small_ones_without_a_step() {
        let at = |mean: f64| poisson_quantile(mean, 0.95, u32::MAX);
        assert!(at(NORMAL_FROM).abs_diff(at(NORMAL_FROM - 1e-6)) <= 1);
    }

    #[test]
    fn an_erlang_margin_is_that_of_tables() {
        // 10 Erlang need 18 circuits for 1 % and 15 for 5 %.
        assert_eq!(Margin::Erlang { overflow: 0.01 }.environments(10.0, 0.5, 100), 18);
        assert_eq!(Margin::Erlang { overflow: 0.05 }.environments(10.0, 0.5, 100), 15);
    }

    #[test]
    fn no_load_needs_nothing() {
        assert_eq!(Margin::Poisson.environments(0.0, 0.99, 100), 0);
        assert_eq!(Margin::None.environments(0.2, 0.99, 100), 1);
    }
}
