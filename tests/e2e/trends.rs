//! Quotes appear in the trends, and an hour unlike the weeks before is found.

use crate::harness::{Harness, eventually};
use anyhow::{Context as _, Result};
use carryout::trends::{self, Wanted};
use carryout_aws::DynamoTrends;
use carryout_lambda::{clock::SystemClock, ids::new_id};
use carryout_market::{MarketType, ids};
use carryout_price_monitoring::{MIN_QUOTES, Observation, Span, Trends as _, WEEKS};
use carryout_pricing::{ChargeKind, PriceMeasure};
use serde_json::json;

#[tokio::test]
async fn quotes_appear_in_the_trends() -> Result<()> {
    let harness = Harness::set().await?;
    let wanted = Wanted { market: Some(ids::AU), component: Some(PriceMeasure::Total), hours: 2, span: Span::Minute };
    let counted =
        async || Ok::<_, anyhow::Error>(trends::series(&harness.stack, wanted).await?.first().map_or(0, |one| one.quotes));
    let before = counted().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    for _ in 0..3 {
        fixture.quote(&fixture.cart()).await?;
    }
    eventually("the quotes are counted", async || Ok((counted().await? >= before + 3).then_some(()))).await?;
    let series = trends::series(&harness.stack, wanted).await?;
    let mean = series.first().context("there is no series")?.mean;
    assert!(mean > 0.0, "{series:?}");
    assert!(trends::chart(&series).contains("AU     total"), "{}", trends::chart(&series));
    Ok(())
}

/// Hardly anybody is given a price in Puerto Rico, and the hour is over: no other quotes get in the way.
#[tokio::test]
async fn an_hour_unlike_the_weeks_before_is_found() -> Result<()> {
    let harness = Harness::set().await?;
    let kept = DynamoTrends::new(&harness.aws, harness.output("TrendsTable")?);
    let hour = Span::Hour.start_of(SystemClock.now_ms()) - Span::Hour.ms();
    for week in 0..=WEEKS {
        let credit = if week == 0 { -900 } else { -100 - week };
        let quotes = (0..MIN_QUOTES).map(|_| Observation {
            event_id: new_id("e2e"),
            market: ids::PR,
            at: hour - week * 7 * 24 * Span::Hour.ms(),
            figures: [(PriceMeasure::Charges(ChargeKind::Credit), credit)].into(),
        });
        kept.observe(&quotes.collect::<Vec<_>>()).await?;
    }
    let Some(answer) = harness.invoke("watch-prices", &json!({ "id": new_id("e2e") })).await? else { return Ok(()) };
    assert!(answer["anomalies"].as_u64() >= Some(1), "{answer}");
    let watched = trends::watched(&harness.stack).await?.context("nothing was reported")?;
    let found = watched
        .anomalies
        .iter()
        .find(|anomaly| (anomaly.market, anomaly.component) == (ids::PR, PriceMeasure::Charges(ChargeKind::Credit)));
    let found = found.with_context(|| format!("the planted hour is not found: {watched:?}"))?;
    assert!(found.z < -5.0 && found.mean < found.median, "{found:?}");
    Ok(())
}
