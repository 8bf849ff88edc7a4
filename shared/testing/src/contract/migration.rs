use super::done;
use crate::samples::{self, NOON};
use carryout_environment::Ids;
use carryout_market::ids;
use carryout_migration::{
    mirror::{LegacyOrder, LegacySink, Upserted},
    parity::{Comparison, Comparisons, Difference},
};
use carryout_money::Currency;
use carryout_pricing::{ChargeKind, PriceMeasure};

/// [`LegacySink`]: whatever comes in whatever order, and however often, the newest version stays. `held` reads the version
/// that the sink holds of an order.
pub async fn legacy_sink(sink: &impl LegacySink, ids: &impl Ids, held: impl AsyncFn(&str) -> Option<u64>) {
    let at = |id: &str, version: u64| LegacyOrder { version, ..samples::legacy_order(id) };
    let id = ids.new_id("ord");
    assert_eq!(held(&id).await, None);
    for (version, expected, kept) in [
        (3, Upserted::Applied, 3),
        (3, Upserted::Older, 3),
        (1, Upserted::Older, 3),
        (7, Upserted::Applied, 7),
        (2, Upserted::Older, 7),
        (7, Upserted::Older, 7),
    ] {
        assert_eq!(done(sink.upsert(&at(&id, version)).await), expected, "version {version}");
        assert_eq!(held(&id).await, Some(kept));
    }

    // Every arrangement of four versions, each sent twice, on an order of its own.
    for arrangement in arrangements(&[1, 2, 3, 4]) {
        let id = ids.new_id("ord");
        for version in arrangement.iter().chain(arrangement.iter().rev()) {
            done(sink.upsert(&at(&id, *version)).await);
        }
        assert_eq!(held(&id).await, Some(4), "{arrangement:?}");
    }

    // At the same time.
    let id = ids.new_id("ord");
    let orders: Vec<LegacyOrder> = (1..=16).map(|version| at(&id, 1 + version * 7 % 16)).collect();
    let upserts = orders.iter().map(|order| async { done(sink.upsert(order).await) });
    let applied = futures::future::join_all(upserts).await;
    assert!(applied.contains(&Upserted::Applied));
    assert_eq!(held(&id).await, Some(16));
}

fn arrangements(of: &[u64]) -> Vec<Vec<u64>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: u64| {
        let rest: Vec<u64> = of.iter().copied().filter(|other| *other != first).collect();
        arrangements(&rest).into_iter().map(move |rest| [vec![first], rest].concat())
    };
    of.iter().copied().flat_map(with_first).collect()
}

/// [`Comparisons`]: each quote's counts once, and a market's come in the order of their time, across days.
pub async fn comparisons(comparisons: &impl Comparisons) {
    let one = |quote: &str, market, at| Comparison {
        quote_id: quote.to_owned(),
        market,
        at,
        currency: Currency::CAD,
        differences: [(PriceMeasure::Charges(ChargeKind::Tax), Difference { ours: 12, legacy: 13 })].into(),
    };
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let kept = [
        one("quo_1", ids::CA, NOON - DAY),
        one("quo_3", ids::CA, NOON),
        one("quo_2", ids::CA, NOON + 1),
        one("quo_4", ids::CA, NOON + 2 * DAY),
    ];
    for comparison in kept.iter().rev().chain([&kept[1], &one("quo_5", ids::US, NOON)]) {
        done(comparisons.save(comparison).await);
    }
    let between = async |since, until| done(comparisons.between(ids::CA, since, until).await);
    assert_eq!(between(NOON - DAY, NOON + 2 * DAY).await, kept[..3], "until is not included");
    assert_eq!(between(NOON - DAY + 1, NOON + 2 * DAY + 1).await, kept[1..], "since is included");
    assert_eq!(between(NOON + 2, NOON + DAY).await, []);
}
