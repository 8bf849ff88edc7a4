//! The legacy system's bugs are found by comparing, and whoever is not in the rollout is shown its prices.

use crate::harness::{Fixture, Harness, eventually};
use anyhow::{Context as _, Result};
use carryout::parity::{self, RolloutChange};
use carryout::routing::Change;
use carryout_aws::{DynamoComparisons, SqsQueue};
use carryout_checkout::{
    audit::Replay,
    cart::{Cart, CartFulfilment, CartLine},
};
use carryout_lambda::{clock::SystemClock, ids::new_id};
use carryout_market::{MarketId, MarketType, ids};
use carryout_migration::parity::{Comparison, Comparisons as _, LegacyPriceRequest, PriceSample, SampleQueue as _};
use carryout_money::{Money, Rate};
use carryout_predicate::cohort::Percent;
use carryout_pricing::{ChargeKind, Context, ContextLine, PriceMeasure, price};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

const HOUR_MS: i64 = 3_600_000;

async fn change(harness: &Harness, change: RolloutChange) -> Result<()> {
    // Others may change the rollout at the same moment; then it is to be tried again.
    eventually("the rollout is changed", async || Ok(parity::change(&harness.stack, &change).await.ok())).await?;
    Ok(())
}

async fn compared(harness: &Harness, market: MarketId, quote_id: &str) -> Result<Option<Comparison>> {
    let comparisons = DynamoComparisons::new(&harness.aws, harness.output("ParityTable")?);
    let now = SystemClock.now_ms();
    let kept = comparisons.between(market, now - HOUR_MS, now + HOUR_MS).await?;
    Ok(kept.into_iter().find(|comparison| comparison.quote_id == quote_id))
}

/// A store whose first item costs `minor`, with a tax of 5 %.
async fn fixture(harness: &Harness, country: MarketId, minor: i64) -> Result<Fixture<'_>> {
    let change = |store: &mut carryout_checkout::store::StoreWithMenu| {
        store.store.tax_rate = Rate::from_milli_percent(5_000);
        store.items[0].price = Money::new(minor, carryout_testing::samples::market(country).currency);
    };
    harness.scene_with(country, MarketType::Restaurant, change).await
}

fn pickup(fixture: &Fixture<'_>, quantity: u32) -> Cart {
    let lines = vec![CartLine { item_id: fixture.store.items[0].id.clone(), quantity }];
    Cart { store_id: fixture.store.store.id.clone(), lines, fulfilment: CartFulfilment::Pickup, address_id: None, tip: 0 }
}

