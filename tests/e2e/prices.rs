//! Quotes that no longer hold, and stores that no longer sell.

use crate::lost::Ago;
use crate::stage::{STOCK, Scene, Stage, assert_problem};
use anyhow::{Context as _, Result};
use carryout_aws::{DocumentConflict, DynamoCatalog, DynamoConsumers, DynamoDocuments, DynamoPromotions, DynamoQuotes};
use carryout_checkout::market::{Country, MarketType};
use carryout_checkout::ports::PROMOTIONS;
use carryout_checkout::quoting::{PriceEngine, Quoting};
use carryout_checkout::store::Location;
use carryout_lambda::clock::{SystemClock, SystemTimer};
use carryout_lambda::ids::RandomIds;
use carryout_money::{Money, Rate};
use carryout_pricing::{Benefit, Difference, Promotion, Quote};
use serde_json::json;
use std::sync::Arc;

/// A quote that was made two minutes ago and held for one.
async fn expired(scene: &Scene<'_>) -> Result<Quote> {
    let stage = scene.stage;
    let quoting = Quoting {
        catalog: DynamoCatalog::new(&stage.aws, stage.output("StoresTable")?),
        consumers: DynamoConsumers::new(&stage.aws, stage.output("ConsumersTable")?),
        promotions: DynamoPromotions::new(&stage.aws, stage.output("ControlTable")?, stage.output("CountersTable")?),
        engine: Arc::new(PriceEngine::standard(SystemTimer)),
        quotes: DynamoQuotes::new(&stage.aws, stage.output("QuotesTable")?),
        seal: stage.keys("QuoteSecret").await?,
        clock: Ago(120_000),
        ids: RandomIds,
        lock_for: 60_000,
    };
    Ok(quoting.quote(&scene.consumer.id, &scene.cart()).await?)
}

#[tokio::test]
async fn an_expired_quote_is_answered_with_a_fresh_one_at_the_same_price() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    let old = expired(&scene).await?;
    let reply = scene.checkout(&old, &scene.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Expired", Some("quote_id"));
    assert_eq!(reply.body.get("differences"), None);
    let fresh: Quote = serde_json::from_value(reply.body["quote"].clone())?;
    assert_eq!(fresh.terms.price, old.terms.price);
    assert!(fresh.terms.id != old.terms.id && fresh.terms.expires_at > SystemClock.now_ms());
    assert_eq!(stage.orders_of(&scene.consumer.id).await?, 0);

    let id = scene.order(&fresh).await?;
    scene.assert_placed(&id, &fresh).await?;
    Ok(())
}

#[tokio::test]
async fn a_price_that_changed_is_shown_field_by_field_before_anybody_pays_it() -> Result<()> {
    let stage = Stage::set().await?;
    let mut scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    let old = expired(&scene).await?;
    let raised = scene.store.items[0].price;
    scene.store.items[0].price = Money::new(raised.minor + 100, raised.currency);
    scene.write_store().await?;

    let reply = scene.checkout(&old, &scene.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Changed", Some("quote_id"));
    let fresh: Quote = serde_json::from_value(reply.body["quote"].clone())?;
    let differences: Vec<Difference> = serde_json::from_value(reply.body["differences"].clone())?;
    let line = format!("lines.{}", scene.store.items[0].id);
    let of_line = differences.iter().find(|difference| difference.component == line);
    let quantity = i64::from(old.terms.price.lines[0].quantity);
    let by = of_line.and_then(|difference| Some(difference.now?.minor - difference.was?.minor));
    assert_eq!(by, Some(100 * quantity), "{differences:?}");
    let total = differences.last().filter(|difference| difference.component == "total");
    assert_eq!(
        total.map(|total| (total.was, total.now)),
        Some((Some(old.terms.price.total), Some(fresh.terms.price.total))),
        "{differences:?}"
    );

    let id = scene.order(&fresh).await?;
    scene.assert_placed(&id, &fresh).await?;
    Ok(())
}

/// Adds a promotion to its market for as long as a test needs it, or ends it.
async fn promote(stage: &Stage, country: Country, change: impl Fn(&mut Vec<Promotion>)) -> Result<()> {
    let documents = DynamoDocuments::new(&stage.aws, stage.output("ControlTable")?);
    loop {
        let known = documents.read(PROMOTIONS, country.code()).await?.context("the market is not seeded")?;
        let mut promotions: Vec<Promotion> = serde_json::from_value(known.value)?;
        change(&mut promotions);
        let value = serde_json::to_value(&promotions)?;
        match documents.write(PROMOTIONS, country.code(), &value, Some(known.version)).await {
            Ok(()) => return Ok(()),
            // Another test changes its own promotion.
            Err(DocumentConflict::Conflict) => {}
            Err(DocumentConflict::Store(error)) => return Err(error.into()),
        }
    }
}

#[tokio::test]
async fn a_promotion_that_ended_is_named_with_what_it_is_worth() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::NZ, MarketType::Restaurant).await?;
    let id = format!("test-{}", scene.store.store.id);
    let mine = Promotion {
        condition: serde_json::from_value(json!({ "store.id": scene.store.store.id }))?,
        priority: 99,
        ..Promotion::new(&id, "A tenth off", Benefit::Percent(Rate::from_milli_percent(10_000)))
    };
    promote(&stage, Country::NZ, |promotions| promotions.push(mine.clone())).await?;
    let old = expired(&scene).await?;
    promote(&stage, Country::NZ, |promotions| promotions.retain(|promotion| promotion.id != id)).await?;
    let discount = old.terms.price.discounts.iter().find(|charge| charge.code == id).context("it was not given")?;

    let reply = scene.checkout(&old, &scene.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Changed", Some("quote_id"));
    let differences: Vec<Difference> = serde_json::from_value(reply.body["differences"].clone())?;
    let gone = differences.iter().find(|difference| difference.component == format!("discounts.{id}"));
    assert_eq!(gone.map(|gone| (gone.was, gone.now)), Some((Some(discount.amount), None)), "{differences:?}");
    let by = Money { minor: -discount.amount.minor, ..discount.amount };
    let detail = reply.body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(&format!("A tenth off +{by}")), "{detail}");

    let fresh: Quote = serde_json::from_value(reply.body["quote"].clone())?;
    let order = scene.order(&fresh).await?;
    scene.assert_placed(&order, &fresh).await?;
    Ok(())
}

