//! What a cart must be to be priced.

use crate::world::{CONSUMER, SHOP, World};
use carryout_checkout::{
    cart::{Cart, CartFulfilment, CartLine, MAX_LINES, QuoteError},
    ports::{QuoteRecords as _, Quotes as _},
    quoting::PriceEngine,
};
use carryout_environment::HasErrorCode as _;
use carryout_market::{MarketType, ids};
use carryout_pricing::{ChargeKind, Context, Fallback, Pipeline, PriceBreakdown, Promotion, Rule, differences};
use carryout_testing::{FixedTimer, Pause, StoreFault, samples};
use futures::{FutureExt as _, future};
use serde_json::json;
use std::sync::Arc;

fn line(item: &str, quantity: u32) -> CartLine {
    CartLine { item_id: item.to_owned(), quantity }
}

fn ramen(quantity: u32) -> CartLine {
    line(&format!("itm_{SHOP}_ramen"), quantity)
}

async fn refused(cart: &Cart) -> (String, Option<String>) {
    let world = World::new();
    let error = world.quoting().quote(CONSUMER, cart).await.unwrap_err();
    assert_eq!(world.store.writes(), 0, "nothing is written");
    (error.code().name.to_owned(), error.field().map(str::to_owned))
}

#[tokio::test]
async fn a_cart_that_can_not_be_priced_names_the_field() {
    let good = samples::cart(SHOP, 1);
    let many = (0..=MAX_LINES).map(|index| line(&format!("itm_{index}"), 1)).collect();
    let cases = [
        (Cart { lines: Vec::new(), ..good.clone() }, "Request.InvalidField", "lines"),
        (Cart { lines: many, ..good.clone() }, "Request.InvalidField", "lines"),
        (Cart { lines: vec![ramen(1), ramen(0)], ..good.clone() }, "Request.InvalidField", "lines[1].quantity"),
        (Cart { lines: vec![ramen(1_000)], ..good.clone() }, "Request.InvalidField", "lines[0].quantity"),
        (Cart { lines: vec![ramen(u32::MAX)], ..good.clone() }, "Request.InvalidField", "lines[0].quantity"),
        (Cart { lines: vec![ramen(999), ramen(1)], ..good.clone() }, "Request.InvalidField", "lines[1].quantity"),
        (Cart { tip: -1, ..good.clone() }, "Request.InvalidField", "tip"),
        (Cart { tip: 100_001, ..good.clone() }, "Request.InvalidField", "tip"),
        (Cart { address_id: None, ..good.clone() }, "Request.InvalidField", "address_id"),
        (Cart { address_id: Some("adr_other".to_owned()), ..good.clone() }, "Request.InvalidField", "address_id"),
        (Cart { store_id: "sto_none".to_owned(), ..good.clone() }, "Store.Unknown", "store_id"),
        // The line is named as the consumer sent it, also behind lines that are added up.
        (Cart { lines: vec![ramen(1), ramen(1), line("itm_x", 1)], ..good }, "Item.Unknown", "lines[2].item_id"),
    ];
    for (cart, code, field) in cases {
        assert_eq!(refused(&cart).await, (code.to_owned(), Some(field.to_owned())), "{cart:?}");
    }
}

#[tokio::test]
async fn an_unknown_account_gets_no_price() {
    let world = World::new();
    let error = world.quoting().quote("con_nobody", &samples::cart(SHOP, 1)).await.unwrap_err();
    assert!(matches!(error, QuoteError::NoConsumer), "{error}");
}

#[tokio::test]
async fn the_account_is_refused_before_the_store_whichever_is_read_first() {
    let world = World::new();
    let cart = Cart { store_id: "sto_none".to_owned(), ..samples::cart(SHOP, 1) };
    let error = world.quoting().quote("con_nobody", &cart).await.unwrap_err();
    assert!(matches!(error, QuoteError::NoConsumer), "{error}");
}

