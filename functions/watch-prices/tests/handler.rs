//! The price watch over in-memory trends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use carryout_checkout::ports::Reports as _;
use carryout_lambda::metrics::Metrics;
use carryout_market::ids;
use carryout_price_monitoring::{MIN_QUOTES, Observation, PriceWatch, Span, Trends as _, WEEKS};
use carryout_pricing::{ChargeKind, PriceMeasure};
use carryout_testing::{FakeReports, FakeTrends, ManualClock, samples::{self, NOON}};
use watch_prices::handle;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Enough quotes with this tax, a minute into the hour that starts at `start`.
async fn seed(trends: &FakeTrends, start: i64, tax: i64) {
    let quotes = (0..MIN_QUOTES).map(|number| Observation {
        event_id: format!("{start}-{number}"),
        market: ids::NZ,
        at: start + 60_000,
        figures: [(PriceMeasure::Charges(ChargeKind::Tax), tax), (PriceMeasure::Tip, 200)].into(),
    });
    trends.observe(&quotes.collect::<Vec<_>>()).await.unwrap();
}

#[tokio::test]
async fn anomalous_hour_is_reported_once() {
    let (trends, reports, clock) = (FakeTrends::default(), FakeReports::<PriceWatch>::default(), ManualClock::at(NOON));
    let metrics = Metrics::new("Carryout", "watch-prices");
    let hour = Span::Hour.start_of(NOON) - Span::Hour.ms();
    for week in 1..=WEEKS {
        seed(&trends, hour - week * WEEK_MS, 150 + week).await;
    }
    seed(&trends, hour, 600).await;
    for _ in 0..2 {
        let answer = handle(&trends, &reports, &samples::markets(), &clock, &metrics).await.unwrap();
        assert_eq!((&answer["watched"], &answer["anomalies"]), (&2.into(), &1.into()), "{answer}");
    }
    let report = reports.latest().await.unwrap().unwrap();
    assert_eq!((report.hour, report.anomalies.len()), (hour, 1));
    let anomaly = &report.anomalies[0];
    assert_eq!(
        (anomaly.market, anomaly.component, anomaly.mean, anomaly.median),
        (ids::NZ, PriceMeasure::Charges(ChargeKind::Tax), 600.0, 154.5)
    );
}

#[tokio::test]
async fn hour_without_history_is_not_judged() {
    let (trends, reports) = (FakeTrends::default(), FakeReports::<PriceWatch>::default());
    seed(&trends, Span::Hour.start_of(NOON) - Span::Hour.ms(), 600).await;
    let metrics = Metrics::new("Carryout", "watch-prices");
    let answer = handle(&trends, &reports, &samples::markets(), &ManualClock::at(NOON), &metrics).await.unwrap();
    assert_eq!((&answer["watched"], &answer["anomalies"]), (&0.into(), &0.into()));
}