/// What was promised is charged, whatever the menu says meanwhile.
#[tokio::test]
async fn a_quote_that_holds_is_honoured_although_the_price_rose() -> Result<()> {
    let stage = Stage::set().await?;
    let mut scene = stage.scene(Country::CA, MarketType::Restaurant).await?;
    let quote = scene.quote(&scene.cart()).await?;
    let price = scene.store.items[0].price;
    scene.store.items[0].price = Money::new(price.minor * 2, price.currency);
    scene.write_store().await?;
    let id = scene.order(&quote).await?;
    scene.assert_placed(&id, &quote).await?;
    Ok(())
}

#[tokio::test]
async fn an_expired_quote_for_what_is_gone_says_so() -> Result<()> {
    let stage = Stage::set().await?;
    let scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    let old = expired(&scene).await?;
    let mut moved_out = scene.consumer.clone();
    moved_out.addresses.clear();
    stage.sign_up(&moved_out).await?;
    let reply = scene.checkout(&old, &scene.working_card()?).await?;
    assert_problem(&reply, 409, "Quote.Expired", Some("quote_id"));
    assert_eq!(reply.body["renewal"]["code"], "Request.InvalidField", "{}", reply.body);
    assert_eq!(reply.body.get("quote"), None);
    Ok(())
}

#[tokio::test]
async fn a_store_that_can_not_sell_says_why_and_the_quote_stays() -> Result<()> {
    let stage = Stage::set().await?;
    let mut scene = stage.scene(Country::US, MarketType::Restaurant).await?;
    let (quote, card) = (scene.quote(&scene.cart()).await?, scene.working_card()?);
    let open = scene.store.clone();

    scene.store.store.hours.clear();
    scene.write_store().await?;
    assert_problem(&scene.checkout(&quote, &card).await?, 409, "Store.Closed", None);

    scene.store = open.clone();
    scene.store.store.accepting_orders = false;
    scene.write_store().await?;
    assert_problem(&scene.checkout(&quote, &card).await?, 409, "Store.NotAccepting", None);

    scene.store = open.clone();
    scene.store.items[0].stock = 0;
    scene.store.items[1].available = false;
    scene.write_store().await?;
    let reply = scene.checkout(&quote, &card).await?;
    assert_problem(&reply, 409, "Item.SoldOut", None);
    let detail = reply.body["detail"].as_str().unwrap_or_default();
    assert!(open.items[..2].iter().all(|item| detail.contains(&item.name)), "{detail}");

    scene.store = open.clone();
    scene.store.store.delivery_radius = 500;
    scene.write_store().await?;
    assert_problem(&scene.checkout(&quote, &card).await?, 409, "Delivery.OutOfReach", None);

    scene.store = open;
    scene.write_store().await?;
    let mut far = scene.consumer.clone();
    far.addresses[0].location = Location { lat: far.addresses[0].location.lat + 1.0, ..far.addresses[0].location };
    stage.sign_up(&far).await?;
    assert_problem(&scene.checkout(&quote, &card).await?, 409, "Delivery.OutOfReach", None);
    let mut moved_out = scene.consumer.clone();
    moved_out.addresses.clear();
    stage.sign_up(&moved_out).await?;
    assert_problem(&scene.checkout(&quote, &card).await?, 422, "Address.Unknown", None);

    stage.sign_up(&scene.consumer).await?;
    assert_eq!(stage.orders_of(&scene.consumer.id).await?, 0);
    assert!(scene.stock().await?.values().all(|left| *left == STOCK));
    let id = scene.order(&quote).await?;
    scene.assert_placed(&id, &quote).await?;
    Ok(())
}