/// Asks for quotes until one of them is compared: functions notice a change of the rollout within seconds.
async fn comparison(fixture: &Fixture<'_>, quantity: u32) -> Result<Comparison> {
    let mut quotes = Vec::new();
    eventually("a quote is compared", async || {
        quotes.push(fixture.quote(&pickup(fixture, quantity)).await?.terms.id);
        for quote in &quotes {
            if let Some(found) = compared(fixture.harness, fixture.store.store.country, quote).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    })
    .await
}

#[tokio::test]
async fn both_bugs_of_the_legacy_system_are_found_and_shown() -> Result<()> {
    let harness = Harness::set().await?;
    let all = Percent::try_from(100)?;
    change(&harness, RolloutChange { sample: Some(all), ..RolloutChange::default() }).await?;

    // 5 % of 9.99 is 0.50; of 3.33 it is 0.17, three times. The service fee is the same in both.
    let canadian = comparison(&fixture(&harness, ids::CA, 333).await?, 3).await?;
    let by = |comparison: &Comparison, figure| comparison.differences.get(&figure).map(|difference| difference.by());
    assert_eq!(
        (by(&canadian, PriceMeasure::Charges(ChargeKind::Tax)), by(&canadian, PriceMeasure::Total)),
        (Some(-1), Some(-1)),
        "{canadian:?}"
    );
    assert_eq!(canadian.differences.len(), 2, "{canadian:?}");

    let american = comparison(&fixture(&harness, ids::US, 6_000).await?, 2).await?;
    let fee = by(&american, PriceMeasure::Charges(ChargeKind::Fee)).context("the forgotten fee is not found")?;
    assert!(fee > 0 && american.differences.contains_key(&PriceMeasure::Total), "{american:?}");
    let small = comparison(&fixture(&harness, ids::US, 600).await?, 2).await?;
    assert!(small.differences.is_empty(), "{small:?}");
    change(&harness, RolloutChange { sample: Some(Percent::default()), ..RolloutChange::default() }).await?;

    for (market, figure) in [(ids::CA, PriceMeasure::Charges(ChargeKind::Tax)), (ids::US, PriceMeasure::Charges(ChargeKind::Fee))]
    {
        let rows = parity::last(&harness.stack, SignedDuration::from_hours(1), Some(market)).await?;
        let row = rows.iter().find(|row| row.component == figure).context("the component has no row")?;
        assert!(row.equal < row.compared && row.share < 1.0 && row.biggest.is_some(), "{row:?}");
        let tip = rows.iter().find(|row| row.component == PriceMeasure::Tip).context("the tip has no row")?;
        assert!(tip.equal == tip.compared && tip.biggest.is_none(), "{tip:?}");
        assert!(parity::table(&rows).contains(" is "), "{}", parity::table(&rows));
    }
    Ok(())
}

#[tokio::test]
async fn a_legacy_system_that_fails_loses_no_sample() -> Result<()> {
    let harness = Harness::set().await?;
    let fault =
        |consumer: &str| json!({ "partner": "legacy", "operation": "price", "kind": "fail_before", "consumer_id": consumer });
    let consumer_id = new_id("con");
    harness.fault(&fault(&consumer_id)).await?;
    let context =
        Context::new(carryout_testing::samples::market(ids::NZ).currency, vec![ContextLine::new("itm_1", "Pavlova", 1, 900)]);
    let sample = PriceSample {
        ours: PriceMeasure::all_of(&price(&context)?),
        request: LegacyPriceRequest { quote_id: new_id("quo"), consumer_id, market: ids::NZ, context },
        at: SystemClock.now_ms(),
        correlation_id: new_id("cor"),
    };
    SqsQueue::new(&harness.aws, harness.output("SamplesQueueUrl")?).send(&sample).await?;
    // It comes back after the queue's visibility timeout, a minute.
    let found =
        eventually("the sample is compared", async || compared(&harness, ids::NZ, &sample.request.quote_id).await).await?;
    assert!(found.differences.is_empty(), "{found:?}");
    Ok(())
}

/// In Puerto Rico, where the legacy system has no bug, so that other tests' prices there stay what they are.
#[tokio::test]
async fn whoever_is_not_in_the_rollout_is_shown_legacy_prices_and_may_order_at_them() -> Result<()> {
    let harness = Harness::set().await?;
    let (chosen, other) = futures::try_join!(fixture(&harness, ids::PR, 700), fixture(&harness, ids::PR, 700))?;
    let cohort = Change { add: vec![chosen.consumer.id.clone()], ..Change::default() };
    change(&harness, RolloutChange { market: Some(ids::PR), cohort, ..RolloutChange::default() }).await?;
    let legacy = eventually("the rollout is noticed", async || {
        let quote = other.quote(&pickup(&other, 2)).await?;
        Ok((quote.terms.price.engine == 0).then_some(quote))
    })
    .await?;
    let ours = chosen.quote(&pickup(&chosen, 2)).await?;
    assert_eq!((&*legacy.terms.price.policy, legacy.terms.price.flags.len()), ("legacy", 0));
    assert!(ours.terms.price.engine > 0 && ours.terms.price.total == legacy.terms.price.total, "{ours:?}");
    let id = other.order(&legacy).await?;
    other.assert_placed(&id, &legacy).await?;
    // What is kept is our price: it is found again, and beside it what was shown.
    let path = format!("/v1/ops/quotes/{}/replay", legacy.terms.id);
    let replay: Replay = harness.client.as_operator(Method::POST, &path, None).await?.expect(200)?;
    assert_eq!((replay.identical, replay.shown), (true, Some(legacy.terms.price.total)), "{replay:?}");

    other.fault("legacy", "price", "fail_before", json!({})).await?;
    // Another process of the function may notice the rollout seconds later.
    let fallback = eventually("our price stands in, flagged", async || {
        let price = other.quote(&pickup(&other, 2)).await?.terms.price;
        Ok(price.flags.iter().any(|flag| flag.provider == "legacy").then_some(price))
    })
    .await?;
    assert!(fallback.engine > 0, "{fallback:?}");
    change(&harness, RolloutChange { done: Some(ids::PR), ..RolloutChange::default() }).await
}
