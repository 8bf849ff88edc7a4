//! The legacy system's prices against ours.

use crate::world::{CONSUMER, SHOP, World};
use carryout_checkout::{
    market::Country,
    parity::{Comparison, Difference, PriceSample, compare, parity},
    ports::CallError,
};
use carryout_money::Currency;
use carryout_pricing::PriceMeasure;
use carryout_testing::{FakeLegacyPrices, samples};

async fn sample() -> PriceSample {
    let world = World::new();
    let draft = world.quoting().draft(CONSUMER, &samples::cart(SHOP, 2)).await.unwrap();
    PriceSample::of(&draft, samples::NOON, "correlation")
}

#[tokio::test]
async fn equal_prices_have_no_differences_and_others_name_the_figures() {
    let sample = sample().await;
    let equal = compare(&FakeLegacyPrices::default(), &sample).await.unwrap();
    assert!(equal.differences.is_empty());
    let spoiling = FakeLegacyPrices::spoiling(|price| {
        price.taxes[0].amount.minor += 2;
        price.total.minor += 2;
    });
    let found = compare(&spoiling, &sample).await.unwrap();
    let differences: Vec<(PriceMeasure, i64)> =
        found.differences.iter().map(|(figure, difference)| (*figure, difference.by())).collect();
    assert_eq!(differences, [(PriceMeasure::Tax, -2), (PriceMeasure::Total, -2)]);
    assert_eq!((found.quote_id, found.at), (sample.request.quote_id, sample.at));
}

#[tokio::test]
async fn a_price_that_is_none_is_an_error_and_not_a_difference() {
    let sample = sample().await;
    let legacy = FakeLegacyPrices::default();
    legacy.fail_next(1);
    assert!(matches!(compare(&legacy, &sample).await, Err(CallError::Unavailable { .. })));
    let foreign = FakeLegacyPrices::spoiling(|price| price.total.currency = Currency::CAD);
    assert!(matches!(compare(&foreign, &sample).await, Err(CallError::Unclear { .. })));
}

#[tokio::test]
async fn a_sample_survives_the_queue() {
    let sample = sample().await;
    let sent = serde_json::to_string(&sample).unwrap();
    assert_eq!(serde_json::from_str::<PriceSample>(&sent).unwrap(), sample);
}

#[test]
fn parity_counts_each_market_apart_and_tells_the_first_of_the_biggest_differences() {
    let one = |quote: &str, market, differences: &[(PriceMeasure, i64, i64)]| Comparison {
        quote_id: quote.to_owned(),
        market,
        at: samples::NOON,
        currency: Currency::CAD,
        differences: differences
            .iter()
            .map(|(figure, ours, legacy)| (*figure, Difference { ours: *ours, legacy: *legacy }))
            .collect(),
    };
    let found = parity(&[
        one("quo_1", Country::CA, &[(PriceMeasure::Tax, 10, 12), (PriceMeasure::Total, 110, 112)]),
        one("quo_2", Country::CA, &[]),
        one("quo_3", Country::CA, &[(PriceMeasure::Tax, 15, 13)]),
        one("quo_4", Country::CA, &[(PriceMeasure::Tax, 15, 14)]),
        one("quo_5", Country::US, &[]),
    ]);
    assert_eq!(found.len(), 2 * PriceMeasure::ALL.len());
    let of = |market, figure| found.iter().find(|row| (row.market, row.component) == (market, figure)).unwrap();
    let tax = of(Country::CA, PriceMeasure::Tax);
    assert_eq!((tax.compared, tax.equal, tax.share), (4, 1, 0.25));
    let biggest = tax.biggest.as_ref().unwrap();
    assert_eq!((&*biggest.quote_id, biggest.ours.minor, biggest.legacy.minor), ("quo_1", 10, 12));
    assert_eq!((of(Country::CA, PriceMeasure::Total).equal, of(Country::CA, PriceMeasure::Tip).share), (3, 1.0));
    let american = of(Country::US, PriceMeasure::Tax);
    assert_eq!((american.compared, american.equal, &american.biggest), (1, 1, &None));
}
