//! Orders that nothing gets in the way of, in each market's workflow.

use crate::harness::{Harness, STOCK};
use anyhow::{Context as _, Result};
use carryout_checkout::{
    cart::{Cart, CartLine, MAX_LINES},
    store::Item,
    submit::{CheckoutAnswer, CheckoutRequest},
    track::{OrderView, track},
    workflows::orchestrator,
};
use carryout_lambda::ids::new_id;
use carryout_market::{MarketId, MarketType, ids};
use carryout_pricing::{ChargeKind, Quote};
use reqwest::Method;

async fn place(country: MarketId, market_type: MarketType, cart: impl Fn(&Cart) -> Cart) -> Result<(OrderView, Quote)> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(country, market_type).await?;
    let quote = fixture.quote(&cart(&fixture.cart())).await?;
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!((view.run, &*view.flags), (1, &[][..]), "{view:?}");
    Ok((view, quote))
}

fn steps(view: &OrderView) -> Vec<&str> {
    view.steps.iter().map(|step| step.step.as_str()).collect()
}

#[tokio::test]
async fn an_american_restaurant_makes_what_it_is_sent() -> Result<()> {
    let (view, _) = place(ids::US, MarketType::Restaurant, Cart::clone).await?;
    assert_eq!(view.workflow, "checkout-standard");
    assert_eq!(
        steps(&view),
        [
            "confirm-price",
            "reserve-items",
            "check-fraud",
            "authorize-payment",
            "create-delivery",
            "notify-merchant",
            "capture-payment",
            "complete-order"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn an_australian_restaurant_accepts_before_a_courier_is_booked() -> Result<()> {
    let (view, _) = place(ids::AU, MarketType::Restaurant, Cart::clone).await?;
    assert_eq!(view.workflow, "checkout-accepted");
    let began = |name: &str| view.steps.iter().find(|step| step.step == name).and_then(|step| step.sent_at);
    let ended = |name: &str| view.steps.iter().find(|step| step.step == name).and_then(|step| step.ended_at);
    assert!(ended("await-merchant").is_some() && ended("await-merchant") <= began("create-delivery"), "{view:?}");
    Ok(())
}

#[tokio::test]
async fn a_grocery_in_new_zealand_acknowledges_while_a_courier_is_on_the_way() -> Result<()> {
    let (view, _) = place(ids::NZ, MarketType::Grocery, Cart::clone).await?;
    assert_eq!(view.workflow, "checkout-grocery");
    let steps = steps(&view);
    let at = |name| steps.iter().position(|step| *step == name);
    assert!(at("create-delivery") < at("await-merchant") && at("await-merchant") < at("capture-payment"), "{steps:?}");
    Ok(())
}

#[tokio::test]
async fn a_canadian_shop_and_a_puerto_rican_grocery_sell() -> Result<()> {
    let (shop, grocery) =
        futures::try_join!(place(ids::CA, MarketType::Retail, Cart::clone), place(ids::PR, MarketType::Grocery, Cart::clone))?;
    assert_eq!((shop.0.workflow.as_str(), shop.1.terms.price.total.currency.code()), ("checkout-standard", "CAD"));
    assert_eq!((grocery.0.workflow.as_str(), grocery.1.terms.price.total.currency.code()), ("checkout-grocery", "USD"));
    Ok(())
}

#[tokio::test]
async fn no_courier_comes_for_a_pickup() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.pickup()).await?;
    assert!(
        !quote.terms.delivery && quote.terms.price.charges[ChargeKind::Fee].iter().all(|fee| fee.code != "delivery"),
        "{quote:?}"
    );
    let id = fixture.order(&quote).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!(view.fulfilment, "pickup");
    assert_eq!(fixture.books(&id).await?.all["deliveries"], serde_json::json!([]));
    Ok(())
}

#[tokio::test]
async fn the_answer_says_where_to_look_and_the_clients_correlation_id_stays_with_the_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let request = CheckoutRequest {
        quote_id: quote.terms.id.clone(),
        quote_signature: quote.signature.clone(),
        payment_method_id: fixture.working_card()?.id,
    };
    let (bearer, key, correlation_id) =
        (format!("Bearer {}", harness.client.token(&fixture.consumer.id, false)?), new_id("key"), new_id("trace"));
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", &key), ("x-correlation-id", correlation_id.as_str())];
    let reply = harness.client.send(Method::POST, "/v1/checkouts", &headers, Some(serde_json::to_vec(&request)?)).await?;
    let answer: CheckoutAnswer = reply.expect(202)?;
    assert_eq!(answer.status_url, format!("/v1/orders/{}", answer.order_id));
    assert_eq!(reply.headers.get("location"), Some(&answer.status_url));
    let asked: OrderView =
        harness.client.as_consumer(&fixture.consumer.id, Method::GET, &answer.status_url, None).await?.expect(200)?;
    assert_eq!((&asked.id, &asked.correlation_id), (&answer.order_id, &correlation_id));
    let view = fixture.assert_placed(&answer.order_id, &quote).await?;
    assert_eq!(view.correlation_id, correlation_id);
    Ok(())
}

#[tokio::test]
async fn an_order_is_tracked_with_one_read() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.pickup()).await?;
    let id = fixture.order(&quote).await?;
    let expected = fixture.assert_placed(&id, &quote).await?;
    let aws = harness.stack.aws().await;
    let orders = carryout_aws::DynamoOrders::new(&aws, harness.output("OrdersTable")?);
    let view = track(&orders, &orchestrator(), &fixture.consumer.id, &id).await?.context("the order is gone")?;
    assert_eq!(view, expected);
    assert_eq!(aws.requests().by_operation(), [("GetItem".to_owned(), 1)].into());
    Ok(())
}

#[tokio::test]
async fn the_longest_cart_is_one_transaction() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness
        .scene_with(ids::US, MarketType::Restaurant, |store| {
            let (first, store_id) = (store.items[0].clone(), store.store.id.clone());
            let item = |nth: usize| Item {
                id: new_id("itm"),
                store_id: store_id.clone(),
                name: format!("Sample {nth}"),
                price: carryout_money::Money::new(25, first.price.currency),
                stock: STOCK,
                ..first.clone()
            };
            store.items = (0..MAX_LINES).map(item).collect();
        })
        .await?;
    let lines = fixture.store.items.iter().map(|item| CartLine { item_id: item.id.clone(), quantity: 2 }).collect();
    let quote = fixture.quote(&Cart { lines, ..fixture.cart() }).await?;
    assert_eq!(quote.terms.price.lines.len(), MAX_LINES);
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}