#[tokio::test]
async fn lines_of_one_item_are_added_up() {
    let world = World::new();
    let cart = Cart { lines: vec![ramen(1), line(&format!("itm_{SHOP}_gyoza"), 1), ramen(2)], ..samples::cart(SHOP, 1) };
    let quote = world.quoting().quote(CONSUMER, &cart).await.unwrap();
    let lines: Vec<_> = quote.terms.price.lines.iter().map(|line| (&*line.name, line.quantity)).collect();
    assert_eq!(lines, [("Ramen", 3), ("Gyoza", 1)]);
    assert_eq!(quote.terms.price.subtotal.minor, 3 * 1_450 + 725);
}

#[tokio::test]
async fn a_pickup_has_no_delivery_fee_and_no_address() {
    let world = World::new();
    let delivered = world.quote().await;
    let cart = Cart { fulfilment: CartFulfilment::Pickup, ..samples::cart(SHOP, 2) };
    let fetched = world.quoting().quote(CONSUMER, &cart).await.unwrap();
    assert_eq!(fetched.terms.address_id, None);
    assert_eq!(delivered.terms.price.total.minor - fetched.terms.price.total.minor, 299);
}

#[tokio::test]
async fn a_quote_that_could_not_be_kept_is_not_given() {
    let world = World::new();
    world.store.script("save", StoreFault::Before);
    let error = world.quoting().quote(CONSUMER, &samples::cart(SHOP, 1)).await.unwrap_err();
    assert_eq!(error.code().name, "Storage.Unavailable");
}

/// A world with promotions, of which one asks about consumer, store, way and time.
fn with_promotions() -> World {
    let world = World::new();
    let condition = json!({
        "consumer.orders": { "$gte": 12 },
        "consumer.account_age_days": 400,
        "store.market_type": "restaurant",
        "store.id": SHOP,
        "fulfilment": "delivery",
        "now": { "$gt": 1_000 },
    });
    let mut promotions = samples::promotions();
    promotions[0].condition = serde_json::from_value(condition).unwrap();
    world.store.put_promotions(ids::US, promotions);
    world
}

#[tokio::test]
async fn the_markets_promotions_are_taken_off() {
    let world = with_promotions();
    let quote = world.quote().await;
    let price = &quote.terms.price;
    let discounts: Vec<_> =
        price.charges[ChargeKind::Discount].iter().map(|charge| (charge.code.as_str(), charge.amount.minor)).collect();
    // Two ramen are 29.00, too little for `bulk`.
    assert_eq!(discounts, [("ten_off", -290)]);
    let pickup = Cart { fulfilment: CartFulfilment::Pickup, ..samples::cart(SHOP, 3) };
    let fetched = world.quoting().quote(CONSUMER, &pickup).await.unwrap();
    assert_eq!(fetched.terms.price.charges[ChargeKind::Discount].len(), 1);
    assert_eq!(fetched.terms.price.charges[ChargeKind::Discount][0].code, "bulk");
}

#[tokio::test]
async fn what_a_price_depended_on_is_kept_and_gives_it_again() {
    let world = with_promotions();
    let quote = world.quote().await;
    let record = world.store.record(&quote.terms.id).await.unwrap().unwrap();
    assert_eq!(record.price.as_ref(), Some(&quote.terms.price));
    assert_eq!(record.context.promotions.len(), 2);
    assert!(record.replay(&Pipeline::standard()).identical);
    let mut touched = record;
    touched.context.lines[0].unit_price += 1;
    let replay = touched.replay(&Pipeline::standard());
    let difference = replay.difference.unwrap();
    assert_eq!((replay.identical, difference.pointer.as_str()), (false, "/lines/0/amount/minor"), "{difference:?}");
}

