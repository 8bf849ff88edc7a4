//! What prices do over time: statistics of every figure in each market, minute by minute and hour by hour, and hours that are
//! unlike the same hour of the weeks before.

use crate::statistics::{Expected, Statistics};
use carryout_checkout::ports::{Report, Reports};
use carryout_environment::{Clock, StorageError};
use carryout_market::{MarketId, Markets};
use carryout_pricing::PriceMeasure;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future};

/// A quote that was made, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The event that told of it; the same one tells of the same quote.
    pub event_id: String,
    /// The store's country.
    pub market: MarketId,
    /// When the quote was made. Milliseconds since the Unix epoch.
    pub at: i64,
    /// Its figures. Minor units of the market's currency.
    pub figures: BTreeMap<PriceMeasure, i64>,
}

/// How long a slot of statistics is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Span {
    /// Every span.
    pub const ALL: [Self; 2] = [Self::Minute, Self::Hour];

    /// Its length. Milliseconds.
    pub const fn ms(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    /// The start of the slot that a moment is in. Both in milliseconds since the Unix epoch.
    pub const fn start_of(self, at: i64) -> i64 {
        at.div_euclid(self.ms()) * self.ms()
    }
}

/// Keeps statistics: minutes for some days, hours for as many weeks as are compared.
pub trait Trends: Send + Sync {
    /// Counts quotes in their slots. Each counts once however often, and in whatever company, its event comes; on an error
    /// some may have been counted.
    fn observe(&self, observations: &[Observation]) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The slot of a figure that starts at `start`; `None` where nothing was counted.
    fn slot(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        start: i64,
    ) -> impl Future<Output = Result<Option<Statistics>, StorageError>> + Send;

    /// The slots of a figure that start from `since` on and before `until`, by their start, without empty ones.
    fn series(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        since: i64,
        until: i64,
    ) -> impl Future<Output = Result<BTreeMap<i64, Statistics>, StorageError>> + Send;
}

// -------------------------------------------------------------------------------------------------------------- watch

/// How many weeks an hour is held against.
pub const WEEKS: i64 = 8;
/// With how many of them at least.
const MIN_WEEKS: usize = 4;
/// How many quotes an hour needs to count: the mean of fewer says little.
pub const MIN_QUOTES: u64 = 20;
/// From how many spreads on an hour is unlike the others. Iglewicz and Hoaglin advise 3.5 for one look; forty series are looked
/// at each hour.
const MAX_Z: f64 = 5.0;
const WEEK_MS: i64 = 7 * 24 * Span::Hour.ms();

/// What was found about one hour.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PriceWatch {
    /// The start of the hour. Milliseconds since the Unix epoch.
    pub hour: i64,
    /// Series that had enough quotes, in this hour and in the weeks before, to be looked at.
    pub watched: u64,
    /// Those that are unlike themselves.
    pub anomalies: Vec<Anomaly>,
}

impl Report for PriceWatch {
    const SUBJECT: &'static str = "prices";

    fn started_at(&self) -> i64 {
        self.hour
    }
}

/// A figure whose mean is far from what it was in the same hour of the weeks before. Amounts in minor units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The store's country.
    pub market: MarketId,
    /// The figure.
    pub component: PriceMeasure,
    /// Quotes of the hour.
    pub quotes: u64,
    /// Their mean.
    pub mean: f64,
    /// The median of the means of the weeks before.
    pub median: f64,
    /// How far from it they usually are.
    pub spread: f64,
    /// How many spreads the mean is off; negative below.
    pub z: f64,
}

/// Holds the last whole hour against the same hour of the weeks before it, by UTC, and keeps what was found under that hour: a
/// second look at it replaces the first.
pub async fn watch(
    trends: &impl Trends,
    reports: &impl Reports<PriceWatch>,
    markets: &Markets,
    clock: &impl Clock,
) -> Result<PriceWatch, StorageError> {
    let hour = Span::Hour.start_of(clock.now()) - Span::Hour.ms();
    let mut found = PriceWatch { hour, ..PriceWatch::default() };
    for (market, figure) in markets.ids().flat_map(|market| PriceMeasure::ALL.map(|figure| (market, figure))) {
        let Some(now) = trends.slot(market, figure, Span::Hour, hour).await? else { continue };
        let starts = (1..=WEEKS).map(|week| hour - week * WEEK_MS);
        let weeks = try_join_all(starts.map(|start| trends.slot(market, figure, Span::Hour, start))).await?;
        let looked = look(market, figure, &now, &weeks.into_iter().flatten().collect::<Vec<_>>());
        found.watched += u64::from(looked.is_some());
        found.anomalies.extend(looked.flatten());
    }
    reports.save(&found).await?;
    Ok(found)
}

/// Whether an hour is unlike the same one of the weeks before; `None` where too little is known to tell.
fn look(market: MarketId, component: PriceMeasure, now: &Statistics, weeks: &[Statistics]) -> Option<Option<Anomaly>> {
    let telling = |slot: &Statistics| slot.mean().filter(|_| slot.count() >= MIN_QUOTES);
    let mean = telling(now)?;
    let past: Vec<f64> = weeks.iter().filter_map(telling).collect();
    let expected = Expected::by(&past).filter(|_| past.len() >= MIN_WEEKS)?;
    let z = expected.z(mean);
    let anomaly = Anomaly { market, component, quotes: now.count(), mean, median: expected.median, spread: expected.spread, z };
    Some((z.abs() >= MAX_Z).then_some(anomaly))
}

#[cfg(test)]
mod tests {
    use super::*;
    use carryout_market::ids;
    use carryout_pricing::ChargeKind;

    fn hour(mean: i64, quotes: u64) -> Statistics {
        let mut statistics = Statistics::default();
        (0..quotes).for_each(|_| statistics.add(mean));
        statistics
    }

    fn look_at(now: Statistics, weeks: &[Statistics]) -> Option<Option<Anomaly>> {
        look(ids::US, PriceMeasure::Charges(ChargeKind::Tax), &now, weeks)
    }

    #[test]
    fn an_hour_like_the_others_is_fine_and_another_is_not() {
        let weeks = [280, 300, 290, 310, 9_000, 295].map(|mean| hour(mean, MIN_QUOTES));
        assert_eq!(look_at(hour(320, 50), &weeks), Some(None));
        let anomaly = look_at(hour(600, 50), &weeks).flatten().unwrap();
        assert_eq!((anomaly.mean, anomaly.median, anomaly.quotes), (600.0, 297.5, 50));
        assert!(anomaly.z > 5.0);
        assert!(look_at(hour(0, 50), &weeks).flatten().unwrap().z < -5.0);
    }

    #[test]
    fn too_few_quotes_or_weeks_tell_nothing() {
        let weeks = vec![hour(300, MIN_QUOTES); MIN_WEEKS];
        assert_eq!(look_at(hour(900, MIN_QUOTES - 1), &weeks), None);
        assert_eq!(look_at(hour(900, MIN_QUOTES), &weeks[1..]), None);
        let mut thin = weeks.clone();
        thin[0] = hour(300, MIN_QUOTES - 1);
        assert_eq!(look_at(hour(900, MIN_QUOTES), &thin), None);
        assert!(look_at(hour(900, MIN_QUOTES), &weeks).flatten().is_some());
    }

    #[test]
    fn a_moment_is_in_the_slot_before_it() {
        assert_eq!((Span::Minute.start_of(119_999), Span::Hour.start_of(3_600_000)), (60_000, 3_600_000));
        assert_eq!(Span::Minute.start_of(-1), -60_000);
    }
}
