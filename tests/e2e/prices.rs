//! Quotes that no longer hold, and stores that no longer sell.

use crate::harness::{Fixture, Harness, STOCK, assert_problem};
use crate::lost::Ago;
use anyhow::{Context as _, Result};
use carryout_aws::{DocumentConflict, DynamoCatalog, DynamoConsumers, DynamoDocuments, DynamoPromotions, DynamoQuotes};
use carryout_checkout::ports::PROMOTIONS;
use carryout_checkout::quoting::{PriceEngine, Quoting};
use carryout_checkout::store::Location;
use carryout_lambda::clock::{SystemClock, SystemTimer};
use carryout_lambda::ids::RandomIds;
use carryout_market::{MarketId, MarketType, Markets, ids};
use carryout_money::{Money, Rate};
use carryout_pricing::{Benefit, ChargeKind, ComponentId, PriceDifference, Promotion, Quote};
use serde_json::json;
use std::sync::Arc;

/// A quote that was made two minutes ago and held for one.
async fn expired(fixture: &Fixture<'_>) -> Result<Quote> {
    let harness = fixture.harness;
    let quoting = Quoting {
        catalog: DynamoCatalog::new(&harness.aws, harness.output("StoresTable")?),
        consumers: DynamoConsumers::new(&harness.aws, harness.output("ConsumersTable")?),
        promotions: DynamoPromotions::new(&harness.aws, harness.output("ControlTable")?, harness.output("CountersTable")?),
        engine: Arc::new(PriceEngine::standard(Markets::embedded()?.into_source(), SystemTimer)),
        quotes: DynamoQuotes::new(&harness.aws, harness.output("QuotesTable")?),
        signer: harness.keys("QuoteSecret").await?,
        clock: Ago(120_000),
        ids: RandomIds,
        lock_for: 60_000,
    };
    Ok(quoting.quote(&fixture.consumer.id, &fixture.cart()).await?)
}

#[tokio::test]
async fn an_expired_quote_is_answered_with_a_fresh_one_at_the_same_price() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let old = expired(&fixture).await?;
    let reply = fixture.checkout(&old, &fixture.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Expired", Some("quote_id"));
    assert_eq!(reply.body.get("differences"), None);
    let fresh: Quote = serde_json::from_value(reply.body["quote"].clone())?;
    assert_eq!(fresh.terms.price, old.terms.price);
    assert!(fresh.terms.id != old.terms.id && fresh.terms.expires_at > SystemClock.now_ms());
    assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 0);

    let id = fixture.order(&fresh).await?;
    fixture.assert_placed(&id, &fresh).await?;
    Ok(())
}

#[tokio::test]
async fn a_price_that_changed_is_shown_field_by_field_before_anybody_pays_it() -> Result<()> {
    let harness = Harness::set().await?;
    let mut fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let old = expired(&fixture).await?;
    let raised = fixture.store.items[0].price;
    fixture.store.items[0].price = Money::new(raised.minor + 100, raised.currency);
    fixture.write_store().await?;

    let reply = fixture.checkout(&old, &fixture.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Changed", Some("quote_id"));
    let fresh: Quote = serde_json::from_value(reply.body["quote"].clone())?;
    let differences: Vec<PriceDifference> = serde_json::from_value(reply.body["differences"].clone())?;
    let line = format!("lines.{}", fixture.store.items[0].id);
    let of_line = differences.iter().find(|difference| difference.component.to_string() == line);
    let quantity = i64::from(old.terms.price.lines[0].quantity);
    let by = of_line.and_then(|difference| Some(difference.now?.minor - difference.was?.minor));
    assert_eq!(by, Some(100 * quantity), "{differences:?}");
    let total = differences.last().filter(|difference| difference.component == ComponentId::Total);
    assert_eq!(
        total.map(|total| (total.was, total.now)),
        Some((Some(old.terms.price.total), Some(fresh.terms.price.total))),
        "{differences:?}"
    );

    let id = fixture.order(&fresh).await?;
    fixture.assert_placed(&id, &fresh).await?;
    Ok(())
}

/// Adds a promotion to its market for as long as a test needs it, or ends it.
async fn promote(harness: &Harness, country: MarketId, change: impl Fn(&mut Vec<Promotion>)) -> Result<()> {
    let documents = DynamoDocuments::new(&harness.aws, harness.output("ControlTable")?);
    loop {
        let known = documents.read(PROMOTIONS, country.as_str()).await?.context("the market is not seeded")?;
        let mut promotions: Vec<Promotion> = serde_json::from_value(known.value)?;
        change(&mut promotions);
        let value = serde_json::to_value(&promotions)?;
        match documents.write(PROMOTIONS, country.as_str(), &value, Some(known.version)).await {
            Ok(()) => return Ok(()),
            // Another test changes its own promotion.
            Err(DocumentConflict::Conflict) => {}
            Err(DocumentConflict::Storage(error)) => return Err(error.into()),
        }
    }
}

#[tokio::test]
async fn a_promotion_that_ended_is_named_with_what_it_is_worth() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::NZ, MarketType::Restaurant).await?;
    let id = format!("test-{}", fixture.store.store.id);
    let mine = Promotion {
        condition: serde_json::from_value(json!({ "store.id": fixture.store.store.id }))?,
        priority: 99,
        ..Promotion::new(&id, "A tenth off", Benefit::Percent(Rate::from_milli_percent(10_000)))
    };
    promote(&harness, ids::NZ, |promotions| promotions.push(mine.clone())).await?;
    let old = expired(&fixture).await?;
    promote(&harness, ids::NZ, |promotions| promotions.retain(|promotion| promotion.id != id)).await?;
    let discount =
        old.terms.price.charges[ChargeKind::Discount].iter().find(|charge| charge.code == id).context("it was not given")?;

    let reply = fixture.checkout(&old, &fixture.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Changed", Some("quote_id"));
    let differences: Vec<PriceDifference> = serde_json::from_value(reply.body["differences"].clone())?;
    let gone = differences.iter().find(|difference| difference.component == ComponentId::charge(ChargeKind::Discount, &*id));
    assert_eq!(gone.map(|gone| (gone.was, gone.now)), Some((Some(discount.amount), None)), "{differences:?}");
    let by = Money { minor: -discount.amount.minor, ..discount.amount };
    let detail = reply.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(&format!("A tenth off +{by}")), "{detail}");

    let fresh: Quote = serde_json::from_value(reply.body["quote"].clone())?;
    let order = fixture.order(&fresh).await?;
    fixture.assert_placed(&order, &fresh).await?;
    Ok(())
}