#[tokio::test]
async fn a_quote_does_without_what_is_late_and_says_so() {
    for (late, providers) in [("promotions", &["promotions"][..]), ("consumer", &["credits", "consumer"])] {
        let mut world = with_promotions();
        let pause = Pause::with(move |call| if call == late { future::pending().boxed() } else { future::ready(()).boxed() });
        world.store = world.store.pausing(pause);
        world.engine = Arc::new(PriceEngine::standard(samples::markets().into_source(), FixedTimer::AtOnce));
        let quote = world.quote().await;
        let price = &quote.terms.price;
        assert_eq!(price.flags.iter().map(|flag| flag.provider.as_str()).collect::<Vec<_>>(), providers);
        assert_eq!((price.flags[0].used, price.charges[ChargeKind::Discount].len()), (Fallback::Default, 0));
        assert!(world.store.record(&quote.terms.id).await.unwrap().unwrap().replay(&Pipeline::standard()).identical);
    }
}

#[tokio::test]
async fn a_store_that_is_late_has_no_prices() {
    let mut world = World::new();
    world.store = world.store.pausing(Pause::with(|call| match call {
        "store" => future::pending().boxed(),
        _ => future::ready(()).boxed(),
    }));
    world.engine = Arc::new(PriceEngine::standard(samples::markets().into_source(), FixedTimer::AtOnce));
    let error = world.quoting().quote(CONSUMER, &samples::cart(SHOP, 1)).await.unwrap_err();
    assert_eq!(error.code().name, "Storage.Unavailable", "{error}");
}

/// A rule that refuses prices above a total.
struct Below(i64);

impl Rule for Below {
    fn violation(&self, _: &Context, sheet: &PriceBreakdown<'_>) -> Option<String> {
        (sheet.total() > self.0).then(|| format!("a total of {} is too much", sheet.total()))
    }
}

#[tokio::test]
async fn a_wrong_price_is_kept_and_nobody_sees_it() {
    let mut world = World::new();
    world.engine =
        Arc::new(PriceEngine::new(Pipeline::standard().rule(Below(3_000)), samples::markets().into_source(), FixedTimer::Never));
    let error = world.quoting().quote(CONSUMER, &samples::cart(SHOP, 3)).await.unwrap_err();
    let QuoteError::WrongPrice(id) = &error else { panic!("{error}") };
    assert_eq!((error.code().name, error.field()), ("Price.Wrong", None));
    assert_eq!(world.store.quote(id).await.unwrap(), None);
    let record = world.store.record(id).await.unwrap().unwrap();
    assert!(record.invalid.as_ref().is_some_and(|invalid| invalid.contains("is too much")), "{record:?}");
    assert!(record.replay(world.engine.pipeline()).identical);
    assert!(!record.replay(&Pipeline::standard()).identical, "without the rule it has a price");
}

#[tokio::test]
async fn a_promotion_that_can_not_be_computed_is_not_the_consumers_mistake() {
    let world = World::new();
    let broken: Promotion =
        serde_json::from_value(json!({ "id": "broken", "name": "Broken", "benefit": { "fixed": -1 } })).unwrap();
    world.store.put_promotions(ids::US, vec![broken]);
    let error = world.quoting().quote(CONSUMER, &samples::cart(SHOP, 1)).await.unwrap_err();
    assert_eq!(error.code().name, "Price.Wrong", "{error}");
}

#[tokio::test]
async fn a_fresh_quote_differs_by_discounts_fees_and_taxes() {
    let world = with_promotions();
    let old = world.quote().await;
    world.store.put_promotions(ids::US, Vec::new());
    let mut shop = samples::store(SHOP, ids::US, MarketType::Restaurant);
    shop.store.delivery_fee.minor += 100;
    world.store.put_store(shop);
    let fresh = world.quoting().renew(&old.terms).await.unwrap();
    let said: Vec<String> = differences(&old.terms.price, &fresh.terms.price).iter().map(ToString::to_string).collect();
    // The tax is 8.875 % of 29.00 instead of 26.10.
    assert_eq!(said, ["10% off +2.90 USD", "Delivery fee +1.00 USD", "Sales tax 8.875% +0.25 USD", "Total +4.15 USD"]);
}
