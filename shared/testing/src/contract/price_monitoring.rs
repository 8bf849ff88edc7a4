use super::done;
use crate::samples::NOON;
use carryout_market::ids;
use carryout_price_monitoring::{Observation, Span, Statistics, Trends};
use carryout_pricing::{ChargeKind, PriceMeasure};
use std::collections::BTreeMap;

/// [`Trends`]: every quote counts once, in whatever company its event comes again. Nobody else may count meanwhile.
pub async fn trends(trends: &impl Trends) {
    // So many that no adapter writes them at once, in two markets and two hours.
    let hour = Span::Hour.start_of(NOON);
    let one = |number: i64| Observation {
        event_id: format!("event-{number}"),
        market: if number % 4 == 0 { ids::CA } else { ids::US },
        at: hour - 60_000 + (number % 2) * 90_000,
        figures: [
            (PriceMeasure::Total, 1_000 + number),
            (PriceMeasure::Charges(ChargeKind::Discount), -number),
            (PriceMeasure::Tip, 0),
        ]
        .into(),
    };
    let quotes: Vec<Observation> = (0..240).map(one).collect();
    for batch in [&quotes[..100], &quotes[50..], &quotes[..], &[one(1), one(1)][..]] {
        done(trends.observe(batch).await);
    }
    for market in [ids::US, ids::CA] {
        for figure in [PriceMeasure::Total, PriceMeasure::Charges(ChargeKind::Discount), PriceMeasure::Tip] {
            for span in Span::ALL {
                let mut expected: BTreeMap<i64, Statistics> = BTreeMap::new();
                for quote in quotes.iter().filter(|quote| quote.market == market) {
                    expected.entry(span.start_of(quote.at)).or_default().add(quote.figures[&figure]);
                }
                let kept = done(trends.series(market, figure, span, hour - span.ms(), hour + span.ms()).await);
                assert_eq!(kept, expected, "{market} {figure} by {}", span.name());
                for (start, statistics) in expected {
                    assert_eq!(done(trends.slot(market, figure, span, start).await), Some(statistics));
                }
            }
        }
    }
    let series = async |since, until| done(trends.series(ids::US, PriceMeasure::Total, Span::Hour, since, until).await).len();
    assert_eq!((series(hour, hour + 1).await, series(hour - 3_600_000, hour).await, series(hour, hour).await), (1, 1, 0));
    assert_eq!(done(trends.slot(ids::PR, PriceMeasure::Total, Span::Hour, hour).await), None);
}
