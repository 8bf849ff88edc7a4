//! Comparison of the legacy system's prices with ours.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    ports::CallError,
    quoting::{PriceEngine, Quoting},
};
use carryout_market::{MarketType, ids};
use carryout_migration::parity::{Comparison, Difference, PriceSample, compare, parity};
use carryout_money::Currency;
use carryout_pricing::{ChargeKind, PriceMeasure};
use carryout_testing::{FakeLegacyPrices, FixedTimer, ManualClock, PlainSeal, SequentialIds, Store, samples};
use std::sync::Arc;

async fn sample() -> PriceSample {
    let clock = ManualClock::at(samples::NOON);
    let store = Store::new(&clock);
    store.put_store(samples::store("sto_wok", ids::US, MarketType::Restaurant));
    store.put_consumer(samples::consumer("con_ada"));
    let quoting = Quoting {
        catalog: store.clone(),
        consumers: store.clone(),
        promotions: store.clone(),
        quotes: store,
        engine: Arc::new(PriceEngine::standard(samples::markets().into_source(), FixedTimer::Never)),
        signer: PlainSeal::default(),
        clock,
        ids: SequentialIds::default(),
        lock_for: 600_000,
    };
    let draft = quoting.draft("con_ada", &samples::cart("sto_wok", 2)).await.unwrap();
    PriceSample::of(&draft, samples::NOON, "correlation")
}

#[tokio::test]
async fn comparison_names_the_measures_that_differ() {
    let sample = sample().await;
    let equal = compare(&FakeLegacyPrices::default(), &sample).await.unwrap();
    assert!(equal.differences.is_empty());
    let spoiling = FakeLegacyPrices::spoiling(|price| {
        price.charges[ChargeKind::Tax][0].amount.minor += 2;
        price.total.minor += 2;
    });
    let found = compare(&spoiling, &sample).await.unwrap();
    let differences: Vec<(PriceMeasure, i64)> =
        found.differences.iter().map(|(measure, difference)| (*measure, difference.by())).collect();
    assert_eq!(differences, [(PriceMeasure::Charges(ChargeKind::Tax), -2), (PriceMeasure::Total, -2)]);
    assert_eq!((found.quote_id, found.at), (sample.request.quote_id, sample.at));
}

#[tokio::test]
async fn unavailable_or_foreign_price_is_an_error_and_not_a_difference() {
    let sample = sample().await;
    let legacy = FakeLegacyPrices::default();
    legacy.fail_next(1);
    assert!(matches!(compare(&legacy, &sample).await, Err(CallError::Unavailable { .. })));
    let foreign = FakeLegacyPrices::spoiling(|price| price.total.currency = Currency::CAD);
    assert!(matches!(compare(&foreign, &sample).await, Err(CallError::Unclear { .. })));
}

#[tokio::test]
async fn sample_round_trips_through_json() {
    let sample = sample().await;
    let sent = serde_json::to_string(&sample).unwrap();
    assert_eq!(serde_json::from_str::<PriceSample>(&sent).unwrap(), sample);
}

#[test]
fn parity_is_per_market_and_reports_the_oldest_of_the_largest_differences() {
    let one = |quote: &str, market, differences: &[(PriceMeasure, i64, i64)]| Comparison {
        quote_id: quote.to_owned(),
        market,
        at: samples::NOON,
        currency: Currency::CAD,
        differences: differences
            .iter()
            .map(|(measure, ours, legacy)| (*measure, Difference { ours: *ours, legacy: *legacy }))
            .collect(),
    };
    let found = parity(&[
        one("quo_1", ids::CA, &[(PriceMeasure::Charges(ChargeKind::Tax), 10, 12), (PriceMeasure::Total, 110, 112)]),
        one("quo_2", ids::CA, &[]),
        one("quo_3", ids::CA, &[(PriceMeasure::Charges(ChargeKind::Tax), 15, 13)]),
        one("quo_4", ids::CA, &[(PriceMeasure::Charges(ChargeKind::Tax), 15, 14)]),
        one("quo_5", ids::US, &[]),
    ]);
    assert_eq!(found.len(), 2 * PriceMeasure::ALL.len());
    let of = |market, measure| found.iter().find(|row| (row.market, row.component) == (market, measure)).unwrap();
    let tax = of(ids::CA, PriceMeasure::Charges(ChargeKind::Tax));
    assert_eq!((tax.compared, tax.equal, tax.share), (4, 1, 0.25));
    let biggest = tax.biggest.as_ref().unwrap();
    assert_eq!((&*biggest.quote_id, biggest.ours.minor, biggest.legacy.minor), ("quo_1", 10, 12));
    assert_eq!((of(ids::CA, PriceMeasure::Total).equal, of(ids::CA, PriceMeasure::Tip).share), (3, 1.0));
    let american = of(ids::US, PriceMeasure::Charges(ChargeKind::Tax));
    assert_eq!((american.compared, american.equal, &american.biggest), (1, 1, &None));
}