/// What was promised is charged, whatever the menu says meanwhile.
#[tokio::test]
async fn a_quote_that_holds_is_honoured_although_the_price_rose() -> Result<()> {
    let harness = Harness::set().await?;
    let mut fixture = harness.fixture(ids::CA, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let price = fixture.store.items[0].price;
    fixture.store.items[0].price = Money::new(price.minor * 2, price.currency);
    fixture.write_store().await?;
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}

#[tokio::test]
async fn an_expired_quote_for_what_is_gone_says_so() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let old = expired(&fixture).await?;
    let mut moved_out = fixture.consumer.clone();
    moved_out.addresses.clear();
    harness.sign_up(&moved_out).await?;
    let reply = fixture.checkout(&old, &fixture.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Expired", Some("quote_id"));
    assert_eq!(reply.body["renewal"]["code"], "Request.InvalidField", "{}", reply.body);
    assert_eq!(reply.body.get("quote"), None);
    Ok(())
}

#[tokio::test]
async fn a_store_that_can_not_sell_says_why_and_the_quote_stays() -> Result<()> {
    let harness = Harness::set().await?;
    let mut fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let (quote, card) = (fixture.quote(&fixture.cart()).await?, fixture.working_card()?);
    let open = fixture.store.clone();

    fixture.store.store.hours.clear();
    fixture.write_store().await?;
    assert_problem(&fixture.checkout(&quote, &card).await?, 409, "Store.Closed", None);

    fixture.store = open.clone();
    fixture.store.store.accepting_orders = false;
    fixture.write_store().await?;
    assert_problem(&fixture.checkout(&quote, &card).await?, 409, "Store.NotAccepting", None);

    fixture.store = open.clone();
    fixture.store.items[0].stock = 0;
    fixture.store.items[1].available = false;
    fixture.write_store().await?;
    let reply = fixture.checkout(&quote, &card).await?;
    assert_problem(&reply, 409, "Item.SoldOut", None);
    let detail = reply.body["detail"].as_str().unwrap_or_default();
    assert!(open.items[..2].iter().all(|item| detail.contains(&item.name)), "{detail}");

    fixture.store = open.clone();
    fixture.store.store.delivery_radius = 500;
    fixture.write_store().await?;
    assert_problem(&fixture.checkout(&quote, &card).await?, 409, "Delivery.OutOfReach", None);

    fixture.store = open;
    fixture.write_store().await?;
    let mut far = fixture.consumer.clone();
    far.addresses[0].location = Location { lat: far.addresses[0].location.lat + 1.0, ..far.addresses[0].location };
    harness.sign_up(&far).await?;
    assert_problem(&fixture.checkout(&quote, &card).await?, 409, "Delivery.OutOfReach", None);
    let mut moved_out = fixture.consumer.clone();
    moved_out.addresses.clear();
    harness.sign_up(&moved_out).await?;
    assert_problem(&fixture.checkout(&quote, &card).await?, 422, "Address.Unknown", None);

    harness.sign_up(&fixture.consumer).await?;
    assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 0);
    assert!(fixture.stock().await?.values().all(|left| *left == STOCK));
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}
